"""`revert-to-snapshot retype migrate`: other data, another type, another pool for a volume."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import AllowAttached, Cluster, Detach, refuse_cluster
from cgctl.cli.result import Done, Show
from cgctl.cli.volume import Reference
from cgctl.errors import UsageError
from cgctl.manager import activities, replication

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env


class Policy(StrEnum):
    """What `--migration-policy` may be."""

    NEVER = "never"
    ON_DEMAND = "on-demand"


@command("revert-to-snapshot", changes=True, destructive=True)
def revert_to_snapshot(
    env: Env, snapshot: Annotated[str, typer.Argument(help="Newest snapshot of its volume, by name or id.")]
) -> Done:
    """Give a volume the data of its newest snapshot.

    What was written since is lost; the volume must be detached."""
    row = manager.volume_revert.revert_to_snapshot(env, snapshot)
    return Done(f"volume {row.name or row.id}: has the data of snapshot {snapshot}")


@command("retype", changes=True)
def retype(
    env: Env,
    reference: Reference,
    volume_type: Annotated[str, typer.Argument(help="New volume type, by name or id.")],
    migration_policy: Annotated[
        Policy, typer.Option("--migration-policy", help="Whether it may move to another pool of its server.")
    ] = Policy.NEVER,
    detach: Detach = False,
) -> Show | Done:
    """Give a volume another type.

    Its backend must offer what the type asks for; on demand it moves to one that does, as `migrate` does it."""
    on_demand = migration_policy is Policy.ON_DEMAND
    done = manager.retype.retype(env, reference, volume_type, on_demand=on_demand, detach=detach)
    if detach and done.moved_by:
        return Show(activities.handles.view(done.moved_by))
    return Done(f"volume {reference}: {done.told}")


@command("migrate", changes=True)
def migrate(
    env: Env,
    reference: Reference,
    host: Annotated[str | None, typer.Argument(help="Backend, of any driver.")] = None,
    force_host_copy: Annotated[  # noqa: ARG001
        bool, typer.Option("--force-host-copy/--no-force-host-copy", help="Accepted: data are always copied.")
    ] = False,
    lock_volume: Annotated[  # noqa: ARG001
        bool, typer.Option("--lock-volume/--no-lock-volume", help="Accepted: it is `maintenance` meanwhile, always.")
    ] = False,
    cluster: Cluster = None,
    allow_attached_volume: AllowAttached = False,
    detach: Detach = False,
) -> Show | Done:
    """Move a volume to another backend.

    An activity: in another pool of its server, copied and compared there; on another server, carried. Interrupted, it
    is undone or completed. With --allow-attached-volume clients go on writing until a short cut-over: as the member of
    a group of its own; interrupted, the same command goes on."""
    refuse_cluster(cluster)
    if host is None:
        raise UsageError("migrate", "names no backend", "cgctl migrate VOLUME BACKEND; see: cgctl get-pools")
    if replication.lone.is_moved_in_use(env, reference, allow_attached_volume=allow_attached_volume):
        if detach:
            return Show(activities.handles.view(replication.lone.begin(env, reference, host)))
        replication.lone.migrate_in_use(env, reference, host)
    else:
        row = activities.launch.launch(
            env, manager.relocation.wanted.volume_relocation(env, reference, host), detach=detach
        )
        if detach:
            return Show(activities.handles.view(row))
    return Done(f"volume {reference}: migrated to {host}")


@command("group-migrate", changes=True)
def group_migrate(
    env: Env,
    group: Annotated[str, typer.Argument(help="Group, by name or id.")],
    host: Annotated[str, typer.Argument(metavar="BACKEND", help="Backend, of any driver.")],
    allow_attached_volume: AllowAttached = False,
    detach: Detach = False,
) -> Show:
    """Move a whole group to another backend.

    The old volumes go when all new ones are there. With --allow-attached-volume clients go on writing until a short
    cut-over, as at a planned failover: what they wrote is there, and they connect to the new server. Interrupted, the
    same command goes on."""
    if replication.migration.is_moved_in_use(env, group, allow_attached_volume=allow_attached_volume):
        if detach:
            return Show(activities.handles.view(replication.errands.begin_move(env, group, host)))
        replication.migration.migrate_in_use(env, group, host)
        return Show(manager.reads.group(env, group))
    wanted = manager.relocation.wanted.group_relocation(env, group, host)
    row = activities.launch.launch(env, wanted, detach=detach)
    return Show(activities.handles.view(row) if detach else manager.reads.group(env, row.subject_id))
