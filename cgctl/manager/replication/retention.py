"""Which recovery points stay: the newest of a side, the newest that two sides share, and where a generation began.

Decided 2026-11-22: of a side that is away, the newest point that it and each other can have in common stays as well:
one for each pair. A target that was away over several failovers has no other base when it returns, whoever serves then.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from sqlmodel import select

from cgctl.manager.environment import Environment
from cgctl.manager.freezing import frozen_backends
from cgctl.manager.replication.line import Line, is_on, line
from cgctl.manager.replication.members import ReplicatedGroup, others, replication_of
from cgctl.manager.replication.sides import newest_common, observe_sides, reached
from cgctl.model.replication import Replica, UnsettledPoint
from drivers.contract import Context
from drivers.replication import Side


def let_go(env: Environment, context: Context, replicated: ReplicatedGroup, sides: Mapping[str, Side]) -> None:
    """Remove what need not stay, on the backends that were observed."""
    source = sides.get(replicated.active)
    if source is None:
        return
    kept = _kept(replicated, sides, source)
    found = _line(env, replicated, sides)
    frozen = frozen_backends(env)
    for host, side in ((host, side) for host, side in sides.items() if host not in frozen):
        gone = superfluous(side, kept, found)
        if gone:
            replication_of(env, host, replicated.name).forget(context, replicated.id, gone)
        remove_unsettled(env, context, replicated, host, kept)


def remove_unsettled(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, kept: Container[str] = ()
) -> None:
    """On a backend that answers again: what `settle_point` could not remove there."""
    with env.store.read() as session:
        rows = session.exec(select(UnsettledPoint).where(UnsettledPoint.group_id == replicated.id)).all()
    owed = [one for one in rows if one.host == host and one.point_id not in kept]
    if owed:
        gone = [one.point_id for one in owed]
        replication_of(env, host, replicated.name).forget(context, replicated.id, gone)
        with env.store.write() as session:
            for one in owed:
                session.delete(session.merge(one))


def settle_point(env: Environment, context: Context, replicated: ReplicatedGroup, point_id: str) -> Mapping[str, Side]:
    """A point that no other backend has is none; what half arrived is removed, once a backend answers, and is thawed.

    Returns what is there then, on the backends that answer.
    """
    sides = _observed(env, context, replicated)
    frozen = frozen_backends(env)
    arrived = [host for host, side in sides.items() if side.point(point_id) and host != replicated.active]
    for host in (replicated.active, *others(env, replicated)):
        if host in arrived or (host == replicated.active and arrived):
            continue
        if host in sides and host not in frozen:
            replication_of(env, host, replicated.name).forget(context, replicated.id, [point_id])
        else:
            _remember(env, UnsettledPoint(group_id=replicated.id, host=host, point_id=point_id))
    return sides if arrived else {host: _without(side, point_id) for host, side in sides.items()}


def _without(side: Side, point_id: str) -> Side:
    return replace(side, points=tuple(one for one in side.points if one.point.id != point_id))


def _remember(env: Environment, point: UnsettledPoint) -> None:
    with env.store.write() as session:
        session.merge(point)


def superfluous(side: Side, kept: Iterable[str], found: Line) -> list[str]:
    """The points of a side that may go: older than its newest intact one of the line, and not among the kept. Pure."""
    keep = set(kept)
    mine = (one.point.sequence for one in side.points if one.is_intact and is_on(found, one.point))
    newest = max(mine, default=0)
    return [one.point.id for one in side.points if one.point.sequence < newest and one.point.id not in keep]


def _line(env: Environment, replicated: ReplicatedGroup, sides: Mapping[str, Side]) -> Line:
    current = replicated.record.generation_id if replicated.record else ""
    points = (one for side in sides.values() for one in side.points)
    with env.store.read() as session:
        return line(session, replicated.id, current, points)


def _observed(env: Environment, context: Context, replicated: ReplicatedGroup) -> dict[str, Side]:
    hosts: Sequence[str] = [replicated.active, *others(env, replicated)]
    return dict(reached(observe_sides(env, context, replicated.name, replicated.id, hosts)))


def _base_of(absent: Replica, side: Side) -> str | None:
    """Of a backend that does not answer: its newest point, or the newest before it that the side has, too. Pure."""
    if side.point(absent.point_id or ""):
        return absent.point_id
    before = [one.point for one in side.points if one.is_intact and one.point.sequence <= (absent.sequence or 0)]
    return max(before, key=lambda one: one.sequence).id if before else None


def _kept(replicated: ReplicatedGroup, sides: Mapping[str, Side], source: Side) -> set[str]:
    common = [newest_common(one, other) for one, other in combinations(sides.values(), 2)]
    away = [one for one in replicated.replicas if one.host not in sides]
    unreached = [_base_of(one, side) for one in away for side in sides.values()]
    current = replicated.record.generation_id if replicated.record else None
    begun_with = [one.point_id for one in source.generations if one.id == current]
    return {one.point.id for one in common if one} | {one for one in (*unreached, *begun_with) if one}
