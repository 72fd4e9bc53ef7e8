"""`group-type-*` and `group-specs-list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl.cli.command import command
from cgctl.cli.options import Description, Filters, IsPublic, Name
from cgctl.cli.result import Done, Listing, Several, Show
from cgctl.cli.specs import GROUP_TYPES, Action, NewName, Specs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="GROUP_TYPE", help="Group type, by name or id.")]
References = Annotated[list[str], typer.Argument(metavar="GROUP_TYPE...", help="Group types, by name or id.")]


@command("group-type-create", changes=True)
def group_type_create(env: Env, name: NewName, description: Description = None, is_public: IsPublic = True) -> Show:
    """Create a group type."""
    return GROUP_TYPES.create(env, name, description, is_public)


@command("group-type-update", changes=True)
def group_type_update(
    env: Env, reference: Reference, name: Name = None, description: Description = None, is_public: IsPublic = None
) -> Show:
    """Change a group type's words."""
    return GROUP_TYPES.update(env, reference, name, description, is_public)


@command("group-type-list")
def group_type_list(env: Env, filters: Filters = None) -> Listing:
    """List the group types."""
    return GROUP_TYPES.listing(env, filters)


@command("group-type-default")
def group_type_default(env: Env) -> Show:
    """Show the configuration's default group type."""
    return GROUP_TYPES.default(env, env.settings().default_group_type)


@command("group-type-show")
def group_type_show(env: Env, reference: Reference) -> Show:
    """Show a group type with its group specs."""
    return GROUP_TYPES.show(env, reference)


@command("group-type-delete", changes=True)
def group_type_delete(env: Env, references: References) -> Several:
    """Delete group types that nothing uses."""
    return GROUP_TYPES.delete(env, references)


@command("group-type-key", changes=True)
def group_type_key(env: Env, reference: Reference, action: Action, words: Specs) -> Done:
    """Set or unset group specs of a group type."""
    return GROUP_TYPES.key(env, reference, action, words)


@command("group-specs-list")
def group_specs_list(env: Env) -> Listing:
    """List the group types with their group specs."""
    return GROUP_TYPES.with_specs(env)
