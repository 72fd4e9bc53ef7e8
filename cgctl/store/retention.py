"""What is over is forgotten by and by, so that a state that cron has used for years is as quick as a new one.

Decided 2026-11-21, table by table:
- events, with the journal rows that they are of: by age and by number (`history:` in the configuration). Failovers and
  drills have an age of their own, and are not counted: who audits them asks years later.
- finished activities: as events; their servers forget them after a month.
- drills: as failovers; one whose clone is kept stays.
- messages: `cgctl.store.messages`, 30 days and 10,000.
- generations, replicas, points that are not settled, `diverged` events: a failback decides by them whether it may
  overwrite something. One row for each failover; they stay.
- groups, volumes, snapshots, backups, attachments: objects, not history; whoever made them deletes them.
- locks and transfers go with their operation.

A journal row stays while anything refers to it: one that is not settled, holds a lock, or is of an activity; of a group
in `error` all of them, since `group-update` goes on with the last.

One operation in a hundred looks for what is too old, when its own result is written, and takes away so many rows that a
large history shrinks, too, without ever holding a command up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, func, or_, select, union

from cgctl.model.states import GroupStatus, OperationState
from cgctl.model.tables import Event, Group, Lock, Operation, utc_now

EVERY = 100
"""So many events are between two looks."""
MOST = 2_000
"""So many of them go at once."""
FAILOVERS = (
    "group-failover-replication",
    "group-undo-failover",
    "group-enable-replication",
    "group-disable-replication",
    "group-test-failover",
    "drill-end",
)
FOR_GOOD = "diverged"
_ENDED = (OperationState.DONE, OperationState.FAILED, OperationState.SETTLED)


@dataclass(frozen=True)
class Keep:
    """How long: age_seconds of history, of which there are no more than `newest` events; of failovers and drills."""

    age_seconds: float = 365 * 86400
    newest: int = 100_000
    failovers_seconds: float = 3650 * 86400


def is_due(event: Event) -> bool:
    """Whether it is this event's operation that looks."""
    return event.id is not None and event.id % EVERY == 0


def forget(session: Session, keep: Keep) -> int:
    """Drop what is too old, up to MOST events; returns how many of them went."""
    cutoff, of_failovers = (utc_now() - timedelta(seconds=age) for age in (keep.age_seconds, keep.failovers_seconds))
    _forget_rare(session, cutoff, of_failovers)
    ordinary = col(Event.kind).not_in((*FAILOVERS, FOR_GOOD))
    old_failover = col(Event.kind).in_(FAILOVERS) & (col(Event.at) < of_failovers)
    too_old = (col(Event.id) < _first_kept(session, cutoff, keep.newest)) & (ordinary | old_failover)
    spare = or_(col(Event.operation_id).is_(None), col(Event.operation_id).not_in(_needed()))
    oldest = select(Event.id, Event.operation_id).where(too_old, spare).order_by(col(Event.id)).limit(MOST)
    found = session.exec(oldest).all()
    session.exec(delete(Event).where(col(Event.id).in_([event_id for event_id, _ in found])))
    told = select(Event.operation_id).where(Event.operation_id == Operation.id).exists()
    operation_ids = {operation_id for _, operation_id in found if operation_id}
    session.exec(delete(Operation).where(col(Operation.id).in_(operation_ids), ~told))
    return len(found)


def _first_kept(session: Session, cutoff: datetime, newest: int) -> int:
    """The number of the oldest event that is young enough, and among the newest; they are numbered as they came."""
    young = select(Event.id).where(col(Event.at) >= cutoff).order_by(col(Event.id)).limit(1)
    last = session.exec(select(func.max(Event.id))).one() or 0
    return max(session.exec(young).first() or last, last - newest + 1)


def _needed() -> Any:
    """Journal rows that something refers to."""
    from cgctl.model.activities import Activity  # noqa: PLC0415 (a list of volumes need not pay for it)

    broken = select(Group.id).where(Group.status == GroupStatus.ERROR)
    return union(
        select(col(Operation.id)).where(col(Operation.state).not_in(_ENDED)),
        select(col(Operation.id)).where(col(Operation.subject_id).in_(broken)),
        select(col(Lock.operation_id)),
        select(col(Activity.operation_id)),
    )


def _forget_rare(session: Session, cutoff: datetime, of_failovers: datetime) -> None:
    """Activities and drills that are over."""
    from cgctl.model.activities import Activity  # noqa: PLC0415
    from cgctl.model.replication import Drill  # noqa: PLC0415

    ended = select(Operation.id).where(col(Operation.state).in_(_ENDED))
    over_at = func.coalesce(Activity.ended_at, Activity.created_at)
    session.exec(delete(Activity).where(over_at < cutoff, col(Activity.operation_id).in_(ended)))
    session.exec(delete(Drill).where(col(Drill.ended_at) < of_failovers, ~col(Drill.is_kept)))
