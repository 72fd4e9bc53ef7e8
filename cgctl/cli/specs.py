"""What `type-*` and `group-type-*` share: the same commands on two kinds of rows, under different words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, TypeVar

import typer

from cgctl import manager
from cgctl.cli.options import Filters, pairs
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import NotFound
from cgctl.model.names import parse_pairs

if TYPE_CHECKING:
    from cgctl.manager.environment import Environment
    from cgctl.manager.views import View
    from cgctl.model.tables import GroupType, VolumeType


Kind = TypeVar("Kind", "VolumeType", "GroupType")


class SpecAction(StrEnum):
    """What happens to the named specs."""

    SET = "set"
    UNSET = "unset"


NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the new type.")]
Action = Annotated[SpecAction, typer.Argument(help="set or unset.")]
Specs = Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Specs; for unset the keys alone.")]
_WORDS = (Column("ID", "id"), Column("Name", "name"), Column("Description", "description"))


class TypeCommands(ABC, Generic[Kind]):
    """The commands of volume types or of group types. specs: the key of their specs; columns: of their lists.

    What needs tables or manager is a method, so that `--help` and completion do without them.
    """

    noun: ClassVar[str]
    specs: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]] = _WORDS

    @abstractmethod
    def kind(self) -> type[Kind]:
        """Their table."""

    @abstractmethod
    def get(self, env: Environment, reference: str) -> View:
        """One of them."""

    @abstractmethod
    def all(self, env: Environment, filters: dict[str, str], keys: Collection[str] | None) -> list[View]:
        """All that pass the filters."""

    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """The keys of one."""

    @property
    def shown(self) -> tuple[str, ...]:
        """What creating and changing prints."""
        return tuple(column.key for column in self.columns)

    def create(self, env: Environment, name: str, description: str | None, is_public: bool | None) -> Show:
        """A new type."""
        row = manager.kinds.create(env, self.kind(), name, description, is_public=is_public is not False)
        return Show(self.get(env, row.id), self.shown)

    def update(
        self, env: Environment, reference: str, name: str | None, description: str | None, is_public: bool | None
    ) -> Show:
        """What was left out stays as it is."""
        words: dict[str, str | bool | None] = {"name": name, "description": description, "is_public": is_public}
        changes = {key: word for key, word in words.items() if word is not None}
        return Show(self.get(env, manager.kinds.update(env, self.kind(), reference, changes).id), self.shown)

    def listing(self, env: Environment, filters: Filters = None) -> Listing:
        """All types that pass the filters."""
        return Listing(
            lambda keys: self.all(env, pairs(filters), keys), self.columns, self.keys(), self.noun.capitalize()
        )

    def with_specs(self, env: Environment) -> Listing:
        """All types with their specs."""
        columns = (*_WORDS[:2], Column(self.specs, self.specs))
        return Listing(lambda keys: self.all(env, {}, keys), columns, self.keys(), self.noun.capitalize())

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
        return Several(references, lambda one: manager.kinds.delete(env, self.kind(), one), "deleted")

    def key(self, env: Environment, reference: str, action: SpecAction, words: Sequence[str]) -> Done:
        """Set `key=value` words, or unset keys (with or without a value, as Cinder's client takes them)."""
        if action is SpecAction.SET:
            manager.kinds.set_specs(env, self.kind(), reference, parse_pairs("spec", words))
        else:
            manager.kinds.unset_specs(env, self.kind(), reference, [word.partition("=")[0] for word in words])
        return Done()


class _VolumeTypes(TypeCommands["VolumeType"]):
    noun = "volume type"
    specs = "extra_specs"
    columns = (*_WORDS, Column("Is_Public", "is_public"))

    def kind(self) -> type[VolumeType]:
        from cgctl.model.tables import VolumeType  # noqa: PLC0415

        return VolumeType

    def get(self, env: Environment, reference: str) -> View:
        return manager.reads.volume_type(env, reference)

    def all(self, env: Environment, filters: dict[str, str], keys: Collection[str] | None) -> list[View]:
        return manager.reads.volume_types(env, filters, keys)

    def keys(self) -> tuple[str, ...]:
        return manager.views.VOLUME_TYPE.keys


class _GroupTypes(TypeCommands["GroupType"]):
    noun = "group type"
    specs = "group_specs"

    def kind(self) -> type[GroupType]:
        from cgctl.model.tables import GroupType  # noqa: PLC0415

        return GroupType

    def get(self, env: Environment, reference: str) -> View:
        return manager.reads.group_type(env, reference)

    def all(self, env: Environment, filters: dict[str, str], keys: Collection[str] | None) -> list[View]:
        return manager.reads.group_types(env, filters, keys)

    def keys(self) -> tuple[str, ...]:
        return manager.views.GROUP_TYPE.keys


VOLUME_TYPES, GROUP_TYPES = _VolumeTypes(), _GroupTypes()
