"""What a server holds that nobody replicated: kept there as group snapshot `diverged-<time>`, never overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID, uuid5

from sqlmodel import Session, col, select

from cgctl.manager.environment import Environment
from cgctl.manager.replication.members import ReplicatedGroup, replication_of
from cgctl.manager.updates import read_updates
from cgctl.model.replication import GroupGeneration
from cgctl.model.tables import Event, GroupSnapshot, Snapshot, Volume, new_id, utc_now
from drivers import contract
from drivers.contract import Context, ObjectKind
from drivers.errors import ServerFailed
from drivers.replication import Changes, Side

PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True)
class Diverged:
    """A set that was kept: its members' sizes, and how it differs from the last common point where that is known."""

    set_id: str
    host: str
    sizes: dict[str, int]
    changes: Changes | None = None


def diverged_id(group_id: str, generation_id: str) -> str:
    """A generation diverges once on its server: whoever is interrupted finds the set again by its id."""
    return str(uuid5(UUID(group_id), generation_id))


def retire(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, side: Side, base_id: str | None
) -> Diverged | None:
    """Remove what is live on a fenced server; what it holds beyond the base is kept. base_id: the last common point."""
    volumes = _standing(env, context, replicated, host)
    whole = [one for one in volumes if one.size_bytes]
    kept = _keep(env, context, replicated, host, side, base_id, whole) if whole else None
    _remove(env, context, replicated, host, volumes)
    return kept


def keep_unshipped(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, side: Side
) -> Diverged | None:
    """Of a fenced side that served once and was replaced: what nobody shipped is kept, the first time it is seen.

    It stands on, since an undo goes on with it; without writes of its own there is nothing to go on with, and it goes.
    """
    current = replicated.record.generation_id if replicated.record else None
    if not side.has_live or side.generation_id is None or side.generation_id == current:
        return None
    set_id = diverged_id(replicated.id, side.generation_id)
    with env.store.read() as session:
        began = select(GroupGeneration.point_id).where(GroupGeneration.parent_id == side.generation_id)
        base_ids = [one for one in session.exec(began) if one and side.point(one)]
        if session.exec(select(Event.id).where(Event.subject_id == set_id).limit(1)).first():
            return None
    volumes = _standing(env, context, replicated, host)
    whole = [one for one in volumes if one.size_bytes]
    kept = _keep(env, context, replicated, host, side, base_ids[0] if base_ids else None, whole) if whole else None
    if kept is None:
        _remove(env, context, replicated, host, volumes)
    return kept


def _standing(env: Environment, context: Context, replicated: ReplicatedGroup, host: str) -> Sequence[contract.Volume]:
    """All that is to go. One of no size is what a removal has left that was killed: there is nothing of it to keep."""
    found = env.backends.get(host).driver.list_objects(context)
    return [
        contract.Volume(one.id, one.size_bytes or 0, replicated.id)
        for one in found
        if one.kind is ObjectKind.VOLUME and one.parent_id == replicated.id
    ]


def _remove(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, volumes: Sequence[contract.Volume]
) -> None:
    driver = env.backends.get(host).driver
    updates = driver.delete_consistencygroup(context, contract.Group(replicated.id), volumes)
    reading = read_updates([one.id for one in volumes], *updates, "deleted")
    if reading.failed:
        raise ServerFailed(f"{env.backends.server(host)}: what was live cannot be removed: {reading.why}")


def _keep(
    env: Environment,
    context: Context,
    replicated: ReplicatedGroup,
    host: str,
    side: Side,
    base_id: str | None,
    volumes: Sequence[contract.Volume],
) -> Diverged | None:
    driver = env.backends.get(host).driver
    kept = contract.GroupSnapshot(diverged_id(replicated.id, side.generation_id or replicated.id), replicated.id)
    snapshots = [contract.Snapshot(new_id(), one.id, one.size_bytes, replicated.id, kept.id) for one in volumes]
    driver.create_cgsnapshot(replace(context, hold_bound_seconds=PATIENCE_SECONDS), kept, snapshots)
    base = side.point(base_id) if base_id else None
    changes = None
    if base is not None and base.is_intact:
        changes = replication_of(env, host, replicated.name).changes(context, replicated.id, kept.id, base.point.id)
    if changes is not None and changes.changed_bytes == 0:
        driver.delete_cgsnapshot(context, kept, snapshots)
        return None
    return Diverged(kept.id, host, {one.id: one.size_bytes for one in volumes}, changes)


def find_kept(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, generation_ids: Sequence[str]
) -> list[Diverged]:
    """The sets that were kept on a server for these generations, also by a run that was interrupted."""
    ids = {diverged_id(replicated.id, one) for one in generation_ids}
    objects = env.backends.get(host).driver.list_objects(context)
    complete = [one.id for one in objects if one.kind is ObjectKind.GROUP_SNAPSHOT and one.complete and one.id in ids]
    return [
        Diverged(
            set_id,
            host,
            {one.id: one.size_bytes or 0 for one in objects if one.parent_id == set_id},
        )
        for set_id in complete
    ]


def add_rows(session: Session, replicated: ReplicatedGroup, kept: Sequence[Diverged]) -> list[GroupSnapshot]:
    """List what was kept, unless it is listed already. Members that exist no more have no row of their own."""
    rows = []
    for one in {one.set_id: one for one in sorted(kept, key=lambda one: one.changes is not None)}.values():
        if session.get(GroupSnapshot, one.set_id) is None:
            rows.append(_add(session, replicated, one))
    return rows


def list_kept(env: Environment, session: Session, replicated: ReplicatedGroup, kept: Sequence[Diverged]) -> None:
    """As add_rows, and told: to the operator now, and in the history of the group and of each set."""
    for row in add_rows(session, replicated, kept):
        told = f"{row.description}; kept as group snapshot {row.name}"
        env.warn(f"{replicated.name}: {told}")
        for kind, key, name in (
            ("group", replicated.id, replicated.group.name),
            ("group snapshot", row.id, row.name),
        ):
            session.add(Event(subject_kind=kind, subject_id=key, subject_name=name, kind="diverged", message=told))


def _add(session: Session, replicated: ReplicatedGroup, kept: Diverged) -> GroupSnapshot:
    name = _free_name(session, f"diverged-{utc_now().strftime('%Y%m%dT%H%M%SZ')}")
    row = GroupSnapshot(
        id=kept.set_id,
        name=name,
        description=_described(kept),
        status="available",
        group_id=replicated.id,
        group_type_id=replicated.group.group_type_id,
        host=kept.host,
    )
    session.add(row)
    session.flush()
    known = session.exec(select(Volume.id).where(col(Volume.id).in_(list(kept.sizes)))).all()
    session.add_all(
        Snapshot(
            name=name,
            status="available",
            volume_id=volume_id,
            size_bytes=kept.sizes[volume_id],
            group_snapshot_id=row.id,
            group_id=replicated.id,
            host=kept.host,
        )
        for volume_id in known
    )
    return row


def _free_name(session: Session, wanted: str) -> str:
    """Two sides may be seen within one second."""
    taken = set(session.exec(select(GroupSnapshot.name).where(col(GroupSnapshot.name).startswith(wanted))))
    if wanted not in taken:
        return wanted
    return next(name for number in count(2) if (name := f"{wanted}-{number}") not in taken)


def _described(kept: Diverged) -> str:
    told = f"writes on backend {kept.host} that were not replicated"
    if kept.changes is None:
        return told
    at = kept.changes.last_write_at
    last = f", the last at {at.isoformat(timespec='seconds')}" if at else ""
    return f"{told}: {kept.changes.changed_bytes} bytes{last}"
