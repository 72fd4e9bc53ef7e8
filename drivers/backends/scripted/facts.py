"""What all kinds of pools print of themselves, and what is found by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drivers.contract import Finding, ObjectKind, ServerObject


class Room(Protocol):
    """How large the pool is, and what is left of it."""

    @property
    def total_bytes(self) -> int: ...

    @property
    def free_bytes(self) -> int: ...


def fact(text: str, word: str) -> str:
    """The rest of the line that begins with this word."""
    return next(line.removeprefix(word).strip() for line in text.splitlines() if line.split(" ")[0] == word)


def is_marked(text: str) -> bool:
    """From the line `mark ours` or `mark none`."""
    return fact(text, "mark") == "ours"


def live_sizes(objects: Sequence[ServerObject]) -> list[int]:
    """Of every complete volume, in bytes."""
    return [item.size_bytes or 0 for item in objects if item.kind is ObjectKind.VOLUME and item.complete]


def of_owner(found: str, owner: str, pool: str) -> Finding:
    """Whose mark the pool carries."""
    if found == owner:
        return Finding("owner", True, "the pool belongs to this state store")
    if not found:
        return Finding("owner", True, "the pool belongs to nobody; the first object that is made in it marks it")
    hint = "use the state store that the pool belongs to, or another pool"
    return Finding("owner", False, f"{pool} belongs to another state store ({found})", hint)


def of_leftovers(objects: Sequence[ServerObject]) -> Finding:
    """What was left half-made."""
    left = [f"{item.kind.value} {item.id}" for item in objects if not item.complete]
    if not left:
        return Finding("leftovers", True, "nothing half-made")
    return Finding("leftovers", False, f"half-made or void: {', '.join(left)}", "run `cgctl recover`")
