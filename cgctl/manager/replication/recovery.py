"""Settling interrupted operations of replication; `cgctl.manager.recover` asks here for what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, NotFound
from cgctl.manager.environment import Environment
from cgctl.manager.replication import drill_end, failover, giving_up, members, switch
from cgctl.manager.replication.members import ReplicatedGroup, load_any, replication_of
from cgctl.manager.replication.retention import settle_point
from cgctl.model.states import ReplicationStatus
from drivers.contract import Context

Plan = Mapping[str, Any]
Settled = Callable[[Session], CgctlError | None]
END_DRILL = "end-drill"


def settle(env: Environment, context: Context, plan: Plan) -> Settled:
    """Settle on the servers; what is returned writes the state."""
    if plan["action"] == END_DRILL:  # its clone is no part of the group, which may be deleted by now
        return _end_drill(env, context, plan)
    with env.store.read() as session:
        try:
            replicated = load_any(session, str(plan["id"]))
        except NotFound:
            return lambda _session: None
    return ACTIONS[str(plan["action"])](env, context, plan, replicated)


def _settle_point(env: Environment, context: Context, plan: Plan, replicated: ReplicatedGroup) -> Settled:
    settle_point(env, context, replicated, plan["point"])
    return lambda _session: None


def _stop(env: Environment, context: Context, plan: Plan, replicated: ReplicatedGroup) -> Settled:
    """Enabling is rolled back."""
    replication_of(env, plan["host"], replicated.name).forget(context, replicated.id)

    def write(session: Session) -> None:
        members.write_status(session, replicated, ReplicationStatus.DISABLED, plan["status"])

    return write


def _disable(env: Environment, context: Context, plan: Plan, replicated: ReplicatedGroup) -> Settled:
    """Disabling is rolled forward."""
    switch.disable_on_servers(env, context, replicated, leave_replicas=plan["leave_replicas"])

    def write(session: Session) -> None:
        switch.forget(env, session, replicated)
        members.write_status(session, replicated, ReplicationStatus.DISABLED, plan["status"])

    return write


def _end_drill(env: Environment, context: Context, plan: Plan) -> Settled:
    drill_end.clean_up(env, context, plan["drill"], plan["host"])
    return lambda session: drill_end.end_row(session, plan["drill"], "interrupted")


def _give_up(env: Environment, context: Context, plan: Plan, replicated: ReplicatedGroup) -> Settled:
    is_served = giving_up.is_served(env, context, plan, replicated)
    settle_it, order = (failover.settle, plan["promoted"]) if is_served else (giving_up.settle, plan)
    settled: Settled = settle_it(env, context, order, replicated)
    return settled


ACTIONS: Mapping[str, Callable[[Environment, Context, Plan, ReplicatedGroup], Settled]] = {
    "settle-point": _settle_point,
    "stop-replication": _stop,
    "disable-replication": _disable,
    "failover": failover.settle,
    "give-up-failover": _give_up,
}
