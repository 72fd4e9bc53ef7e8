"""`backup-verify`: every chunk is read and proved where the repository is; what is damaged is kept beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, Refused, ServerFailure
from cgctl.failures import explain
from cgctl.manager.activities.launch import launch
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.backups.creation import word
from cgctl.manager.backups.registry import tell
from cgctl.manager.environment import HERE, Environment
from cgctl.manager.operation import Intent
from cgctl.model.activities import Activity
from cgctl.model.backups import Backup
from cgctl.model.states import BackupStatus
from cgctl.store.queries import find
from drivers.activities.values import Program
from drivers.backups.repository import Verdict
from drivers.contract import Context
from drivers.errors import DriverError


@dataclass(frozen=True)
class Verification:
    """The long work. reference is not needed to settle it."""

    env: Environment
    reference: str = ""
    kind: str = "backup-verify"

    def intend(self, intent: Intent) -> Intended:
        row = find(intent.session, Backup, self.reference)
        intent.lock(row.id)
        if row.status != BackupStatus.AVAILABLE:
            raise Refused(word(row), f"is {row.status}", f"cgctl backup-show {row.id}")
        named = self.env.repositories.get(row.repository)
        intent.about("backup", row.id, row.name)
        intent.will(f"{named.name} ({named.repository.directory}): read and prove the chunks of {word(row)}")
        plan = {"backup_id": row.id, "repository": row.repository}
        return Intended(plan, None if named.place == HERE else named.place, source_ids=[row.id])

    def begin(self, context: Context, plan: Plan) -> Program:  # noqa: ARG002
        repository = self.env.repositories.get(plan["repository"]).repository
        return Program(repository.verify(plan["backup_id"]), None, f"{self.kind} in {plan['repository']}")

    def complete(self, context: Context, plan: Plan) -> Verdict:  # noqa: ARG002
        return self.env.repositories.get(plan["repository"]).repository.verdict(plan["backup_id"])

    def clear(self, context: Context, plan: Plan) -> None:
        """A verdict that is not whole is none."""

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        row = session.get_one(Backup, plan["backup_id"])
        failure = judged(row, outcome)
        reason = f"{len(outcome.damages)} damaged chunk(s)" if failure else None
        if row.fail_reason != reason:
            row.fail_reason = reason
            tell(session, row, self.kind, reason or "sound again")
        return failure

    def give_up(self, session: Session, plan: Plan) -> None:
        """Nothing was written before."""


def judged(row: Backup, verdict: Verdict) -> CgctlError | None:
    """The error for the exit code, where something is damaged."""
    if not verdict.damages:
        return None
    first = verdict.damages[0]
    told = f"{len(verdict.damages)} damaged chunk(s), the first in member {first.member_id} at offset "
    told += f"{first.offset_bytes}: {first.reason}"
    return ServerFailure(word(row), told, f"restore another one; cgctl backup-delete {row.id}")


def verify(env: Environment, reference: str) -> tuple[Backup, Verdict, CgctlError | None]:
    """To its end; the error is for the exit code. Changes nothing but the row's `fail_reason`."""
    with env.store.read() as session:
        row = find(session, Backup, reference)
    failure: CgctlError | None = None
    try:
        launch(env, Verification(env, row.id))
    except ServerFailure as error:
        failure = error
    try:
        verdict = env.repositories.get(row.repository).repository.verdict(row.id)
    except DriverError as error:
        raise failure or explain(error, word(row)) from error
    if failure and not verdict.damages:
        raise failure
    return row, verdict, judged(row, verdict)


def begin(env: Environment, reference: str) -> Activity:
    """Left running."""
    return launch(env, Verification(env, reference), detach=True)
