"""Changing a group: which volumes may come and go (B.4), in Cinder's order of checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from cgctl.errors import NothingToChange, Refused, UsageError
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import called, check_status
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Group, Volume, VolumeType

ADDABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
REMOVABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE, VolumeStatus.ERROR, VolumeStatus.ERROR_DELETING)
"""An attached volume's export is away while it moves: `cgctl.manager.export_gap`."""


@dataclass(frozen=True)
class Unfinished:
    """A change of a group that a server failed: by which command, of which volumes, with the statuses they had.

    The same change again may finish it; any other would leave volumes of which nobody knows where they are.
    """

    command_line: str
    add: frozenset[str]
    remove: frozenset[str]
    before: Mapping[str, str]

    def status_of(self, volume: Volume) -> str:
        """A volume's own status, where it is in `error` only since that failure."""
        return self.before.get(volume.id, volume.status) if volume.status == VolumeStatus.ERROR else volume.status


def check_movement(
    group: Group,
    group_types: Sequence[VolumeType],
    add: Sequence[Volume],
    remove: Sequence[Volume],
    unfinished: Unfinished | None = None,
) -> None:
    """Everything about the volumes that shall come and go; a member that shall come is there already: no matter."""
    subject = called("group", group)
    both = {one.id for one in add} & {one.id for one in remove}
    if both:
        raise UsageError(subject, f"{', '.join(sorted(both))} is both to be added and removed", "name it once")
    for volume in add:
        _check_addable(group, group_types, volume, unfinished)
    for volume in remove:
        _check_removable(group, volume, unfinished)
    if add or remove:
        coming = {one.id for one in add if one.group_id != group.id}
        _check_group(group, coming, {one.id for one in remove}, unfinished)


def _check_group(group: Group, add: Set[str], remove: Set[str], unfinished: Unfinished | None) -> None:
    if unfinished and group.status == GroupStatus.ERROR:
        if (add, remove) == (unfinished.add, unfinished.remove):
            return
        reason = "is error, and a change of its volumes is not finished"
        raise Refused(called("group", group), reason, f"run it again: {unfinished.command_line}")
    check_status("group", group, (GroupStatus.AVAILABLE,))


def _check_addable(
    group: Group, group_types: Sequence[VolumeType], volume: Volume, unfinished: Unfinished | None
) -> None:
    if volume.group_id == group.id:
        return
    subject = called("volume", volume)
    if volume.group_id:
        way_out = f"cgctl group-update {volume.group_id} --remove-volumes {volume.id}"
        raise Refused(subject, f"is in group {volume.group_id}", way_out)
    if volume.volume_type_id not in {one.id for one in group_types}:
        names = ", ".join(one.name for one in group_types)
        raise Refused(subject, f"its type is not one of the group's ({names})", f"see both: cgctl show {volume.id}")
    _check_status(volume, ADDABLE, unfinished)
    if volume.host != group.host:
        way_out = "a volume only joins a group on its own backend"
        raise Refused(subject, f"is on backend {volume.host}, the group on {group.host}", way_out)


def _check_removable(group: Group, volume: Volume, unfinished: Unfinished | None) -> None:
    if volume.group_id != group.id:
        way_out = f"cgctl group-show --list-volume {group.id}"
        raise NothingToChange(called("volume", volume), f"is not in group {shown(group)}", way_out)
    _check_status(volume, REMOVABLE, unfinished)


def _check_status(volume: Volume, allowed: Collection[str], unfinished: Unfinished | None) -> None:
    if unfinished is None or unfinished.status_of(volume) not in allowed:
        check_status("volume", volume, allowed)


def check_something_changes(group: Group, *, moves: bool, words: bool) -> None:
    """A change that would leave all as it is has most likely been meant for something else."""
    if not (moves or words):
        reason = "has that name and description already, and the volumes are where they shall be"
        raise NothingToChange(called("group", group), reason, f"cgctl group-show --list-volume {group.id}")
