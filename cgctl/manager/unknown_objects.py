"""Snapshots on a backend of which the state knows nothing: forgotten while it was gone (`--backend-is-gone`), or taken
after the copy was made that this state was restored from. `backend-check` tells of them; no command removes them.

Decided 2026-11-22: only of what is whole, is no recovery point (its server has noted those, or the next sync removes
it) and is of nothing that is being worked on. Two looks have to show it: others take and delete snapshots meanwhile.
It is no failure: such a snapshot takes room, no more; what runs `--repair` when a server boots shall not fail for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlmodel import Session, col, select

from cgctl.manager.environment import Environment
from cgctl.manager.side_by_side import side_by_side
from cgctl.model.replication import UnsettledPoint
from cgctl.model.tables import GroupSnapshot, Lock, Snapshot
from drivers.contract import Backend, Context, Finding, ObjectKind, ServerObject
from drivers.errors import DriverError

WORDS = {ObjectKind.GROUP_SNAPSHOT: "group snapshot", ObjectKind.SNAPSHOT: "snapshot"}


def findings(env: Environment, context: Context, backend: Backend) -> list[Finding]:
    """One, where there are any."""
    try:
        found = _unknown(env, context, backend)
        if found:
            found &= _unknown(env, context, backend)
    except DriverError:  # the other findings say what is wrong with the pool
        return []
    if not found:
        return []
    told = ", ".join(sorted(f"{WORDS[one.kind]} {one.id} of {one.parent_id or 'nobody knows what'}" for one in found))
    return [Finding("unknown", True, f"this state does not know {told}; they take room (there: cgctl-ID)")]


def _unknown(env: Environment, context: Context, backend: Backend) -> set[ServerObject]:
    whole = list(_whole(backend.driver.list_objects(context)))
    with env.store.read() as session:
        owed = set(session.exec(select(UnsettledPoint.point_id)))
        left = [one for one in whole if one.id not in owed and not _is_known(session, one)]
    groups = {one.parent_id for one in left if one.kind is ObjectKind.GROUP_SNAPSHOT and one.parent_id}
    points = _points(context, backend, groups)
    return {one for one in left if one.id not in points}


def _whole(objects: Collection[ServerObject]) -> Iterator[ServerObject]:
    """Group snapshots, and snapshots that are members of none."""
    sets = {one.id for one in objects if one.kind is ObjectKind.GROUP_SNAPSHOT}
    return (one for one in objects if one.kind in WORDS and one.complete and one.parent_id not in sets)


def _is_known(session: Session, one: ServerObject) -> bool:
    """Or nobody can tell now: what it is of is being worked on."""
    row = session.get(GroupSnapshot if one.kind is ObjectKind.GROUP_SNAPSHOT else Snapshot, one.id)
    if row or one.parent_id is None:
        return row is not None
    held = select(Lock.key).where(col(Lock.key).startswith(one.parent_id))
    return session.exec(held.limit(1)).first() is not None


def _points(context: Context, backend: Backend, group_ids: Collection[str]) -> set[str]:
    """The recovery points that a backend has noted of these groups, also of such as are not replicated any more."""
    if (replication := backend.replication) is None:
        return set()
    sides = side_by_side(lambda one: replication.observe(context, one), sorted(group_ids))
    return {one.point.id for side in sides for one in side.points}
