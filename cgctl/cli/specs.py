"""`type-key` and `group-type-key`: the same words for both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from cgctl.manager import kinds
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
        kinds.set_specs(env, kind, reference, parse_pairs("spec", words))
    else:
        kinds.unset_specs(env, kind, reference, [word.partition("=")[0] for word in words])
