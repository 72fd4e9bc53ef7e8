"""The one shape of all creations: place and check, write `creating`, create on the server, write the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from cgctl.errors import CgctlError, ServerFailure
from cgctl.manager import removal
from cgctl.manager.environment import Environment
from cgctl.manager.objects import counted, shown
from cgctl.manager.operation import Intent, perform
from cgctl.manager.removal import Doomed, Removable
from cgctl.manager.updates import Reading, read_updates
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume
from cgctl.store.queries import set_status
from drivers.contract import Context, Updates

AVAILABLE = "available"


@dataclass(frozen=True)
class Made:
    """What the server answered; complaint is what went wrong although the objects are good (a `post` hook)."""

    updates: Updates
    complaint: CgctlError | None = None


@dataclass(frozen=True)
class Creation:
    """prepare checks, locks and adds the rows; call makes them on the server."""

    env: Environment
    kind: str
    word: str
    prepare: Callable[[Intent], Doomed]
    call: Callable[[Context, Doomed], Made]

    def intend(self, intent: Intent) -> Doomed:
        new = self.prepare(intent)
        intent.about(self.word, new.row.id, _called(intent.session, new.row))
        intent.settled_by("remove", word=self.word, id=new.row.id)
        server = self.env.backends.server(new.row.host or "")
        of_members = f" of {counted(new.member_ids, 'member')}" if new.member_ids else ""
        called = _called(intent.session, new.row) or new.row.id
        intent.will(f"{server}: {self.kind} {called}{of_members}")
        return new

    def work(self, context: Context, subject: Doomed) -> Made:
        return self.call(context, subject)

    def finish(self, session: Session, subject: Doomed, outcome: Made) -> CgctlError | None:
        model_update, member_updates = outcome.updates
        reading = read_updates(subject.member_ids, model_update, member_updates, AVAILABLE)
        row = removal.fresh_row(session, subject.row)
        row.status = subject.row.status = reading.whole
        if isinstance(row, GroupSnapshot) and model_update:
            row.hold = dict(model_update.get("hold") or {}) or None
        set_status(session, Volume, {one.id: reading.members[one.id] for one in subject.volumes})
        set_status(session, Snapshot, {one.id: reading.members[one.id] for one in subject.snapshots})
        return self._failure(subject, reading) if reading.failed else outcome.complaint

    def _failure(self, subject: Doomed, reading: Reading) -> CgctlError:
        names = [reading.told(one.id, shown(one)) for one in subject.members if one.id in reading.failed_members]
        reason = f"the server could not make {', '.join(names) or 'it'}"
        if reading.reason and not names:
            reason = f"{reason}: {reading.reason}"
        hint = "delete it, mend the cause, and try again"
        return ServerFailure(f"{self.word} {shown(subject.row)}", reason, hint, removal.parts(subject.members, reading))

    def refuse(self, session: Session, subject: Doomed) -> None:
        removal.never_was(session, subject)

    def fail(self, session: Session, subject: Doomed) -> None:
        removal.mark(session, subject, "error")


def _called(session: Session, row: Removable) -> str | None:
    """Its name; a snapshot without one is called by what it is of, not by an id that nobody has seen."""
    if row.name is None and isinstance(row, GroupSnapshot):
        return f"of group {shown(session.get_one(Group, row.group_id))}"
    if row.name is None and isinstance(row, Snapshot):
        return f"of volume {shown(session.get_one(Volume, row.volume_id))}"
    return row.name


def create(
    env: Environment,
    kind: str,
    word: str,
    prepare: Callable[[Intent], Doomed],
    call: Callable[[Context, Doomed], Made],
) -> Doomed:
    """Run a creation. Raises what `prepare` refuses, and CgctlErrors for what the server says."""
    return perform(env, Creation(env, kind, word, prepare, call))
