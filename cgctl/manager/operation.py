"""An operation's life, once for all of them: lock and check, commit the intent, work on the server, commit the result.

Decided 2026-11-21: what a failure leaves depends on what is known of the server. Nothing ran or nothing changed
(ServerNotReached, ServerRefused): the intent is taken back, no trace but a line in the history. The server failed: the
objects end in `error`, as seed 003 says. The answer is missing (OutcomeUnknown, Ctrl-C, kill -9): the journal row stays
unsettled and keeps its locks; the next operation on these objects, or `cgctl recover`, settles it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sqlmodel import Session, SQLModel

from cgctl.errors import CgctlError, DryRun, Locked, NotFound, NothingToChange
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.model.states import OperationState
from cgctl.model.tables import Event
from cgctl.model.tables import Operation as Journal
from cgctl.store import journal, retention
from cgctl.store.journal import StaleLock
from cgctl.store.messages import backend_of, is_new
from drivers.contract import Context
from drivers.errors import DriverError, HookFailed, OutcomeUnknown, ServerNotReached, ServerRefused

log = logging.getLogger(__name__)

Subject = TypeVar("Subject")
Outcome = TypeVar("Outcome")
Result = TypeVar("Result")


class GoneMeanwhile(NotFound):
    """The object was there, and settling an interrupted operation has removed it: for a deletion, that is the end.

    again: it was this very command that was interrupted, and settling has done it: whatever it is, that is the end.
    """

    def __init__(self, missing: NotFound | NothingToChange, *, again: bool) -> None:
        super().__init__(missing.subject, f"{missing.reason}: an interrupted operation was settled", missing.hint)
        self.again = again


@dataclass
class Intent:
    """The transaction in which an operation is checked and intended."""

    session: Session
    journal: Journal
    steps: list[str] = field(default_factory=list)

    def lock(self, *keys: str) -> None:
        """Take locks. Raises Locked or StaleLock."""
        journal.take_locks(self.session, self.journal, keys)

    def add(self, *rows: SQLModel) -> None:
        """Write new rows, at once: what refers to them may come with the next call."""
        self.session.add_all(rows)
        self.session.flush()

    def about(self, kind: str, row_id: str, name: str | None) -> None:
        """What the operation is about, for messages and history."""
        self.journal.subject_kind, self.journal.subject_id, self.journal.subject_name = kind, row_id, name

    def settled_by(self, action: str, **arguments: object) -> None:
        """What settles the operation if it does not end (`cgctl.manager.recover`)."""
        self.journal.plan = {"action": action, **arguments}

    def will(self, step: str) -> None:
        """A line of --dry-run: what is done, and on which server."""
        self.steps.append(step)


class Operation(Protocol, Generic[Subject, Outcome]):
    """The parts in which operations differ."""

    @property
    def kind(self) -> str:
        """Its word in journal and history: `group-snapshot-create`."""
        ...

    def intend(self, intent: Intent) -> Subject:
        """Check everything, lock, write intent and transitional states. Runs again when a lock had to be settled."""
        ...

    def work(self, context: Context, subject: Subject) -> Outcome:
        """The server's part; no transaction is open."""
        ...

    def finish(self, session: Session, subject: Subject, outcome: Outcome) -> CgctlError | None:
        """Write the result; an error that is returned is raised after it is committed."""
        ...

    def refuse(self, session: Session, subject: Subject) -> None:
        """Take the intent back: nothing has changed on the server."""
        ...

    def fail(self, session: Session, subject: Subject) -> None:
        """The server failed: write what the objects are now."""
        ...


def perform(env: Environment, operation: Operation[Subject, Outcome], *, hands_over: bool = False) -> Subject:
    """Run an operation to its end. Raises what `intend` refuses, and CgctlErrors for what the server says.

    hands_over: its work has begun an activity, which goes on with the journal row (`cgctl.manager.activities`).
    """
    row, subject = _begin(env, operation)
    try:
        outcome = operation.work(env.context(row.id), subject)
    except DriverError as error:
        raise _not_done(env, operation, row, subject, error) from error
    except CgctlError as error:  # a rule that looked at the servers first; what had begun is raised as OutcomeUnknown
        with env.store.write() as session:
            operation.refuse(session, subject)
            journal.end(session, row, OperationState.FAILED, error)
        raise
    except BaseException as error:
        _leave_unsettled(env, operation, row, subject, _interrupted(row, error))
        raise
    if hands_over:
        with env.store.write() as session:
            operation.finish(session, subject, outcome)
            journal.hand_over(session, row, keeps_locks=bool(row.plan["quieted"]))
        return subject
    with env.store.write() as session:
        failure = operation.finish(session, subject, outcome)
        state = OperationState.FAILED if failure else OperationState.DONE
        event = journal.end(session, row, state, failure)
    log.info("%s %s: %s", row.kind, row.subject_id, state.value)
    _forget_old(env, event)
    if failure:
        raise failure
    return subject


@contextmanager
def begun() -> Iterator[None]:
    """For what follows a first change: a server that refuses it, or is not reached, leaves the whole to be settled."""
    try:
        yield
    except (ServerNotReached, ServerRefused) as error:
        raise OutcomeUnknown(error.message, error.hint) from error


def _forget_old(env: Environment, event: Event) -> None:
    """Now and then; what does not succeed here comes with a later operation, and takes nothing from this one."""
    if not retention.is_due(event):
        return
    try:
        with env.store.write() as session:
            gone = retention.forget(session, env.settings().keep)
        log.info("history: %d events are forgotten", gone)
    except CgctlError as error:
        log.warning("%s", error)


def wait_until_free(env: Environment, *keys: str) -> None:
    """Before a command looks, without locking yet, at what it depends on: let others end, settle what they left.

    Raises Locked when they do not end in time.
    """

    def look() -> None:
        with env.store.read() as session:
            journal.refuse_held(session, keys)

    _patiently(env, look)


def _begin(env: Environment, operation: Operation[Subject, Outcome]) -> tuple[Journal, Subject]:
    return _patiently(env, lambda: _try_begin(env, operation))


def _patiently(env: Environment, attempt: Callable[[], Result]) -> Result:
    """Try until no lock is in the way: a stale one is settled, a living holder is waited for."""
    from cgctl.manager.activities.settle import settle_if_over  # noqa: PLC0415 (it uses operations)
    from cgctl.manager.recover import settle  # noqa: PLC0415  (recovery uses operations, and operations recovery)

    give_up_at = time.monotonic() + env.lock_timeout_seconds
    settled: set[str] = set()
    while True:
        if env.interrupted():
            raise KeyboardInterrupt
        try:
            return attempt()
        except (NotFound, NothingToChange) as error:
            again = env.command_line in settled
            if again or (settled and isinstance(error, NotFound)):
                raise GoneMeanwhile(error, again=again) from None
            raise
        except StaleLock as stale:
            if env.dry_run:
                raise DryRun([f"settle the interrupted operation {stale.operation_id} first: cgctl recover"]) from None
            with _or_out_of_the_way(env, stale.operation_id):
                settle(env, stale.operation_id)
                settled.add(stale.command_line)
        except Locked as locked:
            if locked.detached_id and locked.detached_id not in settled and not env.dry_run:
                is_gone = True
                with _or_out_of_the_way(env, locked.detached_id):
                    is_gone = settle_if_over(env, locked.detached_id)
                if is_gone:
                    settled.add(locked.detached_id)
                    continue
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.1)


@contextmanager
def _or_out_of_the_way(env: Environment, operation_id: str) -> Iterator[None]:
    """Of a settling that fails: whether the command can go on, since what is not settled keeps nothing any more."""
    try:
        yield
    except CgctlError as error:
        with env.store.read() as session:
            if journal.is_in_the_way(session, operation_id):
                raise
        env.warn(f"{error}; it stays unsettled, and keeps nothing: cgctl recover")


def _try_begin(env: Environment, operation: Operation[Subject, Outcome]) -> tuple[Journal, Subject]:
    row = journal.new_operation(operation.kind, env.command_line, env.operation_seconds)
    with env.store.write() as session:
        intent = Intent(session, row)
        session.add(row)
        session.flush()
        subject = operation.intend(intent)
        session.flush()
        refuse_frozen(session, _word(row), backend_of(session, row))
        if env.dry_run:
            session.rollback()
            raise DryRun(intent.steps)
    return row, subject


def _not_done(
    env: Environment, operation: Operation[Subject, Outcome], row: Journal, subject: Subject, error: DriverError
) -> CgctlError:
    told = explain(error, _word(row))
    if isinstance(error, OutcomeUnknown):
        _leave_unsettled(env, operation, row, subject, told)
        return told
    unchanged = isinstance(error, (ServerNotReached, ServerRefused, HookFailed))
    with env.store.write() as session:
        if unchanged and row.subject_name is None and is_new(session, row):
            told = explain(error, _call_nameless(session, row))
        journal.end(session, row, OperationState.FAILED, told)
        (operation.refuse if unchanged else operation.fail)(session, subject)
    return told


def _call_nameless(session: Session, row: Journal) -> str:
    """What was to be created and will not be: nobody finds it by its id."""
    kept = session.get_one(Journal, row.id)
    kept.subject_name = row.subject_name = "without a name"
    return _word(row)


def _word(row: Journal) -> str:
    return f"{row.subject_kind} {row.subject_name or row.subject_id}"


def _interrupted(row: Journal, error: BaseException) -> CgctlError:
    reason = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
    return CgctlError(_word(row), f"{reason}; the operation may have been done or not", "cgctl recover")


def _leave_unsettled(
    env: Environment, operation: Operation[Subject, Outcome], row: Journal, subject: Subject, told: CgctlError
) -> None:
    with env.store.write() as session:
        journal.end(session, row, OperationState.UNSETTLED, told)
        operation.fail(session, subject)
