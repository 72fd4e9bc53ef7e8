"""Snapshots of one volume: of what one may be taken, when it may go (B.9)."""

from __future__ import annotations

from cgctl.errors import Refused
from cgctl.manager.rules.status import called, check_status
from cgctl.model.names import size_gib
from cgctl.model.states import SnapshotStatus, VolumeStatus
from cgctl.model.tables import Snapshot, Volume

UNMANAGEABLE = (SnapshotStatus.AVAILABLE, SnapshotStatus.ERROR, SnapshotStatus.ERROR_MANAGING)
SNAPSHOTTABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)


def check_creation(volume: Volume) -> None:
    """The volume is well and has been placed; whether its writes must be held is the driver's matter."""
    check_status("volume", volume, SNAPSHOTTABLE)
    if volume.host is None:
        raise Refused(called("volume", volume), "was never placed on a backend", f"cgctl show {volume.id}")


def check_managed(volume: Volume, size_bytes: int) -> None:
    """What becomes a snapshot of a volume: the volume is well, and was never larger than it is."""
    check_creation(volume)
    if size_bytes > volume.size_bytes:
        reason = f"has {size_gib(volume.size_bytes)} GiB, the snapshot would have {size_gib(size_bytes)} GiB"
        raise Refused(called("volume", volume), reason, "manage it as a volume: cgctl manage")


def check_unmanage(snapshot: Snapshot) -> None:
    """A snapshot that is nobody's part, and well enough to be somebody's data."""
    _check_alone(snapshot)
    check_status("snapshot", snapshot, UNMANAGEABLE)


def check_deletion(snapshot: Snapshot) -> None:
    """Alone; an error of any kind may always be deleted, but foreign data may be kept."""
    _check_alone(snapshot)
    if snapshot.status == SnapshotStatus.ERROR_MANAGING:
        reason = "was not managed to the end: its data are somebody's"
        raise Refused(called("snapshot", snapshot), reason, f"cgctl snapshot-unmanage {snapshot.id}")


def _check_alone(snapshot: Snapshot) -> None:
    """A member of a group snapshot goes with it, never alone."""
    if snapshot.group_snapshot_id:
        way_out = f"cgctl group-snapshot-delete {snapshot.group_snapshot_id}"
        raise Refused(
            called("snapshot", snapshot), f"is a member of group snapshot {snapshot.group_snapshot_id}", way_out
        )
