"""The servers of a replicated group, observed: all at once, one execution each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from cgctl.manager.backends import not_the_pool
from cgctl.manager.environment import Environment
from cgctl.manager.replication.members import replication_of
from drivers.contract import Context
from drivers.errors import ConnectionLost, DriverError, HandshakeBroken, NothingListens, ServerNotReached
from drivers.replication import PointOnServer, Replication, Side, StreamForm

Observed = Side | DriverError
PASSING = (ConnectionLost, HandshakeBroken, NothingListens)
"""What a server that is alive may say for a moment: its sshd is started anew, or has too much to do."""
AGAIN_SECONDS = 0.5


def observe_side(env: Environment, context: Context, subject: str, group_id: str, host: str) -> Side:
    """Raises PoolUnmarked, too: for a pool without a mark where the state has something in it."""
    side = replication_of(env, host, subject).observe(context, group_id)
    if not side.is_marked and (error := not_the_pool(env, host)):
        raise error
    return side


def observe_sides(
    env: Environment, context: Context, subject: str, group_id: str, hosts: Sequence[str], new: Collection[str] = ()
) -> Mapping[str, Observed]:
    """By backend: what is there, or why it could not be seen. new: whose pool may be a new one."""

    def observe(host: str) -> Observed:
        try:
            if host in new:
                return replication_of(env, host, subject).observe(context, group_id)
            return observe_side(env, context, subject, group_id, host)
        except DriverError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(len(hosts), 1)) as pool:
        return dict(zip(hosts, pool.map(observe, hosts), strict=True))


def observe_surely(observe: Callable[[], Side]) -> Side:
    """As observe, where a source that is called dead may cost data: what may pass is no answer yet."""
    try:
        return observe()
    except PASSING:
        time.sleep(AGAIN_SECONDS)
        return observe()


def within(seconds: float, call: Callable[[], Side]) -> Side:
    """Its result; raises ServerNotReached when it takes longer. What is not waited for ends by itself."""
    answer: list[Side | BaseException] = []

    def ask() -> None:
        try:
            answer.append(call())
        except DriverError as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answer:
        raise ServerNotReached(f"no answer within {seconds:g} s")
    if isinstance(answer[0], BaseException):
        raise answer[0]
    return answer[0]


def reached(sides: Mapping[str, Observed]) -> Iterator[tuple[str, Side]]:
    """Those that answered."""
    for host, side in sides.items():
        if isinstance(side, Side):
            yield host, side


def newest_common(source: Side, destination: Side) -> PointOnServer | None:
    """The newest point that both have, with the same data, unchanged. Pure."""
    there = {one.point.id: one for one in destination.points}
    common = [one for one in source.points if one.point.id in there and is_same(one, there[one.point.id])]
    return max(common, key=lambda one: one.point.sequence, default=None)


def is_same(one: PointOnServer, other: PointOnServer) -> bool:
    """Both hold the same data, unchanged. A server that knows a point by its id alone says nothing against it. Pure."""
    if one.point.id != other.point.id or not (one.is_intact and other.is_intact):
        return False
    return one.identity == other.identity or one.point.id in (one.identity, other.identity)


def best_form(
    ours: Sequence[StreamForm],
    theirs: Sequence[StreamForm],
    base: tuple[PointOnServer, PointOnServer] | None = None,
) -> StreamForm | None:
    """The first of ours that both know and that finds the base, here and there. Pure.

    Not by descent where a base has arrived as blocks: both hold the same data, but the one does not descend from the
    other, and `btrfs receive` would look for a parent that is not there.
    """
    is_kin = base is None or (base[0].identity == base[1].identity != base[0].point.id)
    return next((form for form in ours if form in theirs and (is_kin or not form.by_descent)), None)


def form_between(sender: Replication, receiver: Replication, base: str | None, sides: tuple[Side, Side]) -> StreamForm:
    """How the next point travels; the configuration was checked, so there is a way."""
    here, there = (side.point(base) if base else None for side in sides)
    form = best_form(sender.forms, receiver.forms, (here, there) if here and there else None)
    assert form is not None
    return form


def ancestors(side: Side, generation_id: str) -> set[str]:
    """The generation with all that it descends from, as far as the side knows. Pure."""
    parents = {one.id: one.parent_id for one in side.generations}
    found: set[str] = set()
    step: str | None = generation_id
    while step and step not in found:
        found.add(step)
        step = parents.get(step)
    return found
