"""A group from a group snapshot, or from another group: one point in time either way (seed 002, and beyond it).

Decided 2026-11-21: the hidden group snapshot of architecture section 4 is the driver's staging, not a row. Every driver
that holds writes takes it and makes the clone of it in one execution: it is never listed, and goes with a killed run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from cgctl.manager import creation
from cgctl.manager.between_hooks import take_between_hooks
from cgctl.manager.cg_type import group_of
from cgctl.manager.creation import Made
from cgctl.manager.environment import Environment
from cgctl.manager.objects import snapshot_objects, volume_objects
from cgctl.manager.operation import Intent, wait_until_free
from cgctl.manager.placement import place, specs_for, volume_types_of
from cgctl.manager.quiesce import bounded, hooks_of, require_quiet
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.clone import check_one_source, check_source, check_source_snapshot
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Group, GroupSnapshot, GroupType, GroupVolumeType, Snapshot, Volume, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, get, member_snapshots, members
from drivers import contract
from drivers.contract import Context

METHOD = "create_consistencygroup_from_src"


@dataclass(frozen=True)
class Source:
    """Where the new group comes from: a group, and its snapshot's members or its own volumes."""

    group: Group
    group_snapshot: GroupSnapshot | None
    snapshots: Sequence[Snapshot]
    volumes: Sequence[Volume]
    types: Sequence[VolumeType]
    group_type: GroupType

    @property
    def host(self) -> str:
        return (self.group_snapshot.host if self.group_snapshot else self.group.host) or ""

    @property
    def size_bytes(self) -> int:
        members: list[Snapshot | Volume] = [*self.snapshots] if self.group_snapshot else [*self.volumes]
        return sum(one.size_bytes for one in members)


def create_group_from_source(
    env: Environment,
    group_snapshot: str | None = None,
    source_group: str | None = None,
    name: str | None = None,
    description: str | None = None,
    *,
    consistency_group: bool = False,
) -> Group:
    """A new group with a volume for each member of the source. Refused without trace where it cannot be (B.8)."""
    subject = f"group {name or ''}".strip()
    checked_text("group name", name)
    checked_text("group description", description)
    check_one_source(subject, group_snapshot, source_group)

    def look(session: Session) -> Source:
        return find_source(session, group_snapshot, source_group, consistency_group=consistency_group)

    with env.store.read() as session:
        group_id = look(session).group.id
    wait_until_free(env, group_id)
    with env.store.read() as session:
        first = look(session)
    check_quiet(env, subject, first)
    specs = specs_for(first.group_type, first.types, is_given=True)
    place(env, subject, Request(specs, first.size_bytes), first.host)
    locked: list[Source] = []  # what is found under the lock is what is cloned: members may have come or gone since

    def prepare(intent: Intent) -> Doomed:
        source = look(intent.session)
        intent.lock(source.group.id)
        check_quiet(env, subject, source)
        locked[:] = [source]
        return _rows(intent, source, name, description)

    def call(context: Context, new: Doomed) -> Made:
        return clone(env, context, locked[0], new)

    made = creation.create(env, "group-create-from-src", "group", prepare, call).row
    assert isinstance(made, Group)
    return made


def find_source(
    session: Session, group_snapshot: str | None, source_group: str | None, *, consistency_group: bool
) -> Source:
    """The source as it is now: of one of the two references."""
    taken = find(session, GroupSnapshot, group_snapshot) if group_snapshot else None
    reference = taken.group_id if taken else source_group or ""
    group = group_of(session, reference, consistency_group=consistency_group)
    snapshots = member_snapshots(session, taken.id) if taken else []
    volumes = _origins(session, snapshots) if taken else members(session, group.id)
    types = volume_types_of(session, group.id)
    return Source(group, taken, snapshots, volumes, types, get(session, GroupType, group.group_type_id))


def _origins(session: Session, snapshots: Sequence[Snapshot]) -> list[Volume]:
    """The volumes of the member snapshots, in their order; a member may have left the group since."""
    ids = [one.volume_id for one in snapshots]
    rows = {row.id: row for row in session.exec(select(Volume).where(col(Volume.id).in_(ids)))}
    return [rows[one] for one in ids]


def check_quiet(env: Environment, subject: str, source: Source) -> None:
    """It is well, and where its members' writes cannot be held, nobody writes."""
    if source.group_snapshot:
        check_source_snapshot(subject, source.group_snapshot, source.snapshots)
        return
    check_source(subject, source.group, source.volumes)
    hooks = hooks_of(env, source.group)
    require_quiet(env.backends.get(source.host).driver, METHOD, subject, source.volumes, hooks)


def _rows(intent: Intent, source: Source, name: str | None, description: str | None) -> Doomed:
    group = Group(
        name=name,
        description=description,
        status=GroupStatus.CREATING,
        availability_zone=source.group.availability_zone,
        host=source.host,
        group_type_id=source.group.group_type_id,
        group_snapshot_id=source.group_snapshot.id if source.group_snapshot else None,
        source_group_id=None if source.group_snapshot else source.group.id,
    )
    intent.lock(group.id)
    intent.add(group)
    intent.add(*(GroupVolumeType(group_id=group.id, volume_type_id=one.id) for one in source.types))
    volumes = _volume_rows(source, group)
    intent.add(*volumes)
    return Doomed(group, volumes=volumes)


def _volume_rows(source: Source, group: Group) -> list[Volume]:
    sizes = [one.size_bytes for one in (source.snapshots or source.volumes)]
    ids = [one.id for one in source.snapshots]
    snapshot_ids: list[str | None] = [*ids] if ids else [None] * len(source.volumes)
    return [
        Volume(
            name=origin.name,
            description=origin.description,
            status=VolumeStatus.CREATING,
            size_bytes=size_bytes,
            volume_type_id=origin.volume_type_id,
            group_id=group.id,
            snapshot_id=snapshot_id,
            source_volid=None if snapshot_id else origin.id,
            host=group.host,
            availability_zone=group.availability_zone,
            properties=dict(origin.properties),
        )
        for origin, size_bytes, snapshot_id in zip(source.volumes, sizes, snapshot_ids, strict=True)
    ]


def clone(env: Environment, context: Context, source: Source, new: Doomed, *, as_images: bool = False) -> Made:
    """Make the new group's volumes on the server, of one point in time. as_images: to be read, and nobody is offered
    them."""
    driver = env.backends.get(source.host).driver
    driver = driver.images if as_images else driver
    group, volumes = contract.Group(new.row.id), volume_objects(new.volumes)
    taken = source.group_snapshot
    if taken is None:
        return _clone_live(env, driver, context, source, group, volumes)
    on_server = contract.GroupSnapshot(taken.id, taken.group_id)
    snapshots = snapshot_objects(source.snapshots)
    return Made(
        driver.create_consistencygroup_from_src(context, group, volumes, cgsnapshot=on_server, snapshots=snapshots)
    )


def _clone_live(
    env: Environment,
    driver: contract.Driver,
    context: Context,
    source: Source,
    group: contract.Group,
    volumes: list[contract.Volume],
) -> Made:
    """From a group in use: between its hooks, as a group snapshot; what a broken hold made is removed."""
    held = bounded(env, driver, METHOD, context, hooks_of(env, source.group))
    origin, origins = contract.Group(source.group.id), volume_objects(source.volumes)

    def take() -> contract.Updates:
        return driver.create_consistencygroup_from_src(held, group, volumes, source_cg=origin, source_vols=origins)

    def remove() -> None:
        driver.delete_consistencygroup(context, group, volumes)

    return take_between_hooks(env, context, source.group, take, remove)
