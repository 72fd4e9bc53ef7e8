"""Fencing a server of a replicated group: nobody can write to the group there any more, and the server knows it."""

from __future__ import annotations

from cgctl.errors import FailoverRefused
from cgctl.manager.environment import Environment
from cgctl.manager.operation import begun
from cgctl.manager.replication import hints
from cgctl.manager.replication.members import ReplicatedGroup, others, replication_of
from cgctl.manager.replication.promotion import live_sizes
from cgctl.manager.replication.sides import ancestors
from drivers.contract import Context
from drivers.errors import AtWork, DriverError, ServerFailed, ServerRefused, ToolMissing
from drivers.replication import Side, SideState


class StillServes(ServerFailed):
    """The server answers, and its exports could not be ended: whoever has them goes on writing."""


def fence(env: Environment, context: Context, replicated: ReplicatedGroup, host: str, generation_id: str) -> None:
    """First the exports, which ends all sessions, then the note. Raises StillServes; AtWork with nothing changed."""
    end_exports(env, context, replicated, host)
    with begun():
        replication_of(env, host, replicated.name).note_side(context, replicated.id, generation_id, SideState.FENCED)


def end_exports(env: Environment, context: Context, replicated: ReplicatedGroup, host: str) -> None:
    """Also of those that have left the group since; where the pool cannot be listed, at least of the members."""
    export = env.backends.get(host).export
    if export is None:
        return
    known = {one.id for one in replicated.volumes}
    unlisted: DriverError | None = None
    try:
        known |= live_sizes(env, context, replicated.id, host).keys()
    except (ServerFailed, ServerRefused) as error:
        unlisted = error
    try:
        export.remove_exports(context, sorted(known))
    except (ToolMissing, AtWork):  # what does not run serves nobody; a script that is at work ends by itself
        raise
    except (ServerFailed, ServerRefused) as error:
        raise StillServes(f"its exports cannot be ended: {error.message}", error.hint) from error
    if unlisted is not None:
        with begun():
            raise unlisted


def is_newer(replicated: ReplicatedGroup, side: Side) -> bool:
    """Whether what is live descends from what the state says serves now: an older copy of the state was restored."""
    current = replicated.record.generation_id if replicated.record else ""
    mine = side.generation_id
    return side.has_live and mine is not None and mine != current and current in ancestors(side, mine)


def refuse_newer(env: Environment, replicated: ReplicatedGroup, host: str, side: Side) -> None:
    """Raise FailoverRefused where a backend serves what is newer than all that the state knows: nobody may end that."""
    if not is_newer(replicated, side) or side.state is not SideState.SERVING:
        return
    server, leave = env.backends.server(host), f"cgctl group-disable-replication --leave-replicas {replicated.id}"
    follow = f"to follow it: {hints.failover_to(env, replicated, host)}; " if host in others(env, replicated) else ""
    raise FailoverRefused(
        replicated.name,
        f"backend {host} serves generation {side.generation_id}, which is newer than all that the state knows",
        f"was the state restored from an older copy? Look at it on {server}; {follow}to go on without it: {leave}",
    )


def fence_returned(env: Environment, context: Context, replicated: ReplicatedGroup, host: str, side: Side) -> None:
    """A server that was gone while another was promoted may still offer the group: it is fenced on first contact."""
    if not side.has_live or side.generation_id is None or side.state is SideState.FENCED:
        return
    if replicated.record is not None and side.generation_id == replicated.record.generation_id:
        return
    fence(env, context, replicated, host, side.generation_id)
    env.warn(f"{replicated.name}: backend {host} has come back with an old generation; its exports are fenced")
