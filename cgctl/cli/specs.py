"""What `type-*` and `group-type-*` share: the same words for both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from cgctl import manager
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import Kind
from cgctl.model.names import parse_pairs


class SpecAction(StrEnum):
    """What happens to the named specs."""

    SET = "set"
    UNSET = "unset"


def change_specs(env: Environment, kind: type[Kind], reference: str, action: SpecAction, words: Sequence[str]) -> None:
    """Set `key=value` words, or unset keys (with or without a value, as Cinder's client takes them)."""
    if action is SpecAction.SET:
        manager.kinds.set_specs(env, kind, reference, parse_pairs("spec", words))
    else:
        manager.kinds.unset_specs(env, kind, reference, [word.partition("=")[0] for word in words])


def given(name: str | None, description: str | None, is_public: bool | None) -> dict[str, str | bool | None]:
    """What an update was given; what was left out is not in it, and stays as it is."""
    words: dict[str, str | bool | None] = {"name": name, "description": description, "is_public": is_public}
    return {key: word for key, word in words.items() if word is not None}
