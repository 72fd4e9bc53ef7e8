"""Giving up an activity whose server is down for good, on the operator's word (`activity-forget --server-is-down`).

Decided 2026-11-22: nothing is removed by it, on no server, so that a word that was wrong costs room and no data: what
was made stays where it is, and a later command that would meet it refuses. A move whose source is gone has moved, where
all has come: that is the last copy; and so may a backup be that is whole in its repository.
"""

from __future__ import annotations

from cgctl.errors import CgctlError, ConfigurationError, Locked, Refused, ServerFailure, ServerUnreachable
from cgctl.manager.activities.kinds import long_work
from cgctl.manager.activities.settle import look, note, unquiet, word
from cgctl.manager.activities.work import LongWork, Plan
from cgctl.manager.environment import Environment
from cgctl.model.activities import Activity
from cgctl.model.states import OperationState
from cgctl.store import journal
from drivers.activities.values import ActivityReport, ActivityState
from drivers.contract import Context
from drivers.errors import DriverError

SILENT = (DriverError, ServerUnreachable, ServerFailure, ConfigurationError)
"""What a server that is gone, or is configured no more, comes to."""


def abandon(env: Environment, row: Activity, *, elsewhere: bool) -> None:
    """Of one that is not over. elsewhere: another machine works on it. Raises Refused where its servers answer."""
    try:
        seen = row if elsewhere else look(env, row.id)
    except SILENT:
        pass
    else:
        if ActivityState(seen.state).is_over:
            return
        if not elsewhere:
            raise Refused(
                word(row), f"activity {row.id} is not given up: its server answers", f"cgctl activity-cancel {row.id}"
            )
    with env.store.write() as session:
        operation = journal.take_over(session, row.operation_id, env.operation_seconds)
    if operation is None:
        raise Locked(
            word(row),
            f"activity {row.id} is being begun, or ended, by another command",
            f"cgctl activity-show {row.id}",
        )
    work, plan = long_work(env, operation.plan["kind"]), operation.plan["work"]
    outcome = _arrived(work, env.context(operation.id), plan)
    told = ServerFailure(
        word(row), f"activity {row.id} was given up: its server is down; what it made there is left", None
    )
    with env.store.write() as session:
        if outcome is None:
            work.give_up(session, plan)
        else:
            work.finish(session, plan, outcome)
        unquiet(session, operation.plan["quieted"])
        note(session, row.id, ActivityReport(row.id, ActivityState.LOST), told)
        journal.end(session, operation, OperationState.FAILED, told)


def _arrived(work: LongWork, context: Context, plan: Plan) -> object | None:
    """What is to be written of one that has come to its end elsewhere."""
    from cgctl.manager.backups.creation import BackupCreation  # noqa: PLC0415 (they are kinds of activities)
    from cgctl.manager.relocation.work import Relocation  # noqa: PLC0415

    try:
        if isinstance(work, BackupCreation):
            return work.find_result(context, plan)
        return (isinstance(work, Relocation) and work.is_all_that_is_left(context, plan)) or None
    except (DriverError, CgctlError):
        return None
