"""Snapshots of one volume: of what one may be taken, when it may go (B.9)."""

from __future__ import annotations

from cgctl.errors import Refused
from cgctl.manager.rules.status import called, check_status
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Snapshot, Volume

SNAPSHOTTABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)


def check_creation(volume: Volume) -> None:
    """The volume is well and has been placed; whether its writes must be held is the driver's matter."""
    check_status("volume", volume, SNAPSHOTTABLE)
    if volume.host is None:
        raise Refused(called("volume", volume), "was never placed on a backend", f"cgctl show {volume.id}")


def check_deletion(snapshot: Snapshot) -> None:
    """A member of a group snapshot goes with it, never alone."""
    if snapshot.group_snapshot_id:
        way_out = f"cgctl group-snapshot-delete {snapshot.group_snapshot_id}"
        raise Refused(
            called("snapshot", snapshot), f"is a member of group snapshot {snapshot.group_snapshot_id}", way_out
        )
