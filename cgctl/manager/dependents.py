"""What depends on an object: the facts that `cgctl.manager.rules` decide by, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from cgctl.manager.rules.group import Dependents
from cgctl.model.states import GroupStatus
from cgctl.model.tables import Attachment, Group, GroupSnapshot, Snapshot, Volume


def dependents_of(session: Session, group: Group, members: Sequence[Volume]) -> Dependents:
    """What hangs on a group and its members."""
    group_snapshots = session.exec(select(GroupSnapshot.id).where(GroupSnapshot.group_id == group.id)).all()
    ids = [one.id for one in members]
    with_snapshots = session.exec(select(Snapshot.volume_id).where(col(Snapshot.volume_id).in_(ids)).distinct()).all()
    return Dependents(group_snapshots, with_snapshots, attached_ones(session, members))


def attached_ones(session: Session, volumes: Sequence[Volume]) -> Sequence[str]:
    """The ids of those to which somebody has, or may have, access."""
    ids = [one.id for one in volumes]
    return session.exec(select(Attachment.volume_id).where(col(Attachment.volume_id).in_(ids)).distinct()).all()


def has_snapshots(session: Session, volume: Volume) -> bool:
    """Whether any snapshot of the volume is left, alone or as a member of a group snapshot."""
    return session.exec(select(Snapshot.id).where(Snapshot.volume_id == volume.id).limit(1)).first() is not None


def snapshots_of(session: Session, volume: Volume) -> list[Snapshot]:
    """All snapshots of the volume, oldest first; members of group snapshots among them."""
    ordered = select(Snapshot).where(Snapshot.volume_id == volume.id)
    return list(session.exec(ordered.order_by(col(Snapshot.created_at), col(Snapshot.id))))


def clones_underway(session: Session, group_snapshot: GroupSnapshot) -> Sequence[Group]:
    """The groups that are being created from a group snapshot."""
    underway = select(Group).where(Group.group_snapshot_id == group_snapshot.id, Group.status == GroupStatus.CREATING)
    return session.exec(underway).all()
