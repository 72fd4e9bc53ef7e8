"""Group snapshots: of what one may be taken (B.6), when it may go (B.7)."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import called, check_source_status, check_status
from cgctl.model.states import GroupSnapshotStatus, GroupStatus, VolumeStatus
from cgctl.model.tables import Group, GroupSnapshot, Volume

SNAPSHOTTABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
DELETABLE = (GroupSnapshotStatus.AVAILABLE, GroupSnapshotStatus.ERROR, GroupSnapshotStatus.ERROR_DELETING)


def check_creation(group: Group, members: Sequence[Volume]) -> None:
    """The group is well (Cinder's D20 took any that was not being made), it has members, each of them is well."""
    subject = called("group", group)
    check_status("group", group, (GroupStatus.AVAILABLE,))
    if not members:
        raise Refused(subject, "has no volumes", f"cgctl create --group-id {group.id} --volume-type TYPE SIZE")
    for member in members:
        check_source_status(subject, "volume", member, SNAPSHOTTABLE)
        if member.host is None:
            reason = f"{called('volume', member)} was never placed on a backend"
            raise Refused(subject, reason, f"cgctl show {member.id}")


def check_deletion(group_snapshot: GroupSnapshot, clones: Sequence[Group]) -> None:
    """It is well, or has failed; clones are the groups that are just being created from it."""
    check_status("group snapshot", group_snapshot, DELETABLE)
    for clone in clones:
        way_out = f"wait for it: cgctl group-show {clone.id}"
        raise Refused(called("group snapshot", group_snapshot), f"group {shown(clone)} is being made of it", way_out)
