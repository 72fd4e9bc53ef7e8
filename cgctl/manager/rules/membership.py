"""Changing a group: which volumes may come and go (B.4), in Cinder's order of checks."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused, UsageError
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import called, check_status
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Group, Volume, VolumeType

ADDABLE = (VolumeStatus.AVAILABLE,)
REMOVABLE = (VolumeStatus.AVAILABLE, VolumeStatus.ERROR, VolumeStatus.ERROR_DELETING)


def check_movement(
    group: Group, group_types: Sequence[VolumeType], add: Sequence[Volume], remove: Sequence[Volume]
) -> None:
    """Everything about the volumes that shall come and go; a member that shall come is there already: no matter."""
    subject = called("group", group)
    both = {one.id for one in add} & {one.id for one in remove}
    if both:
        raise UsageError(subject, f"{', '.join(sorted(both))} is both to be added and removed", "name it once")
    for volume in add:
        _check_addable(group, group_types, volume)
    for volume in remove:
        _check_removable(group, volume)
    if add or remove:
        check_status("group", group, (GroupStatus.AVAILABLE,))


def _check_addable(group: Group, group_types: Sequence[VolumeType], volume: Volume) -> None:
    if volume.group_id == group.id:
        return
    subject = called("volume", volume)
    if volume.group_id:
        way_out = f"cgctl group-update {volume.group_id} --remove-volumes {volume.id}"
        raise Refused(subject, f"is in group {volume.group_id}", way_out)
    if volume.volume_type_id not in {one.id for one in group_types}:
        names = ", ".join(one.name for one in group_types)
        raise Refused(subject, f"its type is not one of the group's ({names})", f"see both: cgctl show {volume.id}")
    check_status("volume", volume, ADDABLE)
    if volume.host != group.host:
        way_out = "a volume only joins a group on its own backend"
        raise Refused(subject, f"is on backend {volume.host}, the group on {group.host}", way_out)


def _check_removable(group: Group, volume: Volume) -> None:
    if volume.group_id != group.id:
        way_out = f"cgctl group-show --list-volume {group.id}"
        raise Refused(called("volume", volume), f"is not in group {shown(group)}", way_out)
    check_status("volume", volume, REMOVABLE)
