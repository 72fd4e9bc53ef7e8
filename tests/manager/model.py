"""What the state machine believes: every object by its id, with the data that it must hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Beginning = bytes
"""The first 8 bytes of a volume: as long as a pattern that is written to it."""

ZEROS: Beginning = bytes(8)


@dataclass
class Disk:
    """A volume. attachments: by initiator, the attachment's id."""

    data: Beginning
    size_bytes: int
    group: str | None = None
    attachments: dict[str, str] = field(default_factory=dict)
    host: str = "alpha"
    volume_type: str = "gold"


@dataclass(frozen=True)
class Still:
    """A snapshot of one volume."""

    volume: str
    data: Beginning
    size_bytes: int
    number: int


@dataclass(frozen=True)
class GroupStill:
    """A group snapshot; members: by volume."""

    group: str
    members: dict[str, Still]


@dataclass
class Model:
    """Everything in the order of its creation, and what follows from it."""

    volumes: dict[str, Disk] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    snapshots: dict[str, Still] = field(default_factory=dict)
    group_snapshots: dict[str, GroupStill] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=itertools.count)
    """Numbers snapshots by the time they were taken."""
    foreign: dict[tuple[str, str], Disk] = field(default_factory=dict)
    """What was given back, by its backend and its name there."""

    def members(self, group: str) -> list[str]:
        return [key for key, one in self.volumes.items() if one.group == group]

    def has_snapshots(self, volume: str) -> bool:
        singles = any(one.volume == volume for one in self.snapshots.values())
        return singles or any(volume in one.members for one in self.group_snapshots.values())

    def any_member(self, group: str, test: Callable[[str], bool]) -> bool:
        return any(test(one) for one in self.members(group))

    def is_attached(self, volume: str) -> bool:
        return bool(self.volumes[volume].attachments)

    def still(self, volume: str) -> Still:
        """What a snapshot of it holds now."""
        one = self.volumes[volume]
        return Still(volume, one.data, one.size_bytes, next(self.clock))

    def group_still(self, group: str) -> GroupStill:
        return GroupStill(group, {one: self.still(one) for one in self.members(group)})

    def has_group_snapshots(self, group: str) -> bool:
        return any(one.group == group for one in self.group_snapshots.values())

    def may_be_copied_live(self, group: str) -> bool:
        """The file driver copies only what nobody writes to."""
        return bool(self.members(group)) and not self.any_member(group, self.is_attached)

    def may_leave(self, volume: str) -> bool:
        """Deleted, given back or moved: alone, detached, without snapshots."""
        return not (self.volumes[volume].group or self.is_attached(volume) or self.has_snapshots(volume))

    def may_join(self, volume: str) -> bool:
        """Groups are all on alpha."""
        return self.volumes[volume].group is None and self.volumes[volume].host == "alpha"

    def may_revert_volume(self, snapshot: str) -> bool:
        """To the newest, whichever way that was taken, and as large as it was."""
        still = self.snapshots[snapshot]
        newest = max(self.taken(still.volume))
        same_size = self.volumes[still.volume].size_bytes == still.size_bytes
        return newest == still.number and same_size and not self.is_attached(still.volume)

    def taken(self, volume: str) -> list[int]:
        """The numbers of all snapshots of a volume."""
        members = [one.members[volume].number for one in self.group_snapshots.values() if volume in one.members]
        return members + [one.number for one in self.snapshots.values() if one.volume == volume]

    def may_delete_group(self, group: str, *, with_volumes: bool) -> bool:
        if self.has_group_snapshots(group) or (self.members(group) and not with_volumes):
            return False
        return not self.any_member(group, lambda one: self.is_attached(one) or self.has_snapshots(one))

    def may_revert(self, group_snapshot: str, *, force: bool) -> bool:
        taken = self.group_snapshots[group_snapshot]
        same = set(taken.members) == set(self.members(taken.group))
        return same and (force or not self.any_member(taken.group, self.is_attached))

    def revert(self, group_snapshot: str) -> None:
        """Data as they were then; sizes as they are; nobody attached."""
        for volume, still in self.group_snapshots[group_snapshot].members.items():
            self.volumes[volume].data = still.data
            self.volumes[volume].attachments.clear()
