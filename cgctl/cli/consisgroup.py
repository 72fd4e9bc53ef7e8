"""`consisgroup-*`: groups of the type default_cgsnapshot_type, with the words of Cinder and of its seed documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.group import COLUMNS, AddVolumes, RemoveVolumes, update
from cgctl.cli.options import AvailabilityZone, Description, Name
from cgctl.cli.result import Done, Listing, Several, Show
from cgctl.errors import UsageError
from cgctl.model.names import split_list

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="CONSISTENCYGROUP", help="Consistency group, by name or id.")]
SHOWN = ("availability_zone", "created_at", "description", "id", "name", "status", "volume_types")


@command("consisgroup-create", changes=True)
def consisgroup_create(
    env: Env,
    word: Annotated[str, typer.Argument(metavar="VOLUME_TYPES", help="Volume types, with commas between.")],
    volume_type: Annotated[
        str | None, typer.Option("--volume-type", help="Volume types; the argument is then the group's name.")
    ] = None,
    name: Name = None,
    description: Description = None,
    availability_zone: AvailabilityZone = None,
) -> Show:
    """Create a consistency group.

    The seed's spelling works too: consisgroup-create --volume-type t1,t2 NAME
    """
    if volume_type and name and name != word:
        raise UsageError(f"group {name}", f"has a second name, {word}", "give the name once")
    types = split_list("volume types", volume_type or word)
    its_name = word if volume_type else name
    row = manager.groups.create_group(
        env, None, types, its_name, description, availability_zone, consistency_group=True
    )
    return Show(manager.reads.group(env, row.id), SHOWN)


@command("consisgroup-create-from-src", changes=True)
def consisgroup_create_from_src(
    env: Env,
    cgsnapshot: Annotated[str | None, typer.Option("--cgsnapshot", help="Group snapshot, by name or id.")] = None,
    source_cg: Annotated[
        str | None, typer.Option("--source-cg", "--consistencygroup", help="Consistency group, by name or id.")
    ] = None,
    name: Name = None,
    description: Description = None,
) -> Show:
    """Create a consistency group from a cgsnapshot or a group."""
    row = manager.group_source.create_group_from_source(
        env, cgsnapshot, source_cg, name, description, consistency_group=True
    )
    return Show(manager.reads.group(env, row.id), SHOWN)


@command("consisgroup-delete", changes=True, destructive=True)
def consisgroup_delete(
    env: Env,
    references: Annotated[list[str], typer.Argument(metavar="CONSISTENCYGROUP...", help="Consistency groups.")],
    force: Annotated[bool, typer.Option("--force", help="Delete the volumes as well.")] = False,
) -> Several:
    """Delete consistency groups."""

    def delete(reference: str) -> None:
        manager.reads.group(env, reference, consistency_group=True)
        manager.groups.delete_group(env, reference, delete_volumes=force)

    return Several(references, delete, "deleted")


@command("consisgroup-list")
def consisgroup_list(env: Env) -> Listing:
    """List the consistency groups."""
    return Listing(
        lambda keys: manager.reads.groups(env, {}, keys, consistency_groups=True),
        COLUMNS,
        manager.views.GROUP.keys,
        "Consistency group",
    )


@command("consisgroup-show")
def consisgroup_show(env: Env, reference: Reference) -> Show:
    """Show a consistency group."""
    return Show(manager.reads.group(env, reference, consistency_group=True), SHOWN)


@command("consisgroup-update", changes=True)
def consisgroup_update(
    env: Env,
    reference: Reference,
    name: Name = None,
    description: Description = None,
    add_volumes: AddVolumes = None,
    remove_volumes: RemoveVolumes = None,
) -> Done:
    """Change a consistency group, or which volumes are in it."""
    manager.reads.group(env, reference, consistency_group=True)
    return update(env, reference, name, description, add_volumes, remove_volumes)
