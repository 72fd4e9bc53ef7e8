"""Taking a group back to a group snapshot: when, and with which members. Beyond Cinder.

Decided 2026-11-21: the members now are the members then, else it is refused by name: a volume that came since would
keep its new data beside the others' old ones, and one that has left is perhaps somebody else's now. Sizes stay as they
are: whoever has extended a volume has told its clients, and what the group snapshot does not have reads as zeros.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cgctl.errors import Refused
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import DETACH, called, check_same_side, check_source_status, check_status
from cgctl.model.states import GroupSnapshotStatus, GroupStatus, SnapshotStatus, VolumeStatus
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume

REVERTIBLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)


def check_revert(
    group: Group, volumes: Sequence[Volume], group_snapshot: GroupSnapshot, snapshots: Sequence[Snapshot]
) -> None:
    """Group, group snapshot and every member are well, and the members are the same."""
    subject = called("group", group)
    check_status("group", group, (GroupStatus.AVAILABLE,))
    beside = f"a group of it, there: cgctl group-create-from-src --group-snapshot {group_snapshot.id}"
    check_same_side(subject, group, called("group snapshot", group_snapshot), group_snapshot, beside)
    if any(one.member_id is not None for one in snapshots):
        reason = f"{called('group snapshot', group_snapshot)} is a replica: its server cannot tell whose data it has"
        raise Refused(subject, reason, beside)
    check_source_status(subject, "group snapshot", group_snapshot, (GroupSnapshotStatus.AVAILABLE,))
    _check_same_members(subject, group, volumes, group_snapshot, snapshots)
    for volume in volumes:
        check_source_status(subject, "volume", volume, REVERTIBLE)
    for snapshot in snapshots:
        check_source_status(subject, "snapshot", snapshot, (SnapshotStatus.AVAILABLE,))


def _check_same_members(
    subject: str, group: Group, volumes: Sequence[Volume], group_snapshot: GroupSnapshot, snapshots: Sequence[Snapshot]
) -> None:
    now, then = {one.id for one in volumes}, {one.volume_id for one in snapshots}
    as_new_group = f"cgctl group-create-from-src --group-snapshot {group_snapshot.id}"
    if not then:
        raise Refused(subject, f"{called('group snapshot', group_snapshot)} has no members", as_new_group)
    came = ", ".join(shown(one) for one in volumes if one.id not in then)
    if came:
        leave = f"cgctl group-update {group.id} --remove-volumes {','.join(sorted(now - then))}"
        raise Refused(subject, f"volume {came} joined it after {shown(group_snapshot)}", f"{leave}; or {as_new_group}")
    if then - now:
        left = ", ".join(sorted(then - now))
        join = f"cgctl group-update {group.id} --add-volumes {','.join(sorted(then - now))}"
        raise Refused(subject, f"volume {left} left it after {shown(group_snapshot)}", f"{join}; or {as_new_group}")


def check_detached(group: Group, attached: Collection[Volume], *, force_detach: bool) -> None:
    """Nobody's data are replaced below him, unless that was said."""
    if attached and not force_detach:
        names = ", ".join(shown(one) for one in attached)
        raise Refused(called("group", group), f"volume {names} is attached", f"{DETACH}; or --force-detach")
