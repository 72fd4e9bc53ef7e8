"""Journal rows and locks, inside a transaction that the caller holds.

A lock belongs to a journal row, and names its holder by it. It is released when the row ends; when the holder died, or
left the row unsettled, the next operation settles the row first (`cgctl.manager.recover`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlmodel import Session, col, delete, select

from cgctl.errors import CgctlError, Locked
from cgctl.model.states import OperationState
from cgctl.model.tables import Event, Group, Lock, Operation, Volume, utc_now
from cgctl.store import messages
from cgctl.store.holder import Holder


class StaleLock(Exception):
    """A lock whose operation is over without an end; operation_id wants to be settled."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(operation.id)
        self.operation_id = operation.id
        self.command_line = operation.command_line


def new_operation(kind: str, command_line: str, lease_seconds: float) -> Operation:
    """A journal row of this process; not yet in any session."""
    me = Holder.current()
    return Operation(
        kind=kind,
        state=OperationState.RUNNING,
        subject_kind="",
        subject_id="",
        command_line=command_line,
        holder_host=me.host,
        holder_space=me.space,
        holder_pid=me.pid,
        holder_started=me.started,
        lease_until=utc_now() + timedelta(seconds=lease_seconds),
    )


def is_left_behind(operation: Operation) -> bool:
    """Whether nobody works on it any more although it has not ended."""
    if operation.state == OperationState.UNSETTLED:
        return True
    holder = Holder(operation.holder_host, operation.holder_space, operation.holder_pid, operation.holder_started)
    return operation.state == OperationState.RUNNING and holder.is_gone(operation.lease_until, utc_now())


def take_locks(session: Session, operation: Operation, keys: Iterable[str]) -> None:
    """Lock all keys, or raise Locked (a living holder) or StaleLock (one to settle first)."""
    wanted = sorted(set(keys))
    refuse_held(session, wanted, operation.id)
    mine = {lock.key for lock in session.exec(select(Lock).where(Lock.operation_id == operation.id))}
    session.add_all(Lock(key=key, operation_id=operation.id) for key in wanted if key not in mine)


def holders(session: Session, keys: Iterable[str]) -> dict[str, Operation]:
    """Who holds these keys, living or left behind, by key; only what is held."""
    joined = select(Lock.key, Operation).join(Operation, col(Lock.operation_id) == Operation.id)
    return dict(session.exec(joined.where(col(Lock.key).in_(list(keys)))).all())


def refuse_held(session: Session, keys: Iterable[str], operation_id: str | None = None) -> None:
    """Raise Locked or StaleLock where another operation than this one holds one of the keys."""
    for key, other in holders(session, keys).items():
        if other.id != operation_id:
            raise StaleLock(other) if is_left_behind(other) else _locked_by(session, other, _word(session, key, other))


def _locked_by(session: Session, other: Operation, subject: str) -> Locked:
    since = other.started_at.isoformat(timespec="seconds")
    if other.state == OperationState.DETACHED:
        from cgctl.model.activities import Activity  # noqa: PLC0415 (no list pays for its table)

        key = session.exec(select(Activity.id).where(Activity.operation_id == other.id)).first()
        way = f"cgctl activity-wait {key}" if key else "cgctl activity-list"
        return Locked(subject, f"is locked by an activity of `{other.command_line}` since {since}", way, other.id)
    return Locked(
        subject,
        f"is locked by `{other.command_line}` (pid {other.holder_pid} on {other.holder_host}) since {since}",
        "wait for it, or let this command wait: --lock-timeout 60",
    )


def _word(session: Session, key: str, other: Operation) -> str:
    """The object that the key is of, which this command wants, too; not the one that its holder is about."""
    group, volume = session.get(Group, key), session.get(Volume, key)
    if group:
        return f"group {group.name or group.id}"
    if volume:
        return f"volume {volume.name or volume.id}"
    return f"{other.subject_kind} {other.subject_name or other.subject_id}"


def take_over(session: Session, operation_id: str, lease_seconds: float) -> Operation | None:
    """Make an operation that was left behind this process's own; None when somebody else was quicker."""
    operation = session.get(Operation, operation_id, with_for_update=True)
    if operation is None or not (is_left_behind(operation) or operation.state == OperationState.DETACHED):
        return None
    me = Holder.current()
    operation.state = OperationState.RUNNING
    operation.holder_host, operation.holder_space = me.host, me.space
    operation.holder_pid, operation.holder_started = me.pid, me.started
    operation.lease_until = utc_now() + timedelta(seconds=lease_seconds)
    return operation


def hand_over(session: Session, operation: Operation, *, keeps_locks: bool) -> None:
    """Nobody's process owns the row any more: an activity on a server goes on with it."""
    row = session.get(Operation, operation.id) or session.merge(operation)
    row.state = OperationState.DETACHED
    if not keeps_locks:
        release_locks(session, row.id)


def release_locks(session: Session, operation_id: str) -> None:
    """Of one that is not settled, and keeps nothing to itself."""
    session.exec(delete(Lock).where(col(Lock.operation_id) == operation_id))


def is_in_the_way(session: Session, operation_id: str) -> bool:
    """Whether it holds any lock."""
    return session.exec(select(Lock.key).where(col(Lock.operation_id) == operation_id).limit(1)).first() is not None


def end(session: Session, operation: Operation, state: OperationState, failure: CgctlError | None = None) -> Event:
    """Write the row's end, release its locks (an unsettled one keeps them), tell the subject's history, leave messages.

    Returns the line in the history.

    Call it while the subject's row is there, if it shall be gone: a message names its backend.
    """
    error = failure.reason if failure else None
    row = session.get(Operation, operation.id) or session.merge(operation)
    row.state, row.error, row.finished_at = state, error, utc_now()
    if failure:
        messages.record(session, row, failure)
    if state is not OperationState.UNSETTLED:
        release_locks(session, row.id)
    event = event_of(row, state, error)
    session.add(event)
    return event


def event_of(operation: Operation, state: OperationState, error: str | None) -> Event:
    """The line in the subject's history."""
    return Event(
        operation_id=operation.id,
        level="error" if error else "info",
        subject_kind=operation.subject_kind,
        subject_id=operation.subject_id,
        subject_name=operation.subject_name,
        kind=operation.kind,
        message=f"{state.value}: {error}" if error else state.value,
    )


def last_change_of(session: Session, subject_id: str) -> Operation | None:
    """The newest operation that wanted to change an object on its server, and has ended."""
    ended = (OperationState.DONE, OperationState.FAILED, OperationState.SETTLED)
    wanted = select(Operation).where(Operation.subject_id == subject_id, col(Operation.state).in_(ended))
    newest = session.exec(wanted.order_by(col(Operation.started_at).desc()))
    return next((row for row in newest if row.plan.get("action", "nothing") != "nothing"), None)


def left_behind(session: Session) -> Sequence[Operation]:
    """All operations that want to be settled, oldest first."""
    open_states = (OperationState.RUNNING, OperationState.UNSETTLED)
    rows = session.exec(
        select(Operation).where(col(Operation.state).in_(open_states)).order_by(col(Operation.started_at))
    ).all()
    return [row for row in rows if is_left_behind(row)]
