"""Bringing a recovery point to another server, and letting go of those that nobody needs any more."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from cgctl.errors import FailoverRefused
from cgctl.manager.environment import Carried, Delivery, Environment
from cgctl.manager.replication.diverged import lineage
from cgctl.manager.replication.members import ReplicatedGroup, replication_of, way_to
from cgctl.manager.replication.sides import ancestors, newest_common
from drivers.contract import Context
from drivers.errors import OutcomeUnknown
from drivers.replication import RecoveryPoint, Side

log = logging.getLogger(__name__)
TRIES = 3


@dataclass(frozen=True)
class Shipped:
    """A point that is complete on another backend. is_full: it needed no base."""

    host: str
    point: RecoveryPoint
    carried: Carried
    is_full: bool


def base_for(env: Environment, replicated: ReplicatedGroup, host: str, source: Side, destination: Side) -> str | None:
    """The newest common point; None for a side that has nothing. Raises FailoverRefused where histories disagree."""
    subject = f"{replicated.name} on backend {host}"
    changed = [one.point.id for one in destination.points if not one.is_intact]
    record = replicated.record
    known = ancestors(source, record.generation_id) if record else set()
    if record:  # promoted without its own source, a server does not know what that one descended from
        with env.store.read() as session:
            known |= lineage(session, replicated.id, record.generation_id)
    if destination.has_live and destination.generation_id not in known:
        what = destination.generation_id or "no generation at all"
        raise FailoverRefused(subject, f"what is live there ({what}) is no ancestor of what serves now", _choices(host))
    base = newest_common(source, destination)
    if base is not None:
        return base.point.id
    if changed:
        reason = f"recovery point {', '.join(changed)} was changed by hand, and there is no other common one"
        raise FailoverRefused(subject, reason, _choices(host))
    if destination.has_live or destination.points:
        raise FailoverRefused(subject, "has no recovery point in common with the active backend", _choices(host))
    return None


def _choices(host: str) -> str:
    return (
        f"nothing there is overwritten. Look at it on {host}; to begin anew, remove it there, or disable and enable "
        "the replication: cgctl group-disable-replication; cgctl group-enable-replication"
    )


def ship(
    env: Environment,
    context: Context,
    replicated: ReplicatedGroup,
    point: RecoveryPoint,
    host: str,
    sides: tuple[Side, Side],
) -> Shipped:
    """From the active backend. A transfer that was cut or stalled is begun anew while its servers answer."""
    source, destination = sides
    base = base_for(env, replicated, host, source, destination)
    version = min(source.stream_version, destination.stream_version)
    sender, receiver = (replication_of(env, one, replicated.name) for one in (replicated.active, host))
    identity = sender.identity(context, point)
    way = way_to(env, replicated, host)
    for number in range(1, TRIES + 1):
        send = sender.send(context, point, base, version)
        receive = receiver.receive(context, point, base, identity)
        try:
            delivery = Delivery(context.owner, replicated.id, replicated.active, send, host, receive)
            carried = env.carry(delivery, way, lambda _passed: None)
        except OutcomeUnknown as error:
            if receiver.observe(context, replicated.id).point(point.id):  # raises when it does not answer
                carried = Carried(0, 0.0)
            elif number == TRIES:
                raise
            else:
                env.warn(f"{replicated.name}: {error.message}; the transfer is begun anew")
                continue
        return Shipped(host, point, carried, base is None)
    raise AssertionError("unreachable")
