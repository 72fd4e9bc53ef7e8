"""`manage`, `snapshot-manage`: what is in a pool becomes a volume or a snapshot, without a copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager.environment import Environment
from cgctl.manager.manageable.listing import chosen, place_key
from cgctl.manager.manageable.rows import Managed, drop, get_managed, set_status, word_of
from cgctl.manager.objects import lock_key, shown, snapshot_object, volume_object
from cgctl.manager.operation import Intent, perform
from cgctl.manager.placement import place, specs_for, volume_types_of
from cgctl.manager.rules import snapshot as snapshot_rules
from cgctl.manager.rules.group import check_new_member
from cgctl.manager.rules.manage import check_place
from cgctl.model.names import checked_text, size_gib
from cgctl.model.states import SnapshotStatus, VolumeStatus
from cgctl.model.tables import Group, Snapshot, Volume, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find
from drivers.contract import Context


@dataclass(frozen=True)
class Words:
    """What an operator says of what is managed."""

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Managing:
    """The row of what is taken over, and where it was found."""

    row: Managed
    reference: str


@dataclass(frozen=True)
class Manage:
    """The operation. Interrupted, it is ended by the same call; refused, everything is as it was."""

    env: Environment
    prepare: Callable[[Intent], Managing] | None = None
    kind: str = "manage"

    def intend(self, intent: Intent) -> Managing:
        assert self.prepare is not None
        subject = self.prepare(intent)
        row = subject.row
        host = row.host or ""
        intent.lock(place_key(host, subject.reference))
        intent.add(row)
        intent.about(word_of(row), row.id, row.name)
        intent.settled_by("manage", word=word_of(row), id=row.id, reference=subject.reference)
        size = size_gib(row.size_bytes)
        server = self.env.backends.server(host)
        intent.will(f"{server}: make {word_of(row)} {shown(row)} of {subject.reference} ({size} GiB), without a copy")
        return subject

    def load(self, session: Session, plan: Mapping[str, Any]) -> Managing:
        """What an interrupted one was about."""
        return Managing(get_managed(session, plan), plan["reference"])

    def work(self, context: Context, subject: Managing) -> None:
        row, reference = subject.row, subject.reference
        driver = self.env.backends.get(row.host or "").driver
        if isinstance(row, Volume):
            driver.manage_existing(context, volume_object(row), reference)
        else:
            driver.manage_existing_snapshot(context, snapshot_object(row), reference)

    def finish(self, session: Session, subject: Managing, outcome: None) -> CgctlError | None:  # noqa: ARG002
        set_status(session, subject.row, VolumeStatus.AVAILABLE)
        return None

    def refuse(self, session: Session, subject: Managing) -> None:
        drop(session, subject.row)

    def fail(self, session: Session, subject: Managing) -> None:
        set_status(session, subject.row, VolumeStatus.ERROR_MANAGING)


def manage_volume(
    env: Environment,
    host: str,
    reference: str,
    words: Words,
    volume_type: str | None = None,
    group: str | None = None,
) -> Volume:
    """Make a volume, or a member of a group, of what is in a pool. Raises NotFound, Refused with nothing changed."""
    checked_text("volume name", words.name)
    checked_text("volume description", words.description)
    found = chosen(env, host, reference, snapshots=False)
    type_id = _fitting_type(env, host, volume_type) if volume_type is not None else None

    def prepare(intent: Intent) -> Managing:
        row = Volume(
            name=words.name,
            description=words.description,
            status=VolumeStatus.MANAGING,
            size_bytes=found.size_bytes,
            volume_type_id=type_id,
            host=host,
            availability_zone=env.backends.get(host).availability_zone,
            properties=dict(words.metadata),
        )
        if group is not None:
            row.group_id = _joinable(intent, group, row).id
        intent.lock(lock_key(row))
        return Managing(row, reference)

    made = perform(env, Manage(env, prepare)).row
    assert isinstance(made, Volume)
    return made


def _joinable(intent: Intent, reference: str, row: Volume) -> Group:
    """The group that it shall be in: on the same backend, and of its type."""
    group = find(intent.session, Group, reference)
    intent.lock(group.id)
    volume_type = intent.session.get(VolumeType, row.volume_type_id) if row.volume_type_id else None
    named = f"volume {row.name or ''}".strip()
    check_new_member(named, group, volume_types_of(intent.session, group.id), volume_type)
    check_place(named, group, row.host)
    return group


def _fitting_type(env: Environment, host: str, volume_type: str) -> str:
    """The type's id; the backend must offer what it asks for. Room is no matter: the data are there."""
    with env.store.read() as session:
        row = find(session, VolumeType, volume_type)
    place(env, f"volume type {row.name}", Request(specs_for(None, [row])), host)
    return row.id


def manage_snapshot(env: Environment, volume: str, reference: str, words: Words) -> Snapshot:
    """Make a snapshot of a volume of what is in its pool; that it once was the volume is the operator's word."""
    checked_text("snapshot name", words.name)
    checked_text("snapshot description", words.description)
    with env.store.read() as session:
        host = find(session, Volume, volume).host or ""
    found = chosen(env, host, reference, snapshots=True)

    def prepare(intent: Intent) -> Managing:
        origin = find(intent.session, Volume, volume)
        intent.lock(lock_key(origin))
        snapshot_rules.check_managed(origin, found.size_bytes)
        row = Snapshot(
            name=words.name,
            description=words.description,
            status=SnapshotStatus.MANAGING,
            volume_id=origin.id,
            size_bytes=found.size_bytes,
            group_id=origin.group_id,
            host=host,
            properties=dict(words.metadata),
        )
        return Managing(row, reference)

    made = perform(env, Manage(env, prepare, "snapshot-manage")).row
    assert isinstance(made, Snapshot)
    return made
