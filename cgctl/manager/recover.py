"""Settling what an operation left behind when it, or its connection, died (architecture, section 3).

Creations are rolled back, deletions, moves and extensions rolled forward: each by the same driver call that the
operation itself makes, since those calls may run again. The journal row's `plan` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlmodel import Session

from cgctl.errors import CgctlError, ConfigurationError, PartlyFailed
from cgctl.failures import explain
from cgctl.manager import given_up, group_manage, group_revert, removal
from cgctl.manager.activities.settle import GoesOn, end_activities, settle_activity
from cgctl.manager.attachments import access_of, forget
from cgctl.manager.backups.removal import BackupDeletion
from cgctl.manager.environment import Environment
from cgctl.manager.exports import apply_exports
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.manageable.leaving import Unmanage
from cgctl.manager.manageable.taking import Manage
from cgctl.manager.membership import Changes, Moving, change_words, move_on_server, write_membership
from cgctl.manager.objects import Stateful, shown
from cgctl.manager.operation import Operation
from cgctl.manager.volume_changes import grow_on_server
from cgctl.manager.volume_revert import VolumeRevert
from cgctl.model.states import OperationState, VolumeStatus
from cgctl.model.tables import Attachment, Group, Volume
from cgctl.model.tables import Operation as Journal
from cgctl.store import journal
from cgctl.store.messages import backend_of
from cgctl.store.queries import attachments_of, fresh
from drivers.contract import Context
from drivers.errors import DriverError, NotOnServer, ServerRefused

Plan = Mapping[str, Any]
Settled = Callable[[Session], CgctlError | None]
"""What is written to the state once the server is settled."""


REPLICATION = frozenset(
    {"give-up-failover", "settle-point", "stop-replication", "disable-replication", "failover", "end-drill"}
)
"""Actions of cgctl.manager.replication."""


def settle(env: Environment, operation_id: str, *, quietly: bool = False) -> str:
    """Settle one operation; returns what was done. Raises CgctlErrors, and leaves it unsettled, when the server cannot.

    Another process that was quicker makes this a no-op. quietly: it ended as it should, and nobody need be told.
    """
    _refuse_frozen(env, operation_id)
    with env.store.write() as session:
        operation = journal.take_over(session, operation_id, env.operation_seconds)
    if operation is None:
        return "settled by another command"
    try:
        write = _settle_on_server(env, env.context(operation.id), operation.plan)
    except (DriverError, CgctlError, KeyboardInterrupt) as error:
        why = _unsettled(operation, error)
        with env.store.write() as session:
            journal.end(session, operation, OperationState.UNSETTLED, why)
        if isinstance(error, DriverError):
            raise why from error
        raise
    with env.store.write() as session:
        failure = write(session)
        if isinstance(failure, GoesOn):
            journal.hand_over(session, operation, keeps_locks=bool(operation.plan["quieted"]))
            return "goes on"
        done = OperationState.DONE if quietly else OperationState.SETTLED
        journal.end(session, operation, OperationState.FAILED if quietly and failure else done, failure)
    if quietly:
        return "ended"
    told = f"{_word(operation)}: {operation.kind} was interrupted and is settled"
    told += f", but {failure.reason}" if failure else ""
    env.warn(told)
    return told


def _refuse_frozen(env: Environment, operation_id: str) -> None:
    with env.store.read() as session:
        operation = session.get(Journal, operation_id)
        if operation:
            for host in (backend_of(session, operation), _also_changed(operation.plan)):
                refuse_frozen(session, _word(operation), host)


def _also_changed(plan: Plan) -> str | None:
    """Another backend than its group's that settling it changes: where a failover goes, or a drill is."""
    return {"failover": plan.get("destination"), "end-drill": plan.get("host")}.get(str(plan.get("action")))


def _unsettled(operation: Journal, error: DriverError | CgctlError | KeyboardInterrupt) -> CgctlError:
    if isinstance(error, DriverError):
        return explain(error, _word(operation))
    if isinstance(error, CgctlError):
        return error
    return CgctlError(_word(operation), "settling it was interrupted", "cgctl recover")


def _word(operation: Journal) -> str:
    return f"{operation.subject_kind} {operation.subject_name or operation.subject_id}"


def recover(env: Environment) -> tuple[list[dict[str, object]], CgctlError | None]:
    """Settle everything that was left behind; one result each, and the error for the exit code when some are left."""
    end_activities(env)
    with env.store.read() as session:
        operations = list(journal.left_behind(session))
    results = [(operation, *_recovered(env, operation)) for operation in operations]
    rows: list[dict[str, object]] = [
        {
            "id": operation.id,
            "kind": operation.kind,
            "subject": _word(operation),
            "result": result,
            "reason": error.reason if error else None,
        }
        for operation, result, error in results
    ]
    return rows, _verdict([error for _, _, error in results if error], len(results))


def _recovered(env: Environment, operation: Journal) -> tuple[str, CgctlError | None]:
    try:
        return "would be settled" if env.dry_run else settle(env, operation.id), None
    except CgctlError as error:
        return "unsettled", error


def _verdict(errors: Sequence[CgctlError], tried: int) -> CgctlError | None:
    if not errors:
        return None
    alike = len(errors) == tried and len({error.exit_code for error in errors}) == 1
    kind = type(errors[0]) if alike else PartlyFailed
    hint = "; ".join(dict.fromkeys(error.hint for error in errors if error.hint)) or None
    return kind("recover", f"{len(errors)} of {tried} operations are still unsettled", hint)


def _settle_on_server(env: Environment, context: Context, plan: Plan) -> Settled:
    action = str(plan.get("action", "nothing"))
    if action in REPLICATION:
        from cgctl.manager.replication import recovery  # noqa: PLC0415 (they settle by operations that settle)

        return recovery.settle(env, context, plan)
    if action not in _ACTIONS:
        raise ConfigurationError("state", f"has an operation with the unknown plan {action}", "use the newer cgctl")
    return _ACTIONS[action](env, context, plan)


def _nothing(_env: Environment, _context: Context, _plan: Plan) -> Settled:
    return lambda _session: None


def _remove(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        what = removal.load(session, plan["word"], plan["id"])
    if what is None:
        return lambda _session: None
    if plan.get("is_given_up"):
        return lambda session: given_up.forget(env, session, what)
    reading = removal.remove_from_server(env, context, what)
    return lambda session: removal.forget(session, what, reading)


def _extend(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        row = session.get(Volume, plan["id"])
        attachments = attachments_of(session, [plan["id"]])
    if row is None:
        return lambda _session: None
    grow_on_server(env, context, row, attachments, plan["size_bytes"])

    def write(session: Session) -> None:
        kept = session.get_one(Volume, plan["id"])
        kept.size_bytes, kept.status = plan["size_bytes"], plan.get("before", VolumeStatus.AVAILABLE)

    return write


def _regroup(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        group = session.get_one(Group, plan["id"])
        add, remove = ([session.get_one(Volume, one) for one in plan[word]] for word in ("add", "remove"))
        attachments = attachments_of(session, [one.id for one in (*add, *remove)])
    moving = Moving(group, add, remove, plan["before"], attachments)
    worked = move_on_server(env, context, moving)
    words = Changes(**plan.get("words", {}))

    def write(session: Session) -> CgctlError | None:
        failure = write_membership(session, moving, worked)
        if failure is None:
            change_words(fresh(session, group), words)
        return failure

    return write


def _detach(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        row = session.get(Attachment, plan["id"])
        if row is None:
            return lambda _session: None
        access = access_of(session, row, session.get_one(Volume, row.volume_id))
    apply_exports(env, context, access.volume, access.others)
    return lambda session: forget(session, access)


def _revert(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        subject = group_revert.load(session, plan)
    try:
        outcome = group_revert.revert_on_server(env, context, subject)
    except ServerRefused as refusal:
        told = _told_unchanged(refusal, subject.group, "it is as it was before")
        return _taken_back(told, lambda session: group_revert.take_back(session, subject))
    return lambda session: group_revert.write_revert(session, subject, outcome)


def _told_unchanged(refusal: ServerRefused, group: Stateful, state: str) -> CgctlError:
    """What to say of a group that the server left as it was. Raises the refusal where it has begun already."""
    if not group_revert.nothing_is_replaced(refusal):
        raise refusal
    told = explain(refusal, f"group {shown(group)}")
    told.reason = f"{state}: {told.reason}"
    return told


def _taken_back(told: CgctlError, undo: Callable[[Session], None]) -> Settled:
    def write(session: Session) -> CgctlError:
        undo(session)
        return told

    return write


def _manage_group(env: Environment, context: Context, plan: Plan) -> Settled:
    with env.store.read() as session:
        subject = group_manage.load(session, plan)
    try:
        group_manage.manage_on_server(env, context, subject)
    except ServerRefused as refusal:
        told = _told_unchanged(refusal, subject.made.row, "the files are where they were")
        return _taken_back(told, lambda session: removal.never_was(session, subject.made))
    return lambda session: removal.mark(session, subject.made, "available")


class Repeatable(Operation[Any, Any], Protocol):
    """An operation that is ended by the same call, and whose subject is known from its plan."""

    def load(self, session: Session, plan: Plan) -> Any:
        """What it was about."""
        ...


def _again(operation: Callable[[Environment], Repeatable]) -> Callable[[Environment, Context, Plan], Settled]:
    """Rolled forward by the same call; back, where the server says that it has nothing to go on with."""

    def settle_it(env: Environment, context: Context, plan: Plan) -> Settled:
        one = operation(env)
        with env.store.read() as session:
            found = one.load(session, plan)
        try:
            outcome = one.work(context, found)
        except ServerRefused as refusal:
            if type(refusal) not in (ServerRefused, NotOnServer):
                raise
            told = explain(refusal, one.kind)

            def take_back(session: Session) -> CgctlError:
                one.refuse(session, found)
                return told

            return take_back
        return lambda session: one.finish(session, found, outcome)

    return settle_it


_ACTIONS: Mapping[str, Callable[[Environment, Context, Plan], Settled]] = {
    "activity": settle_activity,
    "nothing": _nothing,
    "remove": _remove,
    "extend": _extend,
    "regroup": _regroup,
    "detach": _detach,
    "revert": _revert,
    "manage group": _manage_group,
    "revert volume": _again(VolumeRevert),
    "manage": _again(Manage),
    "unmanage": _again(Unmanage),
    "delete backup": _again(BackupDeletion),
}
