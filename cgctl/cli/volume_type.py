"""`type-*` and `extra-specs-list`."""

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
from cgctl.model.tables import VolumeType

Reference = Annotated[str, typer.Argument(metavar="TYPE", help="Volume type, by name or id.")]
COLUMNS = (Column("ID", "id"), Column("Name", "name"), Column("Description", "description"))
COLUMNS_PUBLIC = (*COLUMNS, Column("Is_Public", "is_public"))


@command("type-create", changes=True)
def type_create(
    env: Env,
    name: Annotated[str, typer.Argument(help="Name of the new type.")],
    description: Description = None,
    is_public: IsPublic = True,
) -> Show:
    """Create a volume type."""
    row = manager.kinds.create(env, VolumeType, name, description, is_public=is_public is not False)
    return Show(manager.views.volume_type_view(row), tuple(column.key for column in COLUMNS_PUBLIC))


@command("type-update", changes=True)
def type_update(
    env: Env,
    reference: Reference,
    name: Name = None,
    description: Description = None,
    is_public: IsPublic = None,
) -> Show:
    """Change a volume type's words."""
    row = manager.kinds.update(env, VolumeType, reference, given(name, description, is_public))
    return Show(manager.views.volume_type_view(row), tuple(column.key for column in COLUMNS_PUBLIC))


@command("type-list")
def type_list(env: Env, filters: Filters = None) -> Listing:
    """List the volume types."""
    return Listing(manager.reads.volume_types(env, pairs(filters)), COLUMNS_PUBLIC)


@command("type-default")
def type_default(env: Env) -> Show:
    """Show the configuration's default volume type."""
    default = env.settings().default_volume_type
    if default is None:
        raise NotFound("default volume type", "none is configured", "add `default_volume_type:` to the configuration")
    return Show(manager.reads.volume_type(env, default), tuple(column.key for column in COLUMNS_PUBLIC))


@command("type-show")
def type_show(env: Env, reference: Reference) -> Show:
    """Show a volume type with its extra specs."""
    return Show(manager.reads.volume_type(env, reference))


@command("type-delete", changes=True)
def type_delete(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="TYPE...", help="Volume types.")]
) -> Several:
    """Delete volume types that nothing uses."""
    return Several(references, lambda one: manager.kinds.delete(env, VolumeType, one), "deleted")


@command("type-key", changes=True)
def type_key(
    env: Env,
    reference: Reference,
    action: Annotated[SpecAction, typer.Argument(help="set or unset.")],
    words: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Specs; for unset the keys alone.")],
) -> Done:
    """Set or unset extra specs of a volume type."""
    change_specs(env, VolumeType, reference, action, words)
    return Done()


@command("extra-specs-list")
def extra_specs_list(env: Env) -> Listing:
    """List the volume types with their extra specs."""
    columns = (Column("ID", "id"), Column("Name", "name"), Column("extra_specs", "extra_specs"))
    return Listing(manager.reads.volume_types(env, {}), columns)
