"""`backup-delete`: a backup's row and its directory; chunks that others need stay theirs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.backups.creation import word
from cgctl.manager.environment import Environment
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.model.backups import Backup
from cgctl.model.states import BackupStatus
from cgctl.store.queries import find, fresh
from drivers.contract import Context


@dataclass(frozen=True)
class Leaving:
    """A backup, and its status before."""

    row: Backup | None
    before: str


@dataclass(frozen=True)
class BackupDeletion:
    """The operation; rolled forward when it was interrupted."""

    env: Environment
    reference: str = ""
    kind: str = "backup-delete"

    def intend(self, intent: Intent) -> Leaving:
        row = find(intent.session, Backup, self.reference)
        refuse_used(intent.session, word(row), row.id)
        intent.lock(row.id)
        intent.about("backup", row.id, row.name)
        intent.settled_by("delete backup", id=row.id, before=row.status)
        named = self.env.repositories.get(row.repository)
        intent.will(f"{named.name} ({named.repository.directory}): delete {word(row)}")
        leaving = Leaving(row, row.status)
        row.status = BackupStatus.DELETING
        return leaving

    def load(self, session: Session, plan: Mapping[str, Any]) -> Leaving:
        """What it was about."""
        return Leaving(session.get(Backup, plan["id"]), plan["before"])

    def work(self, context: Context, subject: Leaving) -> None:  # noqa: ARG002
        if subject.row:
            self.env.repositories.get(subject.row.repository).repository.delete(subject.row.id)

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


def delete_backup(env: Environment, reference: str) -> None:
    """Delete a backup, of a volume or of a group. Raises Refused while an activity reads it."""
    with suppress(GoneMeanwhile):
        perform(env, BackupDeletion(env, reference))
