"""The one shape of all deletions: check, mark `deleting`, remove from the server, drop the rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlmodel import Session

from cgctl.errors import CgctlError, ConfigurationError
from cgctl.manager import given_up, removal
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.manager.removal import Doomed
from cgctl.manager.updates import Reading
from cgctl.store.queries import subject, words_of
from drivers.contract import Context
from drivers.errors import DriverError


@dataclass(frozen=True)
class Going:
    """What goes, and how it was before."""

    what: Doomed
    before: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deletion:
    """select finds the row, locks it and refuses what must not go. is_given_up: no server is asked to delete it."""

    env: Environment
    kind: str
    word: str
    select: Callable[[Intent], Doomed]
    is_given_up: bool = False

    def intend(self, intent: Intent) -> Going:
        what = self.select(intent)
        where = self._where(what)
        refuse_used(intent.session, subject(type(what.row), shown(what.row)), what.row.id, *what.member_ids)
        going = Going(what, removal.statuses(what))
        intent.about(words_of(type(what.row))[0], what.row.id, what.row.name)
        intent.settled_by("remove", word=self.word, id=what.row.id, is_given_up=self.is_given_up)
        intent.will(f"{where}: delete {what.told(self.word)}")
        removal.mark(intent.session, what, "deleting")
        return going

    def _where(self, what: Doomed) -> str:
        """For --dry-run. Raises ConfigurationError for a backend that is not configured any more."""
        host = what.row.host
        if host is None or self.is_given_up:
            return "state only"
        try:
            self.env.backends.get(host)
        except ConfigurationError as error:
            given_up.offer(error, self.kind, what.row.id)
            raise
        return self.env.backends.server(host)

    def work(self, context: Context, subject: Going) -> Reading:
        if self.is_given_up:
            return given_up.all_gone(subject.what)
        try:
            return removal.remove_from_server(self.env, context, subject.what)
        except DriverError as error:
            given_up.offer(error, self.kind, subject.what.row.id)
            raise

    def finish(self, session: Session, subject: Going, outcome: Reading) -> CgctlError | None:
        if self.is_given_up:
            return given_up.forget(self.env, session, subject.what)
        return removal.forget(session, subject.what, outcome)

    def refuse(self, session: Session, subject: Going) -> None:
        removal.restore(session, subject.what, subject.before)

    def fail(self, session: Session, subject: Going) -> None:
        removal.mark(session, subject.what, "error")


def delete(
    env: Environment, kind: str, word: str, select: Callable[[Intent], Doomed], *, is_given_up: bool = False
) -> None:
    """Run a deletion. Raises what `select` refuses, and CgctlErrors for what the server says."""
    with suppress(GoneMeanwhile):
        perform(env, Deletion(env, kind, word, select, is_given_up))
