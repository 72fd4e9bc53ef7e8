"""The one shape of all deletions: check, mark `deleting`, remove from the server, drop the rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager import removal
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.manager.removal import Doomed
from cgctl.manager.updates import Reading
from cgctl.store.queries import subject, words_of
from drivers.contract import Context


@dataclass(frozen=True)
class Going:
    """What goes, and how it was before."""

    what: Doomed
    before: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deletion:
    """select finds the row, locks it and refuses what must not go."""

    env: Environment
    kind: str
    word: str
    select: Callable[[Intent], Doomed]

    def intend(self, intent: Intent) -> Going:
        what = self.select(intent)
        if what.row.host:
            self.env.backends.get(what.row.host)  # raises when it is not configured any more
        refuse_used(intent.session, subject(type(what.row), shown(what.row)), what.row.id, *what.member_ids)
        going = Going(what, removal.statuses(what))
        intent.about(words_of(type(what.row))[0], what.row.id, what.row.name)
        intent.settled_by("remove", word=self.word, id=what.row.id)
        where = self.env.backends.server(what.row.host) if what.row.host else "state only"
        intent.will(f"{where}: delete {what.told(self.word)}")
        removal.mark(intent.session, what, "deleting")
        return going

    def work(self, context: Context, subject: Going) -> Reading:
        return removal.remove_from_server(self.env, context, subject.what)

    def finish(self, session: Session, subject: Going, outcome: Reading) -> CgctlError | None:
        return removal.forget(session, subject.what, outcome)

    def refuse(self, session: Session, subject: Going) -> None:
        removal.restore(session, subject.what, subject.before)

    def fail(self, session: Session, subject: Going) -> None:
        removal.mark(session, subject.what, "error")


def delete(env: Environment, kind: str, word: str, select: Callable[[Intent], Doomed]) -> None:
    """Run a deletion. Raises what `select` refuses, and CgctlErrors for what the server says."""
    with suppress(GoneMeanwhile):
        perform(env, Deletion(env, kind, word, select))
