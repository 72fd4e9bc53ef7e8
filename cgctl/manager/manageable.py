"""What is in a pool and not cgctl's: listed, taken over (`manage`), given back (`unmanage`). Volumes and snapshots.

Data are never deleted by any of it: what was not managed to its end is `error_managing`, and can only be unmanaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, NotFound
from cgctl.failures import explain
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.dependents import has_snapshots
from cgctl.manager.environment import Environment
from cgctl.manager.objects import lock_key, shown, snapshot_object, volume_object
from cgctl.manager.operation import Intent, perform, wait_until_free
from cgctl.manager.placement import place, specs_for, volume_types_of
from cgctl.manager.rules import snapshot as snapshot_rules
from cgctl.manager.rules import volume as volume_rules
from cgctl.manager.rules.group import check_new_member
from cgctl.manager.rules.manage import check_manageable, check_place
from cgctl.model.names import checked_text, plain_name, size_gib
from cgctl.model.states import SnapshotStatus, VolumeStatus
from cgctl.model.tables import Group, Snapshot, Volume, VolumeType, new_id
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, fresh
from drivers.contract import Context, Manageable
from drivers.errors import DriverError

Managed = Volume | Snapshot
View = dict[str, object]


@dataclass(frozen=True)
class Words:
    """What an operator says of what is managed."""

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def list_manageable(env: Environment, host: str, *, snapshots: bool = False) -> list[View]:
    """What a backend's pool holds, with Cinder's keys; its server is asked once, and nothing is changed."""
    return [_view(one) for one in _listed(env, host, snapshots=snapshots)]


def _view(one: Manageable) -> View:
    return {
        "reference": one.reference,
        "size": size_gib(one.size_bytes),
        "safe_to_manage": one.reason_not_safe is None,
        "source_reference": one.source_reference,
        "reason_not_safe": one.reason_not_safe,
        "cinder_id": one.cgctl_id,
        "extra_info": None,
    }


def _listed(env: Environment, host: str, *, snapshots: bool) -> Sequence[Manageable]:
    driver = env.backends.get(host).driver
    try:
        return (driver.list_manageable_snapshots if snapshots else driver.list_manageable)(env.context(new_id()))
    except DriverError as error:
        raise explain(error, f"backend {host}") from error


def _chosen(env: Environment, host: str, reference: str, *, snapshots: bool) -> Manageable:
    """What answers to the reference, if it is safe. Raises NotFound and Refused."""
    wait_until_free(env, _place_key(host, reference))
    found = {one.reference: one for one in _listed(env, host, snapshots=snapshots)}.get(reference)
    word = "snapshot-manageable-list" if snapshots else "manageable-list"
    if found is None:
        raise NotFound(f"{host}: {reference}", "is not in the pool", f"see what is there: cgctl {word} {host}")
    check_manageable(f"{host}: {reference}", found.cgctl_id, found.reason_not_safe)
    return found


def _place_key(host: str, reference: str) -> str:
    """The lock of a place: two commands do not manage the same, and the next one settles what was interrupted."""
    return f"{host}/{reference}"


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
        intent.lock(_place_key(host, subject.reference))
        intent.add(row)
        intent.about(_word(row), row.id, row.name)
        intent.settled_by("manage", word=_word(row), id=row.id, reference=subject.reference)
        size = size_gib(row.size_bytes)
        server = self.env.backends.server(host)
        intent.will(f"{server}: make {_word(row)} {shown(row)} of {subject.reference} ({size} GiB), without a copy")
        return subject

    def load(self, session: Session, plan: Mapping[str, Any]) -> Managing:
        """What an interrupted one was about."""
        return Managing(_get(session, plan), plan["reference"])

    def work(self, context: Context, subject: Managing) -> None:
        row, reference = subject.row, subject.reference
        driver = self.env.backends.get(row.host or "").driver
        if isinstance(row, Volume):
            driver.manage_existing(context, volume_object(row), reference)
        else:
            driver.manage_existing_snapshot(context, snapshot_object(row), reference)

    def finish(self, session: Session, subject: Managing, outcome: None) -> CgctlError | None:  # noqa: ARG002
        _set_status(session, subject.row, VolumeStatus.AVAILABLE)
        return None

    def refuse(self, session: Session, subject: Managing) -> None:
        _drop(session, subject.row)

    def fail(self, session: Session, subject: Managing) -> None:
        _set_status(session, subject.row, VolumeStatus.ERROR_MANAGING)


@dataclass
class Unmanaging:
    """What is given back, its status before, and in the end the reference under which it is found."""

    row: Managed
    before: str
    reference: str | None = None


@dataclass(frozen=True)
class Unmanage:
    """The operation. Interrupted, it is ended by the same call."""

    env: Environment
    select: Callable[[Intent], Managed] | None = None
    kind: str = "unmanage"

    def intend(self, intent: Intent) -> Unmanaging:
        assert self.select is not None
        row = self.select(intent)
        server = self.env.backends.server(row.host or "")
        self.env.backends.get(row.host or "")  # raises when it is not configured any more
        intent.about(_word(row), row.id, row.name)
        intent.settled_by("unmanage", word=_word(row), id=row.id, before=row.status)
        intent.will(f"{server}: give {_word(row)} {shown(row)} back as {_name(row)}; nothing is deleted")
        subject = Unmanaging(row, row.status)
        row.status = VolumeStatus.UNMANAGING.value
        return subject

    def load(self, session: Session, plan: Mapping[str, Any]) -> Unmanaging:
        """What an interrupted one was about."""
        return Unmanaging(_get(session, plan), plan["before"])

    def work(self, context: Context, subject: Unmanaging) -> str:
        row = subject.row
        driver = self.env.backends.get(row.host or "").driver
        if isinstance(row, Volume):
            return driver.unmanage(context, volume_object(row), _name(row))
        return driver.unmanage_snapshot(context, snapshot_object(row), _name(row))

    def finish(self, session: Session, subject: Unmanaging, outcome: str) -> CgctlError | None:
        subject.reference = outcome
        _drop(session, subject.row)
        return None

    def refuse(self, session: Session, subject: Unmanaging) -> None:
        _set_status(session, subject.row, subject.before)

    def fail(self, session: Session, subject: Unmanaging) -> None:
        _set_status(session, subject.row, VolumeStatus.ERROR)


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
    found = _chosen(env, host, reference, snapshots=False)
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
    found = _chosen(env, host, reference, snapshots=True)

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


def unmanage_volume(env: Environment, reference: str) -> Unmanaging:
    """Give a volume's data back and forget it. Raises Refused with nothing changed (B.9)."""

    def select(intent: Intent) -> Managed:
        row = find(intent.session, Volume, reference)
        intent.lock(lock_key(row))
        volume_rules.check_unmanage(row, has_snapshots=has_snapshots(intent.session, row))
        refuse_used(intent.session, f"volume {shown(row)}", row.id)
        return row

    return perform(env, Unmanage(env, select))


def unmanage_snapshot(env: Environment, reference: str) -> Unmanaging:
    """Give a snapshot's data back and forget it. Raises Refused with nothing changed (B.6)."""

    def select(intent: Intent) -> Managed:
        row = find(intent.session, Snapshot, reference)
        intent.lock(row.group_id or row.volume_id)
        snapshot_rules.check_unmanage(row)
        refuse_used(intent.session, f"snapshot {shown(row)}", row.id)
        return row

    return perform(env, Unmanage(env, select, "snapshot-unmanage"))


def _word(row: Managed) -> str:
    return "volume" if isinstance(row, Volume) else "snapshot"


def _name(row: Managed) -> str:
    return plain_name(row.name or _word(row), row.id)


def _get(session: Session, plan: Mapping[str, Any]) -> Managed:
    if plan["word"] == "volume":
        return session.get_one(Volume, plan["id"])
    return session.get_one(Snapshot, plan["id"])


def _set_status(session: Session, row: Managed, status: str) -> None:
    if isinstance(row, Volume):
        fresh(session, row).status = status
    else:
        fresh(session, row).status = status


def _drop(session: Session, row: Managed) -> None:
    kind = type(row)
    session.exec(delete(kind).where(col(kind.id) == row.id))
