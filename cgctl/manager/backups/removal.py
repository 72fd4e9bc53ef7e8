"""`backup-delete`: a backup's row and its directory; chunks that others need stay theirs.

Where the repository does not show itself, the row stays: its file system may not be mounted, and what is on it would be
nobody's. One that is gone for good is given up on the operator's word (`--repository-is-gone`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, ConfigurationError, Refused
from cgctl.failures import explain
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.backups.creation import word
from cgctl.manager.backups.whereabouts import refuse_elsewhere
from cgctl.manager.environment import Environment
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.model.backups import Backup
from cgctl.model.states import BackupStatus
from cgctl.model.tables import Lock, Operation
from cgctl.store import journal
from cgctl.store.queries import find, fresh
from drivers.contract import Context
from drivers.errors import DriverError, PoolMissing, ServerNotReached

ACTION = "delete backup"
GONE = "gone for good: cgctl backup-delete --repository-is-gone"
"""Before a backup's id, where its repository does not show itself."""


@dataclass(frozen=True)
class Leaving:
    """A backup, and its status before. is_given_up: also where its repository is gone."""

    row: Backup | None
    before: str
    is_given_up: bool = False


@dataclass(frozen=True)
class BackupDeletion:
    """The operation; rolled forward when it was interrupted."""

    env: Environment
    reference: str = ""
    is_given_up: bool = False
    kind: str = "backup-delete"

    def intend(self, intent: Intent) -> Leaving:
        row = find(intent.session, Backup, self.reference)
        refuse_used(intent.session, word(row), row.id)
        intent.lock(row.id)
        intent.about("backup", row.id, row.name)
        intent.settled_by(ACTION, id=row.id, before=row.status, is_given_up=self.is_given_up)
        intent.will(f"{self._where(row)}: delete {word(row)}")
        leaving = Leaving(row, row.status, self.is_given_up)
        row.status = BackupStatus.DELETING
        return leaving

    def load(self, session: Session, plan: Mapping[str, Any]) -> Leaving:
        """What it was about."""
        return Leaving(session.get(Backup, plan["id"]), plan["before"], plan.get("is_given_up", False))

    def _where(self, row: Backup) -> str:
        try:
            named = self.env.repositories.get(row.repository)
        except ConfigurationError as error:
            if self.is_given_up:
                return "state only"
            _refuse_elsewhere(self.env, row)
            error.hint = f"{_way(error)}; {GONE} {row.id}"
            raise
        return f"{named.name} ({named.repository.directory})"

    def work(self, context: Context, subject: Leaving) -> None:  # noqa: ARG002
        row = subject.row
        if row is None:
            return
        try:
            if not subject.is_given_up:
                _refuse_elsewhere(self.env, row)
            named = self.env.repositories.get(row.repository)
            if not named.repository.delete(row.id, was_whole=True):
                where = f"{row.kept_on or named.repository.runner.server}:{named.repository.directory}"
                self.env.warn(f"{word(row)} was not in {named.name} any more ({where})")
        except (PoolMissing, ServerNotReached, ConfigurationError) as error:
            if not subject.is_given_up:
                error.hint = f"{_way(error)}; {GONE} {row.id}"
                raise
            self.env.warn(f"{word(row)} is forgotten; what {row.repository} has of it is left: {error}")

    def finish(self, session: Session, subject: Leaving, outcome: None) -> CgctlError | None:  # noqa: ARG002
        if subject.row:
            session.delete(fresh(session, subject.row))
        return None

    def refuse(self, session: Session, subject: Leaving) -> None:
        if subject.row:
            fresh(session, subject.row).status = subject.before

    def fail(self, session: Session, subject: Leaving) -> None:
        if subject.row:
            fresh(session, subject.row).status = BackupStatus.ERROR_DELETING


def _refuse_elsewhere(env: Environment, row: Backup) -> None:
    try:
        refuse_elsewhere(env, row)
    except Refused as error:
        error.hint = f"{error.hint}; {GONE} {row.id}"
        raise


def _way(error: DriverError | ConfigurationError) -> str | None:
    return explain(error, "").hint if isinstance(error, DriverError) else error.hint


def _give_up_interrupted(env: Environment, reference: str) -> None:
    """A deletion that was interrupted, and finds its repository no more, goes on with the operator's word."""
    with env.store.write() as session:
        held = select(Operation).join(Lock, col(Lock.operation_id) == Operation.id)
        row = session.exec(held.where(Lock.key == find(session, Backup, reference).id)).first()
        if row and row.plan.get("action") == ACTION and journal.is_left_behind(row):
            row.plan = {**row.plan, "is_given_up": True}


def delete_backup(env: Environment, reference: str, *, is_given_up: bool = False) -> None:
    """Delete a backup, of a volume or of a group. Raises Refused while an activity reads it.

    is_given_up: its repository is gone for good, the operator says, where that does not show itself.
    """
    if is_given_up and not env.dry_run:
        _give_up_interrupted(env, reference)
    with suppress(GoneMeanwhile):
        perform(env, BackupDeletion(env, reference, is_given_up))
