"""What `group-list-replication-targets` and `group-replication-status` show. No server is asked."""

from __future__ import annotations

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, NotFound
from cgctl.manager.environment import Environment
from cgctl.manager.replication.drill_end import find_drill
from cgctl.manager.replication.lag import from_the_future, lag_seconds
from cgctl.manager.replication.members import ReplicatedGroup, load, not_configured, others, target_of, targets
from cgctl.manager.views import View
from cgctl.model.replication import Drill, GroupGeneration, Replica, Replicated, Transfer
from cgctl.model.states import OperationState
from cgctl.model.tables import Group, Operation, utc_now
from cgctl.store.journal import is_left_behind
from cgctl.store.queries import find


def replication_targets(env: Environment, reference: str) -> list[View]:
    """Every configured replication target of the group's backend; `is_active`: it serves the group now."""
    with env.store.read() as session:
        replicated = load(session, reference)
    if lost := not_configured(env, replicated, replicated.origin):
        env.warn(f"{lost.subject}: {lost.reason}; {lost.hint}")
    return [
        {
            "backend_id": one.backend_id,
            "host": one.host,
            "rpo_seconds": one.rpo_seconds,
            "bandwidth_limit_bytes": one.bandwidth_limit_bytes,
            "is_active": one.host == replicated.active,
        }
        for one in targets(env, replicated)
    ]


def replication_status(env: Environment, reference: str | None) -> list[View]:
    """One row for each replica of one group, or of all."""
    with env.store.read() as session:
        if reference:
            return _rows(env, session, load(session, reference))
        ids = session.exec(select(Replicated.group_id)).all()
        return [row for one in ids for row in _rows_or_why(env, session, one)]


def generations(env: Environment, reference: str) -> list[View]:
    """Every promotion of a group, oldest first."""
    with env.store.read() as session:
        group_id = load(session, reference).id
        rows = session.exec(
            select(GroupGeneration).where(GroupGeneration.group_id == group_id).order_by(col(GroupGeneration.began_at))
        ).all()
        return [generation_view(row) for row in rows]


def generation_view(row: GroupGeneration) -> View:
    """What a failover came to; loss_seconds is 0 when nothing was lost."""
    return {
        "id": row.id,
        "group_id": row.group_id,
        "parent_id": row.parent_id,
        "point_id": row.point_id,
        "host": row.host,
        "reason": row.reason,
        "is_planned": row.is_planned,
        "loss_seconds": row.loss_seconds,
        "lost_since": row.lost_since.isoformat() if row.lost_since else None,
        "began_at": row.began_at.isoformat(),
    }


def drills(env: Environment, reference: str | None) -> list[View]:
    """All drills, or those of one group, oldest first; also of groups that are gone, by id or name. Raises NotFound."""
    with env.store.read() as session:
        statement = select(Drill).order_by(col(Drill.started_at))
        if not reference:
            return [drill_view(row) for row in session.exec(statement)]
        try:
            return [drill_view(row) for row in session.exec(statement.where(Drill.group_id == _id(session, reference)))]
        except NotFound:
            gone = (col(Drill.group_id) == reference) | (col(Drill.group_name) == reference)
            if rows := session.exec(statement.where(gone)).all():
                return [drill_view(row) for row in rows]
            raise


def _id(session: Session, reference: str) -> str:
    return find(session, Group, reference).id


def drill(env: Environment, drill_id: str) -> View:
    """One drill, by its id or the beginning of it. Raises NotFound."""
    with env.store.read() as session:
        return drill_view(find_drill(session, drill_id))


def drill_view(row: Drill) -> View:
    """A drill with its log."""
    times = {key: getattr(row, key) for key in ("taken_at", "started_at", "ended_at")}
    seconds = {key: getattr(row, key) for key in ("rto_seconds", "rpo_seconds")}
    return {
        "id": row.id,
        "group_id": row.group_id,
        "group": row.group_name,
        "host": row.host,
        "check": row.check_command,
        "point_id": row.point_id,
        **{key: value.isoformat() if value else None for key, value in times.items()},
        **{key: round(value, 3) if value is not None else None for key, value in seconds.items()},
        "verdict": row.verdict,
        "reason": row.reason,
        "is_kept": row.is_kept,
        "connections": row.connections,
        "timeline": row.timeline,
        "log": row.log,
    }


def _rows_or_why(env: Environment, session: Session, group_id: str) -> list[View]:
    """A group that cannot be told of (its types, its backend are gone from the configuration) hides no other."""
    try:
        return _rows(env, session, load(session, group_id))
    except CgctlError as error:
        group = session.get_one(Group, group_id)
        unknown = ReplicatedGroup(group, [], [], None, [])
        return [{**_row(env, unknown, Replica(group_id=group_id, host=""), None), "error": error.reason}]


def _rows(env: Environment, session: Session, replicated: ReplicatedGroup) -> list[View]:
    running = _running(session, replicated.id)
    rows = {one.host: one for one in replicated.replicas}
    if replicated.record is None:
        return [_row(env, replicated, Replica(group_id=replicated.id, host=""), None)]
    replicas = [rows.get(host) or Replica(group_id=replicated.id, host=host) for host in others(env, replicated)]
    if not replicas:
        lost = not_configured(env, replicated, replicated.origin)
        reason = lost.reason if lost else f"backend {replicated.origin} has no replication targets"
        return [_row(env, replicated, Replica(group_id=replicated.id, host="", error=reason), None)]
    return [_row(env, replicated, one, running.get(one.host)) for one in replicas]


def _row(env: Environment, replicated: ReplicatedGroup, replica: Replica, running: Transfer | None) -> View:
    target = target_of(env, replicated, replica.host) if replica.host else None
    now = utc_now()
    lag = lag_seconds(replica.taken_at, now) if replica.taken_at else None
    clock = from_the_future(replica.taken_at, now) if replica.taken_at else None
    rpo = target.rpo_seconds if target else None
    return {
        "group_id": replicated.id,
        "group": replicated.group.name,
        "replication_status": replicated.group.replication_status,
        "active_host": replicated.active,
        "backend_id": target.backend_id if target else None,
        "host": replica.host or None,
        "point_id": replica.point_id,
        "taken_at": replica.taken_at.isoformat() if replica.taken_at else None,
        "completed_at": replica.completed_at.isoformat() if replica.completed_at else None,
        "lag_seconds": round(lag, 1) if lag is not None else None,
        "rpo_seconds": rpo,
        "within_rpo": None if rpo is None else lag is not None and lag <= rpo,
        "stream_bytes": replica.stream_bytes,
        "seconds": round(replica.seconds, 3) if replica.seconds is not None else None,
        "is_full": replica.is_full,
        "path": replica.path,
        "compression": replica.compression,
        "path_note": replica.path_note,
        "error": replica.error or clock,
        **_under_way(running),
    }


def _under_way(running: Transfer | None) -> View:
    """Of a transfer that runs now."""
    return {
        "transferring_since": running.began_at.isoformat() if running else None,
        "transferred_bytes": running.stream_bytes if running else None,
        "expected_bytes": running.expected_bytes if running else None,
    }


def _running(session: Session, group_id: str) -> dict[str, Transfer]:
    """By backend; what a process that died has left is not among them."""
    rows = session.exec(select(Transfer).where(Transfer.group_id == group_id)).all()
    found = {}
    for row in rows:
        operation = session.get(Operation, row.operation_id)
        if operation and operation.state == OperationState.RUNNING and not is_left_behind(operation):
            found[row.host] = row
    return found
