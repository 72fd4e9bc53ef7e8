"""What a failover writes to the state, and what it tells."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session, select

from cgctl.manager.environment import Environment
from cgctl.manager.exports import connection_of
from cgctl.manager.replication.diverged import list_kept
from cgctl.manager.replication.lag import from_the_future
from cgctl.manager.replication.members import ReplicatedGroup, write_status
from cgctl.manager.replication.order import FailedOver, Order
from cgctl.manager.replication.points import final_point_id
from cgctl.manager.rules.status import is_absent
from cgctl.model.replication import GroupGeneration, Replica, Replicated, UnsettledPoint
from cgctl.model.states import GroupStatus, ReplicationStatus, VolumeStatus
from cgctl.model.tables import Attachment, Event, Group, Volume, utc_now


def write_outcome(
    env: Environment, session: Session, replicated: ReplicatedGroup, order: Order, outcome: FailedOver
) -> GroupGeneration:
    """Group and members are at home on the destination now."""
    host, left = order.destination, replicated.active  # the group's row may be this session's
    session.get_one(Group, replicated.id).host = host
    failed_back = host == replicated.origin
    status = ReplicationStatus.ENABLED if failed_back else ReplicationStatus.FAILED_OVER
    write_status(session, replicated, status, GroupStatus.AVAILABLE)
    _move_volumes(env, session, replicated, host, outcome)
    row = _generation(replicated, order, outcome)
    _mark_given_up(session, replicated, order, outcome)
    if not row.is_planned:  # whether the old side has one, and has noted it, is not known
        point_id = final_point_id(order.generation_id)
        session.merge(UnsettledPoint(group_id=replicated.id, host=left, point_id=point_id))
    session.get_one(Replicated, replicated.id).generation_id = row.id
    session.add(row)
    _swap_replicas(session, replicated, (host, left), outcome)
    for line in _told(left, row):
        env.warn(f"{replicated.name}: {line}")
        session.add(_event(replicated, line))
    list_kept(env, session, replicated, outcome.diverged)
    return row


def _move_volumes(
    env: Environment, session: Session, replicated: ReplicatedGroup, host: str, outcome: FailedOver
) -> None:
    group = session.get_one(Group, replicated.id)
    for one in replicated.volumes:
        volume = session.get_one(Volume, one.id)
        volume.host, volume.updated_at = host, utc_now()
        volume.availability_zone = group.availability_zone  # also of one that joined away from home
        if one.id not in outcome.present:
            _leave_behind(env, session, replicated, volume)
        elif is_absent(one):  # served again, by whoever still had it
            used = any(attachment.volume_id == one.id for attachment in replicated.attachments)
            volume.status = VolumeStatus.IN_USE if used else VolumeStatus.AVAILABLE
            volume.replication_status = group.replication_status
    backend = env.backends.get(host)
    for attachment in replicated.attachments if backend.export else ():
        assert backend.export is not None
        found = asdict(connection_of(backend, backend.export, attachment.volume_id))
        row = session.get_one(Attachment, attachment.id)
        row.connection = {key: value for key, value in found.items() if value is not None}


def _leave_behind(env: Environment, session: Session, replicated: ReplicatedGroup, volume: Volume) -> None:
    """A member that joined after the promoted point: the others go on without it, the old source keeps its data."""
    volume.status, volume.replication_status = VolumeStatus.ERROR, ReplicationStatus.FAILOVER_ERROR
    name, leave = volume.name or volume.id, f"cgctl group-update {replicated.id} --remove-volumes {volume.id}"
    env.warn(f"volume {name}: joined after the promoted recovery point and is not in it; to give it up: {leave}")
    session.add(_event(replicated, f"volume {name} is not in the promoted recovery point"))


def _generation(replicated: ReplicatedGroup, order: Order, outcome: FailedOver) -> GroupGeneration:
    assert replicated.record is not None
    point = outcome.point.point
    is_planned = point.is_final and point.generation_id == replicated.record.generation_id
    if order.undo_point:
        return GroupGeneration(
            id=order.generation_id,
            group_id=replicated.id,
            parent_id=outcome.began.parent_id,
            point_id=outcome.began.point_id,
            host=order.destination,
            reason="undo",
            began_at=order.at,
        )
    return GroupGeneration(
        id=order.generation_id,
        group_id=replicated.id,
        parent_id=replicated.record.generation_id,
        point_id=point.id,
        host=order.destination,
        reason="failback" if order.destination == replicated.origin else "failover",
        is_planned=is_planned,
        loss_seconds=0.0 if is_planned else max(0.0, (outcome.wrote_until - point.taken_at).total_seconds()),
        lost_since=None if is_planned else point.taken_at,
        began_at=order.at,
    )


def _mark_given_up(session: Session, replicated: ReplicatedGroup, order: Order, outcome: FailedOver) -> None:
    """Other backends whose newest point is of what the group has left: no failover would promote it."""
    assert replicated.record is not None
    left_at = session.get_one(GroupGeneration, replicated.record.generation_id).began_at
    for row in session.exec(select(Replica).where(Replica.group_id == replicated.id)):
        is_undone = bool(order.undo_point and row.taken_at and row.taken_at >= left_at)
        is_ahead = order.undo_point is None and (row.sequence or 0) > outcome.point.point.sequence
        if is_undone or is_ahead:
            row.taken_at, row.error = None, "its newest point is of what was given up; not synced since"


def _swap_replicas(session: Session, replicated: ReplicatedGroup, hosts: tuple[str, str], outcome: FailedOver) -> None:
    point = outcome.point.point
    host, left = hosts
    old = session.get(Replica, (replicated.id, host))
    if old is not None:
        session.delete(old)
    session.merge(
        Replica(
            group_id=replicated.id,
            host=left,
            point_id=point.id,
            sequence=point.sequence,
            taken_at=point.taken_at,
            error="not synced since the failover",
        )
    )


def _told(left: str, row: GroupGeneration) -> list[str]:
    where = f"served by backend {row.host}, no longer by {left}"
    if row.reason == "undo":
        return [f"{where}: the failover is undone; what {left} wrote since is kept there, if anything"]
    if row.is_planned:
        return [f"{where}; nothing was lost"]
    return [f"{where}; lost: what was written after {_shown(row.lost_since)} ({loss_words(row)})"]


def loss_words(row: GroupGeneration) -> str:
    """How much was lost, at most."""
    if row.is_planned:
        return "nothing lost"
    if row.lost_since and from_the_future(row.lost_since, row.began_at):
        return "nobody knows how much: by this machine's clock that is in the future"
    return f"up to {row.loss_seconds:.1f} s lost"


def _shown(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else "the last recovery point"


def _event(replicated: ReplicatedGroup, message: str) -> Event:
    return Event(
        subject_kind="group",
        subject_id=replicated.id,
        subject_name=replicated.group.name,
        kind="group-failover-replication",
        message=message,
    )
