"""Groups from a source: of what one may be made (B.8)."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused, UsageError
from cgctl.manager.rules.status import called, check_source_status
from cgctl.model.states import SnapshotStatus, VolumeStatus
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume

CLONEABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
"""An attached member is cloned where the driver holds its writes, or hooks do: `cgctl.manager.quiesce`."""


def check_one_source(subject: str, group_snapshot: str | None, source_group: str | None) -> None:
    """Exactly one source."""
    if bool(group_snapshot) == bool(source_group):
        count = "no source" if not group_snapshot else "two sources"
        raise UsageError(subject, f"has {count}", "give either a group snapshot or a source group")


def check_source(subject: str, group: Group, members: Sequence[Volume]) -> None:
    """A source group is well and has members, each of them well."""
    _check_not_empty(subject, "group", group, members, group.id)
    check_source_status(subject, "group", group, ("available",))
    for member in members:
        check_source_status(subject, "volume", member, CLONEABLE)


def check_source_snapshot(subject: str, group_snapshot: GroupSnapshot, members: Sequence[Snapshot]) -> None:
    """A source group snapshot is well and has members, each of them well."""
    _check_not_empty(subject, "group snapshot", group_snapshot, members, group_snapshot.group_id)
    check_source_status(subject, "group snapshot", group_snapshot, ("available",))
    for member in members:
        check_source_status(subject, "snapshot", member, (SnapshotStatus.AVAILABLE,))


def _check_not_empty(
    subject: str, kind: str, source: Group | GroupSnapshot, members: Sequence[object], group_id: str
) -> None:
    if not members:
        raise Refused(
            subject, f"its source {called(kind, source)} is empty", f"cgctl group-show --list-volume {group_id}"
        )
