"""Volumes: create (empty, from a snapshot, from a volume), delete, extend, rename."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from cgctl.errors import Refused, UsageError
from cgctl.manager import creation, deletion, removal
from cgctl.manager.creation import Made
from cgctl.manager.dependents import has_snapshots, snapshots_of
from cgctl.manager.environment import Environment
from cgctl.manager.hints import backends_apart
from cgctl.manager.objects import lock_key, snapshot_object, volume_object
from cgctl.manager.operation import Intent, wait_until_free
from cgctl.manager.placement import Placement, checked_zone, placement, specs_for, volume_types_of
from cgctl.manager.quiesce import require_quiet
from cgctl.manager.removal import Doomed
from cgctl.manager.rules import volume as rules
from cgctl.manager.rules.group import check_new_member
from cgctl.model.names import checked_text
from cgctl.model.states import ReplicationStatus, VolumeStatus
from cgctl.model.tables import Group, GroupType, Snapshot, Volume, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import attachments_of, find, get
from drivers.contract import Context


@dataclass(frozen=True)
class Wanted:
    """What `create` was asked for: references as the operator wrote them; size_bytes None takes the source's."""

    size_bytes: int | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    group: str | None = None
    snapshot: str | None = None
    source: str | None = None
    availability_zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Resolved:
    """The same with rows, and everything checked that needs no server."""

    size_bytes: int
    volume_type: VolumeType | None
    group: Group | None
    group_type: GroupType | None
    snapshot: Snapshot | None
    source: Volume | None


def create_volume(env: Environment, wanted: Wanted) -> Volume:
    """A new volume. Raises UsageError, NotFound and Refused with nothing changed (B.3)."""
    checked_text("volume name", wanted.name)
    checked_text("volume description", wanted.description)
    subject = f"volume {wanted.name or ''}".strip()
    zone = checked_zone(env, subject, wanted.availability_zone)
    with env.store.read() as session:
        keys = _depends_on(session, wanted)
    wait_until_free(env, *keys)
    with env.store.read() as session:
        first = _resolve(env, session, subject, wanted)
    placed = _place(env, subject, zone, first, wanted.hints)
    host = placed.host

    locked: list[_Resolved] = []  # what is found under the lock is what is copied: it may have moved since

    def prepare(intent: Intent) -> Doomed:
        intent.lock(*_depends_on(intent.session, wanted))
        now = _resolve(env, intent.session, subject, wanted)
        locked[:] = [now]
        row = _row(env, wanted, now, host)
        intent.lock(lock_key(row))
        if now.source:
            require_quiet(env.backends.get(host).driver, "create_cloned_volume", subject, [now.source])
        intent.add(row)
        placed.tell(intent)
        return Doomed(row)

    def call(context: Context, new: Doomed) -> Made:
        assert isinstance(new.row, Volume)
        driver, volume, now = env.backends.get(host).driver, volume_object(new.row), locked[0]
        if now.snapshot:
            return Made((driver.create_volume_from_snapshot(context, volume, snapshot_object(now.snapshot)), None))
        if now.source:
            return Made((driver.create_cloned_volume(context, volume, volume_object(now.source)), None))
        return Made((driver.create_volume(context, volume), None))

    made = creation.create(env, "create", "volume", prepare, call).row
    assert isinstance(made, Volume)
    return made


def _depends_on(session: Session, wanted: Wanted) -> list[str]:
    """The locks of what the new volume comes from and goes to."""
    keys = [find(session, Group, wanted.group).id] if wanted.group is not None else []
    if wanted.source is not None:
        keys.append(lock_key(find(session, Volume, wanted.source)))
    if wanted.snapshot is not None:
        keys.append(_snapshot_key(find(session, Snapshot, wanted.snapshot)))
    return keys


def _resolve(env: Environment, session: Session, subject: str, wanted: Wanted) -> _Resolved:
    snapshot = find(session, Snapshot, wanted.snapshot) if wanted.snapshot is not None else None
    source = find(session, Volume, wanted.source) if wanted.source is not None else None
    if snapshot and source:
        raise UsageError(subject, "has two sources", "give --snapshot-id or --source-volid")
    group = find(session, Group, wanted.group) if wanted.group is not None else None
    typed = source or (get(session, Volume, snapshot.volume_id) if snapshot else None)
    volume_type = _volume_type(env, session, wanted, typed)
    size_bytes = rules.checked_size(subject, wanted.size_bytes, snapshot or source)
    if origin := snapshot or source:
        rules.check_source(subject, origin)
    if group:
        check_new_member(subject, group, volume_types_of(session, group.id), volume_type)
    group_type = get(session, GroupType, group.group_type_id) if group else None
    return _Resolved(size_bytes, volume_type, group, group_type, snapshot, source)


def _volume_type(env: Environment, session: Session, wanted: Wanted, origin: Volume | None) -> VolumeType | None:
    if wanted.volume_type is not None:
        return find(session, VolumeType, wanted.volume_type)
    if origin:
        return get(session, VolumeType, origin.volume_type_id) if origin.volume_type_id else None
    default = env.settings().default_volume_type
    return find(session, VolumeType, default) if default else None


def _place(
    env: Environment, subject: str, zone: str | None, resolved: _Resolved, hints: Mapping[str, str]
) -> Placement:
    """The group's backend, or the source's, if it has room; any that fits otherwise."""
    types = [resolved.volume_type] if resolved.volume_type else []
    origin = resolved.group or resolved.source or resolved.snapshot
    wanted_zone = None if resolved.group else zone
    apart = backends_apart(env, subject, hints)
    group = resolved.group
    is_given = group.replication_status == ReplicationStatus.FAILED_OVER if group else origin is not None
    specs = specs_for(resolved.group_type, types, is_given=is_given)
    request = Request(specs, resolved.size_bytes, wanted_zone, apart)
    hosts = {one.host for one in (resolved.group, resolved.source, resolved.snapshot) if one}
    if len(hosts) > 1:
        raise Refused(
            subject,
            f"group and source are on different backends ({', '.join(map(str, hosts))})",
            "leave the group out, or take a source on the group's backend",
        )
    return placement(env, subject, request, origin.host if origin else None)


def _row(env: Environment, wanted: Wanted, now: _Resolved, host: str) -> Volume:
    return Volume(
        name=wanted.name,
        description=wanted.description,
        status=VolumeStatus.CREATING,
        size_bytes=now.size_bytes,
        volume_type_id=now.volume_type.id if now.volume_type else None,
        group_id=now.group.id if now.group else None,
        snapshot_id=now.snapshot.id if now.snapshot else None,
        source_volid=now.source.id if now.source else None,
        host=host,
        availability_zone=env.backends.get(host).availability_zone,
        properties=wanted.metadata,
    )


def _snapshot_key(snapshot: Snapshot) -> str:
    """The lock of its volume, or of the group that the volume was in."""
    return snapshot.group_id or snapshot.volume_id


def delete_volume(env: Environment, reference: str, *, cascade: bool = False, force: bool = False) -> None:
    """Delete a volume that is alone and detached (B.9). cascade: with its snapshots; else it must have none.

    force: whatever its status says; an attachment, a group or a snapshot still protects it.
    """

    def select_volume(intent: Intent) -> Doomed:
        row = find(intent.session, Volume, reference)
        intent.lock(lock_key(row))
        snapshots = snapshots_of(intent.session, row) if cascade else []
        rules.check_deletion(row, has_snapshots=not cascade and has_snapshots(intent.session, row), force=force)
        rules.check_no_attachments(row, [one.id for one in attachments_of(intent.session, [row.id])])
        rules.check_cascade(row, snapshots)
        return Doomed(row, snapshots=snapshots)

    kind = "force-delete" if force else "delete"
    deletion.delete(env, kind, removal.CASCADE if cascade else "volume", select_volume)
