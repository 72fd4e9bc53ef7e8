"""What is copied, from where to where, as the journal keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.manager.activities.work import Plan
from drivers import contract


@dataclass(frozen=True)
class Member:
    """A snapshot, the anonymous volumes on both sides, and the new snapshot."""

    snapshot_id: str
    volume_id: str
    size_bytes: int
    group_id: str | None
    group_snapshot_id: str | None
    clone_id: str
    copy_id: str
    new_id: str

    @property
    def snapshot(self) -> contract.Snapshot:
        return contract.Snapshot(
            self.snapshot_id, self.volume_id, self.size_bytes, self.group_id, self.group_snapshot_id
        )


@dataclass(frozen=True)
class Replicating:
    """set_id, anonymous_group_id: the new group snapshot, and the group that it is taken of; none of one snapshot.

    own_way: the drivers are of one family, and need no anonymous volume on the source's side.
    """

    source: str
    destination: str
    members: Sequence[Member]
    set_id: str | None = None
    anonymous_group_id: str | None = None
    own_way: bool = False

    @classmethod
    def of(cls, plan: Plan) -> Replicating:
        """From the journal."""
        return cls(**{**plan, "members": [Member(**one) for one in plan["members"]]})

    def clone(self, member: Member) -> contract.Volume:
        return contract.Volume(member.clone_id, member.size_bytes)

    def copy(self, member: Member) -> contract.Volume:
        return contract.Volume(member.copy_id, member.size_bytes, self.anonymous_group_id)

    def new_snapshot(self, member: Member) -> contract.Snapshot:
        return contract.Snapshot(member.new_id, member.copy_id, member.size_bytes, self.anonymous_group_id, self.set_id)

    @property
    def new_set(self) -> contract.GroupSnapshot:
        return contract.GroupSnapshot(self.set_id or "", self.anonymous_group_id or "")
