"""`group-*`: groups of any type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import AvailabilityZone, Description, Filters, ListVolume, Metadata, Name, pairs
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.model.names import parse_pairs, split_list

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="GROUP", help="Group, by name or id.")]
AddVolumes = Annotated[str | None, typer.Option("--add-volumes", metavar="V1,V2", help="Volumes to take in.")]
RemoveVolumes = Annotated[str | None, typer.Option("--remove-volumes", metavar="V1,V2", help="Volumes to let go.")]
COLUMNS = (Column("ID", "id"), Column("Status", "status"), Column("Name", "name"))
SHOWN = (
    "availability_zone",
    "created_at",
    "description",
    "group_snapshot_id",
    "group_type",
    "host",
    "id",
    "metadata",
    "name",
    "project_id",
    "replication_status",
    "source_group_id",
    "status",
    "volume_types",
)


@command("group-create", changes=True)
def group_create(
    env: Env,
    group_type: Annotated[str | None, typer.Argument(help="Group type; left out: default_group_type.")] = None,
    volume_types: Annotated[str | None, typer.Argument(help="Volume types, with commas between.")] = None,
    name: Name = None,
    description: Description = None,
    availability_zone: AvailabilityZone = None,
    metadata: Metadata = None,
) -> Show:
    """Create a group.

    It is placed on the backend that fits its types.
    Metadata quiesce_pre and quiesce_post are shell commands around each group snapshot,
    quiesce_timeout their seconds.
    """
    if volume_types is None:  # one word is what every group needs: its volume types
        group_type, volume_types = None, group_type
    types = None if volume_types is None else split_list("volume types", volume_types)
    extra = parse_pairs("metadata", metadata or ())
    row = manager.groups.create_group(env, group_type, types, name, description, availability_zone, extra)
    return Show(manager.reads.group(env, row.id), SHOWN)


@command("group-create-from-src", changes=True)
def group_create_from_src(
    env: Env,
    group_snapshot: Annotated[
        str | None, typer.Option("--group-snapshot", help="Group snapshot, by name or id.")
    ] = None,
    source_group: Annotated[str | None, typer.Option("--source-group", help="Group, by name or id.")] = None,
    name: Name = None,
    description: Description = None,
) -> Show:
    """Create a group from a group snapshot or a group."""
    row = manager.group_source.create_group_from_source(env, group_snapshot, source_group, name, description)
    return Show(manager.reads.group(env, row.id), SHOWN)


@command("group-delete", changes=True, destructive=True)
def group_delete(
    env: Env,
    references: Annotated[list[str], typer.Argument(metavar="GROUP...", help="Groups, by name or id.")],
    delete_volumes: Annotated[bool, typer.Option("--delete-volumes", help="Delete the volumes as well.")] = False,
    delete_replicas: Annotated[
        bool, typer.Option("--delete-replicas", help="End the replication first, and delete the replicas.")
    ] = False,
) -> Several:
    """Delete groups."""

    def delete(reference: str) -> None:
        manager.groups.delete_group(env, reference, delete_volumes=delete_volumes, delete_replicas=delete_replicas)

    return Several(references, delete, "deleted")


@command("group-list")
def group_list(env: Env, filters: Filters = None) -> Listing:
    """List the groups."""
    return Listing(
        lambda keys: manager.reads.groups(env, pairs(filters), keys), COLUMNS, manager.views.GROUP.keys, "Group"
    )


@command("group-show")
def group_show(
    env: Env,
    reference: Reference,
    list_volume: ListVolume = False,
) -> Show:
    """Show a group."""
    return Show(manager.reads.group(env, reference), (*SHOWN, "volumes") if list_volume else SHOWN)


@command("group-manage", changes=True)
def group_manage(
    env: Env,
    host: Annotated[str, typer.Argument(help="Backend.")],
    directory: Annotated[
        str, typer.Argument(help="Directory below the pool, as manageable-list shows it; `.`: the pool.")
    ],
    volume_type: Annotated[str, typer.Option("--volume-type", metavar="TYPE", help="Type of all its volumes.")],
    group_type: Annotated[
        str | None, typer.Option("--group-type", metavar="TYPE", help="Left out: a consistency group.")
    ] = None,
    name: Name = None,
    description: Description = None,
) -> Show:
    """Make a group of the image files in a directory of a pool.

    All of them become volumes at once, called like their files; no data are copied. Nobody may have them open.
    """
    wanted = manager.group_manage.Wanted(host, directory, group_type, volume_type, name, description)
    row = manager.group_manage.manage_group(env, wanted)
    return Show(manager.reads.group(env, row.id), (*SHOWN, "volumes"))


@command("group-update", changes=True)
def group_update(
    env: Env,
    reference: Reference,
    name: Name = None,
    description: Description = None,
    add_volumes: AddVolumes = None,
    remove_volumes: RemoveVolumes = None,
    metadata: Metadata = None,
) -> Done:
    """Change a group, or which volumes are in it.

    `--metadata KEY=` removes a key.

    A volume that is attached moves with its clients: they lose it for a moment, log in again by
    themselves, and find everything that was acknowledged. NFS clients have to open it again.
    """
    return update(env, reference, name, description, add_volumes, remove_volumes, metadata)


def update(
    env: Env,
    reference: str,
    name: str | None,
    description: str | None,
    add_volumes: str | None,
    remove_volumes: str | None,
    metadata: Sequence[str] | None = None,
) -> Done:
    """What `group-update` and `consisgroup-update` share."""
    changes = manager.membership.Changes(
        name,
        description,
        parse_pairs("metadata", metadata or ()),
        split_list("--add-volumes", add_volumes or ""),
        split_list("--remove-volumes", remove_volumes or ""),
    )
    away_seconds = manager.membership.update_group(env, reference, changes)
    away = "" if away_seconds is None else f"; exports were away for {away_seconds:.3f} s"
    return Done(f"group {reference}: updated{away}")
