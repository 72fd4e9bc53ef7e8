"""What changes a volume in place: extend and rename."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import Session

from cgctl.errors import CgctlError, DryRun, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.objects import lock_key, shown, volume_object
from cgctl.manager.operation import Intent, perform, wait_until_free
from cgctl.manager.placement import place, specs_for
from cgctl.manager.rules.volume import check_extension
from cgctl.model.names import checked_text, size_gib
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Event, Snapshot, Volume, VolumeType, utc_now
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, fresh, get, subject
from drivers.contract import Context

Renamed = TypeVar("Renamed", Volume, Snapshot)


@dataclass(frozen=True)
class Extension:
    """The operation `extend`."""

    env: Environment
    reference: str
    size_bytes: int
    kind: str = "extend"

    def intend(self, intent: Intent) -> Volume:
        row = find(intent.session, Volume, self.reference)
        intent.lock(lock_key(row))
        check_extension(row, self.size_bytes)
        intent.about("volume", row.id, row.name)
        intent.settled_by("extend", id=row.id, size_bytes=self.size_bytes)
        server = self.env.backends.server(row.host or "")
        intent.will(f"{server}: extend {shown(row)} from {size_gib(row.size_bytes)} to {size_gib(self.size_bytes)} GiB")
        row.status = VolumeStatus.EXTENDING
        return row

    def work(self, context: Context, subject: Volume) -> None:
        self.env.backends.get(subject.host or "").driver.extend_volume(context, volume_object(subject), self.size_bytes)

    def finish(self, session: Session, subject: Volume, outcome: None) -> CgctlError | None:  # noqa: ARG002
        row = fresh(session, subject)
        row.size_bytes, row.status, row.updated_at = self.size_bytes, VolumeStatus.AVAILABLE, utc_now()
        return None

    def refuse(self, session: Session, subject: Volume) -> None:
        fresh(session, subject).status = VolumeStatus.AVAILABLE

    def fail(self, session: Session, subject: Volume) -> None:
        fresh(session, subject).status = VolumeStatus.ERROR_EXTENDING


def extend_volume(env: Environment, reference: str, size_bytes: int) -> None:
    """Grow a volume. Raises Refused when its backend has no room for the difference."""
    with env.store.read() as session:
        key = lock_key(find(session, Volume, reference))
    wait_until_free(env, key)
    with env.store.read() as session:
        row = find(session, Volume, reference)
        check_extension(row, size_bytes)
        types = [get(session, VolumeType, row.volume_type_id)] if row.volume_type_id else []
    place(env, f"volume {shown(row)}", Request(specs_for(None, types), size_bytes - row.size_bytes), row.host)
    perform(env, Extension(env, reference, size_bytes))


def rename_volume(env: Environment, reference: str, name: str | None, description: str | None) -> None:
    """Change what people call a volume."""
    _rename(env, Volume, reference, name, description)


def rename_snapshot(env: Environment, reference: str, name: str | None, description: str | None) -> None:
    """Change what people call a snapshot."""
    _rename(env, Snapshot, reference, name, description)


def _rename(env: Environment, kind: type[Renamed], reference: str, name: str | None, description: str | None) -> None:
    """The server knows it by its id."""
    word = subject(kind, reference)
    if name is None and description is None:
        raise UsageError(word, "neither name nor description was given", "cgctl rename VOLUME NEW-NAME")
    with env.store.write() as session:
        row = find(session, kind, reference)
        row.name = checked_text(f"{word} name", name) if name is not None else row.name
        row.description = (
            checked_text(f"{word} description", description) if description is not None else row.description
        )
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: rename {word}"])
        session.add(row)
        session.add(
            Event(subject_kind=word.split()[0], subject_id=row.id, subject_name=row.name, kind="rename", message="done")
        )
