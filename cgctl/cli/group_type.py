"""`group-type-*` and `group-specs-list`."""

from __future__ import annotations

from typing import Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import Description, Filters, IsPublic, Name, pairs
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.cli.specs import SpecAction, change_specs, given
from cgctl.cli.wiring import Env
from cgctl.errors import NotFound
from cgctl.model.tables import GroupType

Reference = Annotated[str, typer.Argument(metavar="GROUP_TYPE", help="Group type, by name or id.")]
COLUMNS = (Column("ID", "id"), Column("Name", "name"), Column("Description", "description"))
SHOWN = tuple(column.key for column in COLUMNS)


@command("group-type-create", changes=True)
def group_type_create(
    env: Env,
    name: Annotated[str, typer.Argument(help="Name of the new type.")],
    description: Description = None,
    is_public: IsPublic = True,
) -> Show:
    """Create a group type."""
    return Show(
        manager.views.group_type_view(
            manager.kinds.create(env, GroupType, name, description, is_public=is_public is not False)
        ),
        SHOWN,
    )


@command("group-type-update", changes=True)
def group_type_update(
    env: Env,
    reference: Reference,
    name: Name = None,
    description: Description = None,
    is_public: IsPublic = None,
) -> Show:
    """Change a group type's words."""
    row = manager.kinds.update(env, GroupType, reference, given(name, description, is_public))
    return Show(manager.views.group_type_view(row), SHOWN)


@command("group-type-list")
def group_type_list(env: Env, filters: Filters = None) -> Listing:
    """List the group types."""
    return Listing(manager.reads.group_types(env, pairs(filters)), COLUMNS)


@command("group-type-default")
def group_type_default(env: Env) -> Show:
    """Show the configuration's default group type."""
    default = env.settings().default_group_type
    if default is None:
        raise NotFound("default group type", "none is configured", "add `default_group_type:` to the configuration")
    return Show(manager.reads.group_type(env, default), SHOWN)


@command("group-type-show")
def group_type_show(env: Env, reference: Reference) -> Show:
    """Show a group type with its group specs."""
    return Show(manager.reads.group_type(env, reference))


@command("group-type-delete", changes=True)
def group_type_delete(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="GROUP_TYPE...", help="Group types.")]
) -> Several:
    """Delete group types that nothing uses."""
    return Several(references, lambda one: manager.kinds.delete(env, GroupType, one), "deleted")


@command("group-type-key", changes=True)
def group_type_key(
    env: Env,
    reference: Reference,
    action: Annotated[SpecAction, typer.Argument(help="set or unset.")],
    words: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Specs; for unset the keys alone.")],
) -> Done:
    """Set or unset group specs of a group type."""
    change_specs(env, GroupType, reference, action, words)
    return Done()


@command("group-specs-list")
def group_specs_list(env: Env) -> Listing:
    """List the group types with their group specs."""
    columns = (Column("ID", "id"), Column("Name", "name"), Column("group_specs", "group_specs"))
    return Listing(manager.reads.group_types(env, {}), columns)
