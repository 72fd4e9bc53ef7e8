"""btrfs: a group is a subvolume, and a group snapshot is one snapshot of it: atomic, whatever the number of members.

It is a consistent cut of synchronous writes only: whoever writes otherwise (tgtd: direct) is stopped for that moment,
see writers.sh. Never under fsfreeze (the snapshot would hang until the thaw), never `btrfs subvolume sync` (40 s).
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.backends.directory_pool.driver import DirectoryPoolDriver
from drivers.backends.directory_pool.scripts import METHODS
from drivers.contract import ActivityAttributes, HandleScope

# Moving a volume between containers copies it (by reflink) into another subvolume: nobody may write meanwhile.
_STATELESS = frozenset(METHODS) - {"update_consistencygroup"}


@dataclass(frozen=True)
class BtrfsDriver(DirectoryPoolDriver):
    """A directory of a btrfs file system, as root."""

    @property
    def name(self) -> str:
        return "btrfs"

    @property
    def activities(self) -> ActivityAttributes:
        return ActivityAttributes(
            stateless_activities=_STATELESS | {"create_volume_from_snapshot", "create_cloned_volume"},
            snapshot_replication=True,
            handle_scope=HandleScope.UNRESTRICTED,
        )
