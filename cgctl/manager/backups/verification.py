"""`backup-verify`: every chunk is read and proved where the repository is; what is damaged is kept beside them.

A backup of which a chunk is damaged is in `error`, with its `fail_reason`, and so is each that has the same chunk: none
can be restored, nor become another one's parent. It is available again when it is verified and sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, Refused, ServerFailure
from cgctl.failures import explain
from cgctl.manager.activities.launch import launch
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.backups.creation import damaged, word
from cgctl.manager.backups.registry import tell
from cgctl.manager.backups.whereabouts import refuse_elsewhere
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
        if row.status not in (BackupStatus.AVAILABLE, BackupStatus.ERROR):
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
        whole = next((one.reason for one in outcome.damages if one.member_id == "-"), None)
        self._write(session, row, whole or (damaged(len(outcome.damages)) if outcome.damages else None))
        for key, count in outcome.shared.items():
            other = session.get(Backup, key)
            if other and not other.fail_reason:
                self._write(session, other, f"{damaged(count)}, shared with {word(row)}")
        return judged(row, outcome)

    def _write(self, session: Session, row: Backup, reason: str | None) -> None:
        if row.fail_reason == reason:
            return
        row.fail_reason = reason
        if row.status in (BackupStatus.AVAILABLE, BackupStatus.ERROR):
            row.status = BackupStatus.ERROR if reason else BackupStatus.AVAILABLE
        tell(session, row, self.kind, reason or "sound again")

    def give_up(self, session: Session, plan: Plan) -> None:
        """Nothing was written before."""


def judged(row: Backup, verdict: Verdict) -> CgctlError | None:
    """The error for the exit code, where something is damaged."""
    if not verdict.damages:
        return None
    first = verdict.damages[0]
    if first.member_id == "-":
        return ServerFailure(
            word(row), first.reason, f"restore another one: cgctl backup-list; cgctl backup-delete {row.id}"
        )
    told = f"{len(verdict.damages)} damaged chunk(s), the first in member {first.member_id} at offset "
    told += f"{first.offset_bytes}: {first.reason}"
    told += f"; shared with {', '.join(sorted(verdict.shared))}" if verdict.shared else ""
    return ServerFailure(word(row), told, f"restore another one: cgctl backup-list; cgctl backup-delete {row.id}")


def verify(env: Environment, reference: str) -> tuple[Backup, Verdict, CgctlError | None]:
    """To its end; the error is for the exit code. Changes nothing but statuses and `fail_reason`."""
    with env.store.read() as session:
        row = find(session, Backup, reference)
    refuse_elsewhere(env, row)
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
    with env.store.read() as session:
        row = find(session, Backup, reference)
    refuse_elsewhere(env, row)
    return launch(env, Verification(env, reference), detach=True)
