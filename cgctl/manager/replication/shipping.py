"""Bringing a recovery point to another server, and letting go of those that nobody needs any more."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cgctl.errors import FailoverRefused
from cgctl.manager.environment import Carried, Delivery, Environment, Way
from cgctl.manager.replication import hints
from cgctl.manager.replication.following import Following, following
from cgctl.manager.replication.line import generations_of
from cgctl.manager.replication.members import ReplicatedGroup, replication_of, way_to
from cgctl.manager.replication.sides import ancestors, form_between, newest_common
from drivers.contract import Context
from drivers.errors import AlreadyOnServer, DriverError, OutcomeUnknown, ServerNotReached, said_by
from drivers.replication import RecoveryPoint, Replication, Side

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
    subject, choices = f"{replicated.name} on backend {host}", _choices(env, replicated, host)
    changed = [one.point.id for one in destination.points if not one.is_intact]
    record = replicated.record
    known = ancestors(source, record.generation_id) if record else set()
    with env.store.read() as session:  # also of a branch that was given up: what only it holds is kept by whoever ships
        known |= set(generations_of(session, replicated.id))
    if destination.has_live and destination.generation_id not in known:
        what = destination.generation_id or "no generation at all"
        raise FailoverRefused(subject, f"what is live there ({what}) is no ancestor of what serves now", choices)
    base = newest_common(source, destination)
    if base is not None:
        return base.point.id
    if changed:
        reason = f"recovery point {', '.join(changed)} was changed by hand, and there is no other common one"
        raise FailoverRefused(subject, reason, choices)
    if destination.has_live or destination.points:
        raise FailoverRefused(subject, "has no recovery point in common with the active backend", choices)
    return None


def _choices(env: Environment, replicated: ReplicatedGroup, host: str) -> str:
    look = f"nothing there is overwritten. Look at it on {env.backends.server(host)}"
    disable = f"cgctl group-disable-replication --leave-replicas {replicated.id}"
    enable = f"cgctl group-enable-replication --delete-replicas {replicated.id}"
    if host == replicated.origin:  # who serves is at home then, and has targets of its own
        targets = f"once `replication_targets:` of `backends.{replicated.active}:` has it"
        return f"{look}; to begin anew, {targets}, what it served kept there as a group snapshot: {disable}; {enable}"
    home = [] if replicated.active == replicated.origin else [hints.failover_to(env, replicated, replicated.origin)]
    anew = "; ".join([*home, disable, enable])
    return f"{look}; to begin anew, what it served kept there as a group snapshot: {anew}"


def ship(
    env: Environment,
    context: Context,
    replicated: ReplicatedGroup,
    point: RecoveryPoint,
    host: str,
    sides: tuple[Side, Side],
    patience_seconds: float = 0.0,
) -> Shipped:
    """From the active backend. A transfer that was cut or stalled is begun anew when its servers answer.

    A point that is there already was brought by whoever was killed: the server went on with it after the look at it.
    patience_seconds: how long they are waited for. Raises MadeWay when a failover wants the group.
    """
    source, destination = sides
    base = base_for(env, replicated, host, source, destination)
    version = min(source.stream_version, destination.stream_version)
    sender, receiver = (replication_of(env, one, replicated.name) for one in (replicated.active, host))
    form = form_between(sender, receiver, base, sides)
    with said_by(replicated.active):
        identity = sender.identity(context, point, form)
    way = way_to(env, replicated, host)
    expected = expected_bytes(env, context, replicated, point, base, way) if env.show_progress.is_shown else None
    with following(env, context, replicated, host, expected) as follow:
        for number in range(1, TRIES + 1):
            context = env.context(context.operation_id)  # a transfer may have lasted longer than an operation should
            send = sender.send(context, point, base, form, version)
            receive = receiver.receive(context, point, base, identity, form)
            delivery = Delivery(context.owner, replicated.id, replicated.active, send, host, receive)
            try:
                carried = env.carry(delivery, way, follow)
            except (OutcomeUnknown, AlreadyOnServer) as error:
                follow.refuse_made_way()
                context = env.context(context.operation_id)
                ends = {host: receiver, replicated.active: sender}
                answered = _answers(context, replicated.id, ends, patience_seconds, follow)
                if answered.point(point.id):
                    carried = Carried(0, 0.0)
                elif number == TRIES:
                    raise
                else:
                    env.warn(f"{replicated.name}: {error.message}; the transfer is begun anew")
                    continue
            return Shipped(host, point, carried, base is None)
    raise AssertionError("unreachable")


def _answers(
    context: Context, group_id: str, ends: Mapping[str, Replication], patience_seconds: float, follow: Following
) -> Side:
    """What the first of them has, once all answer. Raises what is in the way when they do not in time."""
    give_up_at = time.monotonic() + patience_seconds

    def observed(host: str) -> Side:
        with said_by(host):
            return ends[host].observe(context, group_id)

    while True:
        try:
            first, *_ = [observed(host) for host in ends]
            return first
        except (ServerNotReached, OutcomeUnknown):
            follow.look()
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(1)


def expected_bytes(
    env: Environment, context: Context, replicated: ReplicatedGroup, point: RecoveryPoint, base: str | None, way: Way
) -> int | None:
    """How long the stream will be, about; None where it is compressed, or the server cannot tell."""
    if way.compression != "none":
        return None
    if base is None:
        return sum(one.size_bytes for one in replicated.present)
    try:
        sender = replication_of(env, replicated.active, replicated.name)
        return sender.changes(context, replicated.id, point.id, base).changed_bytes
    except DriverError:
        return None
