"""Matching a spec's requirement against a reported capability: Cinder's operators (cinder-groups.md, C.4 and C.5).

Pure. The first word of a requirement is the operator; an unknown first word means plain equality of the whole string.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})

_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,  # Cinder's oddity, kept: `= 4` means at least 4
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_STRING: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s>": operator.gt,
    "s>=": operator.ge,
    "s<": operator.lt,
    "s<=": operator.le,
}


def parse_bool(text: object) -> bool | None:
    """A lenient boolean: yes/true/on/1 and their opposites; None for anything else."""
    word = str(text).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _numeric(word: str, value: object, operand: str) -> bool:
    try:
        return _NUMERIC[word](float(str(value)), float(operand))
    except ValueError:
        return False


def _is(value: object, operand: str) -> bool:
    wanted = parse_bool(operand)
    return wanted is not None and parse_bool(value) is wanted


def _or(value: object, requirement: str) -> bool:
    return str(value) in [word.strip() for word in requirement.split("<or>") if word.strip()]


def matches(value: object, requirement: str | None) -> bool:
    """Whether a capability's value satisfies a requirement; a list does when any of its elements does."""
    if requirement is None or value is None:
        return requirement is None and value is None
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(matches(element, requirement) for element in value)
    word, _, operand = requirement.strip().partition(" ")
    return _matches_word(word, value, operand.strip(), requirement)


def _matches_word(word: str, value: object, operand: str, requirement: str) -> bool:
    if word in _NUMERIC:
        return _numeric(word, value, operand)
    if word in _STRING:
        return _STRING[word](str(value), operand)
    by_word = {"<in>": lambda: operand in str(value), "<or>": lambda: _or(value, requirement)}
    by_word["<is>"] = lambda: _is(value, operand)
    return by_word.get(word, lambda: _plain(value, requirement))()


def _plain(value: object, requirement: str) -> bool:
    """Equality of the whole string. A spec `True` means what its writer meant, also for a boolean capability."""
    if isinstance(value, bool):
        return parse_bool(requirement) is value
    return str(value) == requirement


def capability(capabilities: Mapping[str, object], key: str) -> tuple[bool, object]:
    """(takes part, value) of a spec key: `capabilities:x` is x, nested by `:`; other scopes are vendors' keys."""
    scope, *path = key.split(":")
    if path and scope != "capabilities":
        return False, None
    value: object = capabilities
    for word in path or [scope]:
        value = value.get(word) if isinstance(value, Mapping) else None
    return True, value


def unmet(specs: Mapping[str, str | None], capabilities: Mapping[str, object]) -> list[str]:
    """What fails, each as `key requirement (backend has value)`; empty when the backend satisfies all specs."""
    failures = []
    for key, requirement in sorted(specs.items()):
        takes_part, value = capability(capabilities, key)
        if takes_part and not matches(value, requirement):
            failures.append(f"{key} {requirement} (has {'nothing' if value is None else value})")
    return failures


def is_true(specs: Mapping[str, str | None], key: str) -> bool:
    """Whether a spec says yes: `<is> True` in any boolean spelling, or a bare boolean word."""
    requirement = specs.get(key)
    if requirement is None:
        return False
    return parse_bool(requirement.removeprefix("<is>")) is True
