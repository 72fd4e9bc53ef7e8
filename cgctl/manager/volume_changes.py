"""What changes a volume in place: extend and rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlmodel import Session

from cgctl.errors import CgctlError, DryRun, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.exports import export_of, exported_at
from cgctl.manager.objects import lock_key, shown, volume_object
from cgctl.manager.offering import offer_key
from cgctl.manager.operation import Intent, perform, wait_until_free
from cgctl.manager.placement import place, specs_for
from cgctl.manager.rules.volume import check_extension
from cgctl.model.names import checked_text, size_gib
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Attachment, Event, Snapshot, Volume, VolumeType, utc_now
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import attachments_of, find, fresh, get, subject
from drivers.contract import Context
from drivers.errors import ServerFailed, ServerNotReached, ServerRefused

Renamed = TypeVar("Renamed", Volume, Snapshot)


@dataclass(frozen=True)
class Growing:
    """A volume that grows, who has access to it, and its status before."""

    row: Volume
    attachments: list[Attachment]
    before: str


@dataclass(frozen=True)
class Extension:
    """The operation `extend`; of an attached volume where its export shows the new size without an interruption."""

    env: Environment
    reference: str
    size_bytes: int
    kind: str = "extend"

    def intend(self, intent: Intent) -> Growing:
        row = find(intent.session, Volume, self.reference)
        intent.lock(lock_key(row), offer_key(row.id))
        check_extension(row, self.size_bytes, grows_online=_grows_online(self.env, row))
        attachments = attachments_of(intent.session, [row.id])
        growing = Growing(row, attachments, VolumeStatus.IN_USE if attachments else VolumeStatus.AVAILABLE)
        intent.about("volume", row.id, row.name)
        intent.settled_by("extend", id=row.id, size_bytes=self.size_bytes, before=growing.before)
        server = self.env.backends.server(row.host or "")
        intent.will(f"{server}: extend {shown(row)} from {size_gib(row.size_bytes)} to {size_gib(self.size_bytes)} GiB")
        if attachments:
            intent.will(f"{server}: show its export in the new size")
        row.status = VolumeStatus.EXTENDING
        return growing

    def work(self, context: Context, subject: Growing) -> None:
        grow_on_server(self.env, context, subject.row, subject.attachments, self.size_bytes)

    def finish(self, session: Session, subject: Growing, outcome: None) -> CgctlError | None:  # noqa: ARG002
        row = fresh(session, subject.row)
        row.size_bytes, row.status, row.updated_at = self.size_bytes, subject.before, utc_now()
        return None

    def refuse(self, session: Session, subject: Growing) -> None:
        fresh(session, subject.row).status = subject.before

    def fail(self, session: Session, subject: Growing) -> None:
        fresh(session, subject.row).status = VolumeStatus.ERROR_EXTENDING


def grow_on_server(
    env: Environment, context: Context, row: Volume, attachments: Sequence[Attachment], size_bytes: int
) -> None:
    """The driver's part, and the export's of an attached volume. May run again.

    A volume that has grown behind an export that does not show it is no refusal: ServerFailed, and `extend` again.
    """
    backend = env.backends.get(row.host or "")
    volume = volume_object(row)
    backend.driver.extend_volume(context, volume, size_bytes)
    if not attachments:
        return
    export = export_of(backend, f"volume {shown(row)}")
    try:
        export.ensure_exports(context, [exported_at(backend, replace(volume, size_bytes=size_bytes), attachments)])
    except (ServerNotReached, ServerRefused) as error:
        raise ServerFailed(f"it has grown, but its export does not show it: {error.message}", error.hint) from error


def _grows_online(env: Environment, row: Volume) -> bool:
    export = env.backends.get(row.host).export if row.host else None
    return export is not None and export.grows_online


def extend_volume(env: Environment, reference: str, size_bytes: int) -> None:
    """Grow a volume. Raises Refused when its backend has no room for the difference."""
    with env.store.read() as session:
        before = find(session, Volume, reference)
    wait_until_free(env, lock_key(before))
    with env.store.read() as session:
        row = find(session, Volume, reference)
        if before.size_bytes != row.size_bytes == size_bytes:
            return  # an interrupted extension to this size was settled: who repeats it has it done
        check_extension(row, size_bytes, grows_online=_grows_online(env, row))
        types = [get(session, VolumeType, row.volume_type_id)] if row.volume_type_id else []
    specs = specs_for(None, types, is_given=True)
    place(env, f"volume {shown(row)}", Request(specs, size_bytes - row.size_bytes), row.host)
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
