"""Making a recovery point what a backend serves, and offering it to the same clients under the same names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cgctl.manager.environment import Environment
from cgctl.manager.exports import exported
from cgctl.manager.replication.members import ReplicatedGroup, replication_of
from cgctl.manager.updates import read_updates
from cgctl.model.tables import new_id
from drivers import contract
from drivers.contract import Context, ObjectKind
from drivers.errors import NotOnServer, ServerFailed
from drivers.replication import Generation, PointOnServer, SideState


def promote(
    env: Environment,
    context: Context,
    replicated: ReplicatedGroup,
    host: str,
    begun: Generation,
    point: PointOnServer,
    known: Sequence[Generation],
    begins: Callable[[], None] = lambda: None,
) -> Mapping[str, int]:
    """First the note, then the group appears in one step: a new generation, the same volumes by the same ids.

    Returns the members that are there, with their sizes in bytes. begins: called when nothing speaks against it, before
    anything is changed.
    """
    there = sizes(env, context, host, point.point.id)
    members = [one for one in replicated.volumes if one.id in there]
    if not members:
        raise NotOnServer(f"recovery point {point.point.id} holds none of the group's volumes")
    begins()
    replication_of(env, host, replicated.name).note_side(
        context, replicated.id, begun.id, SideState.SERVING, [begun, *known]
    )
    driver = env.backends.get(host).driver
    volumes = [contract.Volume(one.id, max(one.size_bytes, there[one.id]), replicated.id) for one in members]
    snapshots = [contract.Snapshot(new_id(), one.id, there[one.id], replicated.id, point.point.id) for one in members]
    group = contract.Group(replicated.id)
    updates = driver.create_consistencygroup_from_src(
        context, group, volumes, contract.GroupSnapshot(point.point.id, replicated.id), snapshots
    )
    reading = read_updates([one.id for one in volumes], *updates, "available")
    if reading.failed:
        raise ServerFailed(f"{env.backends.server(host)}: the group cannot be made of the point: {reading.why}")
    return {one.id: one.size_bytes for one in volumes}


def sizes(env: Environment, context: Context, host: str, point_id: str) -> Mapping[str, int]:
    """The members of a point on a server, with their sizes in bytes."""
    objects = env.backends.get(host).driver.list_objects(context)
    return {
        one.id: one.size_bytes or 0
        for one in objects
        if one.kind is ObjectKind.SNAPSHOT and one.parent_id == point_id and one.complete
    }


def live_sizes(env: Environment, context: Context, group_id: str, host: str) -> Mapping[str, int]:
    """The volumes that are live on a server as the group's, with their sizes in bytes."""
    objects = env.backends.get(host).driver.list_objects(context)
    live = [one for one in objects if one.kind is ObjectKind.VOLUME and one.parent_id == group_id]
    return {one.id: one.size_bytes or 0 for one in live}


def export(env: Environment, context: Context, replicated: ReplicatedGroup, host: str) -> None:
    """Offer what is live to everyone who has an attachment."""
    offer(env, context, replicated, host, live_sizes(env, context, replicated.id, host))


def offer(env: Environment, context: Context, replicated: ReplicatedGroup, host: str, there: Mapping[str, int]) -> None:
    """As export, of the members that are known to be there."""
    backend = env.backends.get(host)
    offered = []
    for volume in replicated.volumes:
        attachments = [one for one in replicated.attachments if one.volume_id == volume.id]
        if volume.id in there and attachments:
            offered.append(exported(backend, volume, attachments))
    if offered and backend.export is not None:
        backend.export.ensure_exports(context, offered)
