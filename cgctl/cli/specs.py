"""What `type-*` and `group-type-*` share: the same commands on two kinds of rows, under different words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Generic

import typer

from cgctl import manager
from cgctl.cli.options import Filters, pairs
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import NotFound
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import Kind
from cgctl.manager.views import Shape, View
from cgctl.model.names import parse_pairs
from cgctl.model.tables import GroupType, VolumeType


class SpecAction(StrEnum):
    """What happens to the named specs."""

    SET = "set"
    UNSET = "unset"


NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the new type.")]
Action = Annotated[SpecAction, typer.Argument(help="set or unset.")]
Specs = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Specs; for unset the keys alone.")]
_WORDS = (Column("ID", "id"), Column("Name", "name"), Column("Description", "description"))


@dataclass(frozen=True)
class TypeCommands(Generic[Kind]):
    """The commands of volume types or of group types. specs: the key of their specs; columns: of their lists."""

    kind: type[Kind]
    noun: str
    specs: str
    columns: tuple[Column, ...]
    get: Callable[[Environment, str], View]
    list: Callable[..., list[View]]
    shape: Shape

    @property
    def shown(self) -> tuple[str, ...]:
        """What creating and changing prints."""
        return tuple(column.key for column in self.columns)

    def create(self, env: Environment, name: str, description: str | None, is_public: bool | None) -> Show:
        """A new type."""
        row = manager.kinds.create(env, self.kind, name, description, is_public=is_public is not False)
        return Show(self.get(env, row.id), self.shown)

    def update(
        self, env: Environment, reference: str, name: str | None, description: str | None, is_public: bool | None
    ) -> Show:
        """What was left out stays as it is."""
        words: dict[str, str | bool | None] = {"name": name, "description": description, "is_public": is_public}
        changes = {key: word for key, word in words.items() if word is not None}
        return Show(self.get(env, manager.kinds.update(env, self.kind, reference, changes).id), self.shown)

    def listing(self, env: Environment, filters: Filters = None) -> Listing:
        """All types that pass the filters."""
        return Listing(
            lambda keys: self.list(env, pairs(filters), keys), self.columns, self.shape.keys, self.noun.capitalize()
        )

    def with_specs(self, env: Environment) -> Listing:
        """All types with their specs."""
        columns = (*_WORDS[:2], Column(self.specs, self.specs))
        return Listing(lambda keys: self.list(env, {}, keys), columns, self.shape.keys, self.noun.capitalize())

    def default(self, env: Environment, configured: str | None) -> Show:
        """The configuration's default. Raises NotFound."""
        if configured is None:
            key = f"default_{self.noun.replace(' ', '_')}"
            raise NotFound(f"default {self.noun}", "none is configured", f"add `{key}:` to the configuration")
        return Show(self.get(env, configured), self.shown)

    def show(self, env: Environment, reference: str) -> Show:
        """A type with its specs."""
        return Show(self.get(env, reference))

    def delete(self, env: Environment, references: Sequence[str]) -> Several:
        """Types that nothing uses."""
        return Several(references, lambda one: manager.kinds.delete(env, self.kind, one), "deleted")

    def key(self, env: Environment, reference: str, action: SpecAction, words: Sequence[str]) -> Done:
        """Set `key=value` words, or unset keys (with or without a value, as Cinder's client takes them)."""
        if action is SpecAction.SET:
            manager.kinds.set_specs(env, self.kind, reference, parse_pairs("spec", words))
        else:
            manager.kinds.unset_specs(env, self.kind, reference, [word.partition("=")[0] for word in words])
        return Done()


VOLUME_TYPES = TypeCommands(
    VolumeType,
    "volume type",
    "extra_specs",
    (*_WORDS, Column("Is_Public", "is_public")),
    manager.reads.volume_type,
    manager.reads.volume_types,
    manager.views.VOLUME_TYPE,
)
GROUP_TYPES = TypeCommands(
    GroupType,
    "group type",
    "group_specs",
    _WORDS,
    manager.reads.group_type,
    manager.reads.group_types,
    manager.views.GROUP_TYPE,
)
