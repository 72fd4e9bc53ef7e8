"""Giving up a failover that was interrupted: the source serves again. By naming the backend that served as destination.

Decided 2026-11-21: only while promoting has not begun, which the journal says before it begins: a destination that does
not answer may serve otherwise. The source serves under a new generation, so its fence's final point is final no more.

Decided 2026-11-22: behind that, the operator's word that the destination is down gives it up, too: it may be gone for
good, and the group would stand behind a fence for ever. Its generation is noted, so what it served, should it come
back, is known for a branch of the group: fenced, kept and shipped to like any other. Where it answers and was promoted,
nothing is given up: the failover is rolled forward, and the same command goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from cgctl.errors import FailoverRefused
from cgctl.manager.environment import Environment
from cgctl.manager.replication.members import ReplicatedGroup, replication_of, write_status
from cgctl.manager.replication.points import final_point_id
from cgctl.manager.replication.promotion import export, promote
from cgctl.manager.replication.sides import observe_surely
from cgctl.model.replication import GroupGeneration, Replicated
from cgctl.model.states import GroupStatus, ReplicationStatus
from cgctl.model.tables import Operation, new_id
from drivers.contract import Context
from drivers.errors import OutcomeUnknown, ServerNotReached
from drivers.replication import Generation, PointOnServer, Side, SideState

PROMOTING = "promoting"


def note_promoting(env: Environment, operation_id: str) -> None:
    """From here on there is no way back but another failover."""
    with env.store.write() as session:
        operation = session.get(Operation, operation_id)
        if operation is not None:
            operation.plan = {**operation.plan, PROMOTING: True}


def order_giving_up(replicated: ReplicatedGroup, operation: Operation, again: str, *, is_down: bool) -> None:
    """Settling the operation will give it up. Raises FailoverRefused when it may have promoted, unless the destination
    is_down. again: the command that says so."""
    plan = operation.plan
    if plan.get(PROMOTING) and not is_down:
        raise FailoverRefused(
            replicated.name,
            f"backend {plan['destination']} may serve it already: the failover cannot be given up any more",
            f"when that backend answers: cgctl recover; then: cgctl group-undo-failover {replicated.id}; "
            f"when it is certainly down: {again}",
        )
    promoted = {"promoted": plan} if plan.get(PROMOTING) else {}
    words = {"generation": new_id(), "final": final_point_id(plan["generation_id"]), **promoted}
    operation.plan = {"action": "give-up-failover", "id": replicated.id, **words}


def settle(env: Environment, context: Context, plan: Mapping[str, Any], replicated: ReplicatedGroup) -> Any:
    """The source serves again, to everyone who has access; what is returned writes the state."""
    assert replicated.record is not None
    source = replication_of(env, replicated.active, replicated.name)
    side = source.observe(context, replicated.id)
    point = None if side.has_live else _newest(replicated, side)
    begun = Generation(plan["generation"], replicated.record.generation_id, point.point.id if point else None)
    if point is None:
        source.note_side(context, replicated.id, begun.id, SideState.SERVING, [begun])
    else:
        promote(env, context, replicated, replicated.active, begun, point, side.generations)
    final = plan.get("final")
    if final and side.point(final) is None:  # its set may be there without a note
        source.forget(context, replicated.id, [final])
    export(env, context, replicated, replicated.active)

    def write(session: Session) -> None:
        if "promoted" in plan:
            lost, host = plan["promoted"]["generation_id"], plan["promoted"]["destination"]
            row = GroupGeneration(
                id=lost, group_id=replicated.id, parent_id=begun.parent_id, host=host, reason="given up"
            )
            session.add(row)
        session.add(
            GroupGeneration(
                id=begun.id,
                group_id=replicated.id,
                parent_id=begun.parent_id,
                point_id=begun.point_id,
                host=replicated.active,
                reason="failover given up",
            )
        )
        session.get_one(Replicated, replicated.id).generation_id = begun.id
        at_home = replicated.active == replicated.origin
        status = ReplicationStatus.ENABLED if at_home else ReplicationStatus.FAILED_OVER
        write_status(session, replicated, status, GroupStatus.AVAILABLE)

    return write


def _newest(replicated: ReplicatedGroup, side: Side) -> PointOnServer:
    """Of a source that was retired already: the final one, behind its fence. Raises FailoverRefused."""
    intact = [one for one in side.points if one.is_intact]
    if not intact:
        reason = f"backend {replicated.active} holds nothing of it any more"
        raise FailoverRefused(replicated.name, reason, "cgctl backend-check; is the pool another one?")
    return max(intact, key=lambda one: one.point.sequence)


def is_served(env: Environment, context: Context, plan: Mapping[str, Any], replicated: ReplicatedGroup) -> bool:
    """Whether the destination answers, and has what was promoted: then there is nothing to give up any more."""
    promoted = plan.get("promoted")
    if promoted is None:
        return False
    there = replication_of(env, promoted["destination"], replicated.name)
    try:
        return observe_surely(lambda: there.observe(context, replicated.id)).has_live
    except (ServerNotReached, OutcomeUnknown):
        return False
