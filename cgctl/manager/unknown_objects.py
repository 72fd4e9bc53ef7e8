"""What is on a backend and this state knows nothing of: forgotten while it was gone (`--backend-is-gone`), or made
after the copy was made that this state was restored from. `backend-check` tells of it; no command removes it.

Decided 2026-11-22: only of what is whole, is no recovery point (its server has noted those, or the next sync removes
it) and is of nothing that is being worked on. Two looks have to show it: others make and delete objects meanwhile.
It is no failure: no command of this state touches it; what runs `--repair` when a server boots shall not fail for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlmodel import Session, String, cast, col, select
from sqlmodel.sql.expression import SelectOfScalar

from cgctl.manager.environment import Environment
from cgctl.manager.side_by_side import side_by_side
from cgctl.model.replication import Drill, UnsettledPoint
from cgctl.model.states import OperationState
from cgctl.model.tables import Group, GroupSnapshot, Lock, Operation, Snapshot, Volume
from drivers.contract import Backend, Context, Finding, ObjectKind, ServerObject
from drivers.errors import DriverError

IDS = {
    ObjectKind.GROUP: select(Group.id),
    ObjectKind.VOLUME: select(Volume.id),
    ObjectKind.GROUP_SNAPSHOT: select(GroupSnapshot.id),
    ObjectKind.SNAPSHOT: select(Snapshot.id),
}
OPEN = (OperationState.RUNNING, OperationState.DETACHED, OperationState.UNSETTLED)
MOST = 50
"""More are counted, not named: a state that was lost and begun anew knows nothing at all."""


def findings(env: Environment, context: Context, backend: Backend, told: Collection[str] = ()) -> list[Finding]:
    """One, where there are any. told: ids of what another finding names."""
    try:
        found = _unknown(env, context, backend)
        if found:
            found &= _unknown(env, context, backend)
    except DriverError:  # the other findings say what is wrong with the pool
        return []
    words = sorted(_word(one) for one in found if not {one.id, one.parent_id} & {*told})
    if not words:
        return []
    more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
    what = f"this state does not know {', '.join(words[:MOST])}{more}"
    return [Finding("unknown", True, f"{what}; it takes room, and no command touches it (there: cgctl-ID)")]


def _word(one: ServerObject) -> str:
    word = f"{one.kind.value.replace('_', ' ')} {one.id}"
    if one.parent_id:
        return f"{word} of {one.parent_id}"
    return word if one.kind in (ObjectKind.GROUP, ObjectKind.VOLUME) else f"{word} of nobody knows what"


def _unknown(env: Environment, context: Context, backend: Backend) -> set[ServerObject]:
    whole = list(_whole(backend.driver.list_objects(context)))
    with env.store.read() as session:
        owed = set(session.exec(select(UnsettledPoint.point_id)))
        known = {(kind, key) for kind, ids in IDS.items() for key in session.exec(ids)}
        new = [one for one in whole if one.id not in owed and (one.kind, one.id) not in known]
        left = [one for one in new if not is_worked_on(session, one.id, one.parent_id)]
    groups = {one.parent_id for one in left if one.kind is ObjectKind.GROUP_SNAPSHOT and one.parent_id}
    points = _points(context, backend, groups)
    return {one for one in left if one.id not in points}


def _whole(objects: Collection[ServerObject]) -> Iterator[ServerObject]:
    """All but the members of group snapshots."""
    sets = {one.id for one in objects if one.kind is ObjectKind.GROUP_SNAPSHOT}
    return (one for one in objects if one.complete and one.parent_id not in sets)


def is_worked_on(session: Session, *keys: str | None) -> bool:
    """One of these objects: what is made for a while has no rows. It is in the plan of what is not over; the group of
    a drill's clone has the drill's id."""
    plan = cast(col(Operation.plan), String)
    for key in filter(None, keys):
        questions: list[SelectOfScalar[str]] = [
            select(Lock.key).where(col(Lock.key).startswith(key)),
            select(Operation.id).where(col(Operation.state).in_(OPEN), plan.contains(key)),
            select(Drill.id).where(Drill.id == key),
        ]
        if any(session.exec(question.limit(1)).first() for question in questions):
            return True
    return False


def _points(context: Context, backend: Backend, group_ids: Collection[str]) -> set[str]:
    """The recovery points that a backend has noted of these groups, also of such as are not replicated any more."""
    if (replication := backend.replication) is None:
        return set()
    sides = side_by_side(lambda one: replication.observe(context, one), sorted(group_ids))
    return {one.point.id for side in sides for one in side.points}
