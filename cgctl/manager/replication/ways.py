"""The direct ways between backends: which of them replicated groups may use, and the end of those that none does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

from sqlmodel import Session, select

from cgctl.manager.environment import Environment
from cgctl.manager.replication.members import targets_from
from cgctl.model.replication import Replicated
from drivers.errors import DriverError

Ways = set[tuple[str, str]]


def used_ways(env: Environment, session: Session, *, but: str | None = None) -> Ways:
    """Of all replicated groups, or of all but one. A group is shipped from any of its backends to any other."""
    rows = {(row.origin, row.moving_to) for row in session.exec(select(Replicated)) if row.group_id != but}
    return {way for origin, moving_to in rows if origin in env.backends.ids() for way in ways(env, origin, moving_to)}


def forget_ways(env: Environment, of: Ways, used: Ways) -> None:
    """Remove what these ways have on servers, where no group uses them. A server that is silent is told."""
    for source, destination in sorted(of - used):
        try:
            env.carry.forget_way(env.store.owner, source, destination)
        except DriverError as error:
            env.warn(f"the replication key from {source} to {destination} is left there: {error.message}")


def forget_unused_ways(env: Environment, backend_id: str) -> None:
    """As `backend-check --repair` does for each backend."""
    with env.store.read() as session:
        used = used_ways(env, session)
    if env.backends.get(backend_id).replication_targets:
        forget_ways(env, ways(env, backend_id), used)


def ways(env: Environment, origin: str, moving_to: str | None = None) -> Ways:
    """Of a group of that origin."""
    return ways_among(env, {origin, *(one.host for one in targets_from(env, origin, moving_to))})


def ways_among(env: Environment, hosts: Iterable[str]) -> Ways:
    """From each of these backends to each other; nothing of those that are not configured any more."""
    known = set(env.backends.ids())
    return set(permutations(known.intersection(hosts), 2))
