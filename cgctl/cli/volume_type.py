"""`type-*` and `extra-specs-list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl.cli.command import command
from cgctl.cli.options import Description, Filters, IsPublic, Name
from cgctl.cli.result import Done, Listing, Several, Show
from cgctl.cli.specs import VOLUME_TYPES, Action, NewName, Specs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="TYPE", help="Volume type, by name or id.")]
References = Annotated[list[str], typer.Argument(metavar="TYPE...", help="Volume types, by name or id.")]


@command("type-create", changes=True)
def type_create(env: Env, name: NewName, description: Description = None, is_public: IsPublic = True) -> Show:
    """Create a volume type."""
    return VOLUME_TYPES.create(env, name, description, is_public)


@command("type-update", changes=True)
def type_update(
    env: Env, reference: Reference, name: Name = None, description: Description = None, is_public: IsPublic = None
) -> Show:
    """Change a volume type's words."""
    return VOLUME_TYPES.update(env, reference, name, description, is_public)


@command("type-list")
def type_list(env: Env, filters: Filters = None) -> Listing:
    """List the volume types."""
    return VOLUME_TYPES.listing(env, filters)


@command("type-default")
def type_default(env: Env) -> Show:
    """Show the configuration's default volume type."""
    return VOLUME_TYPES.default(env, env.settings().default_volume_type)


@command("type-show")
def type_show(env: Env, reference: Reference) -> Show:
    """Show a volume type with its extra specs."""
    return VOLUME_TYPES.show(env, reference)


@command("type-delete", changes=True)
def type_delete(env: Env, references: References) -> Several:
    """Delete volume types that nothing uses."""
    return VOLUME_TYPES.delete(env, references)


@command("type-key", changes=True)
def type_key(env: Env, reference: Reference, action: Action, words: Specs) -> Done:
    """Set or unset extra specs of a volume type."""
    return VOLUME_TYPES.key(env, reference, action, words)


@command("extra-specs-list")
def extra_specs_list(env: Env) -> Listing:
    """List the volume types with their extra specs."""
    return VOLUME_TYPES.with_specs(env)
