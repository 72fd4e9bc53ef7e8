"""Any directory, without privileges: members are copied one after another (by reflink where the file system can).

So whoever snapshots or clones live volumes has quiesced them first; a writer that is active nevertheless is noticed by
the files' times, and what was copied is removed.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.backends.directory_pool.driver import DirectoryPoolDriver
from drivers.contract import ActivityAttributes, HandleScope

_STATELESS = frozenset({
    "check_for_setup_error",
    "get_volume_stats",
    "list_objects",
    "create_volume",
    "create_volume_from_snapshot",
    "delete_volume",
    "extend_volume",
    "delete_snapshot",
    "create_consistencygroup",
    "delete_consistencygroup",
    "update_consistencygroup",
    "delete_cgsnapshot",
})  # fmt: skip


@dataclass(frozen=True)
class FileDriver(DirectoryPoolDriver):
    """A directory that the backend's user can write to."""

    @property
    def name(self) -> str:
        return "file"

    @property  # what runs in the pool belongs to the user who owns it
    def activities(self) -> ActivityAttributes:
        return ActivityAttributes(
            stateless_activities=_STATELESS, snapshot_replication=True, handle_scope=HandleScope.USER
        )
