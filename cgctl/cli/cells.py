"""From Python values to what is printed: JSON-able values, the text of a cell, its width on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def plain(value: object) -> Plain:  # noqa: PLR0911 (one line per kind of value)
    """The value as JSON knows it. Times become ISO 8601 UTC with `Z`; a time without a zone counts as UTC."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def iso(time: datetime) -> str:
    """`2026-11-05T10:00:00.000000Z`: always UTC, always with microseconds, so that text sorts as time."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def printable(text: str) -> str:
    """The text on one line, harmless to a terminal: control, format and other invisible characters are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def table_lines(value: Plain) -> list[str]:
    """A cell of a table: `-` for null, dicts and lists one entry a line."""
    if value is None:
        return ["-"]
    if isinstance(value, dict):
        return [f"{printable(key)} : {_one_line(value[key])}" for key in sorted(value)] or [""]
    if isinstance(value, list):
        return [_one_line(item) for item in value] or [""]
    return [printable(scalar(value))]


def scalar(value: object) -> str:
    """A scalar in a table: six decimals at most, nobody reads sixteen. csv, value and JSON keep them."""
    if value is None:
        return "-"
    return str(round(value, 6)) if isinstance(value, float) else str(value)


def bare(value: Plain) -> str:
    """A cell of csv and value: empty for null, `a,b` for lists of words, else JSON for what is nested."""
    if value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return ",".join(bare(item) for item in value)
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def _one_line(value: Plain) -> str:
    return json.dumps(value) if isinstance(value, (list, dict)) else printable("-" if value is None else str(value))


def width(text: str) -> int:
    """Columns of a terminal that the text takes: wide characters and emoji two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(c) for c in text) + _emoji_selected(text)


def _character_width(character: str) -> int:
    import unicodedata  # noqa: PLC0415 (2 ms; most names are ASCII)

    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _emoji_selected(text: str) -> int:
    """One column more for each narrow character that VARIATION SELECTOR-16 turns into an emoji."""
    return sum(_character_width(before) == 1 for before, after in pairwise(text) if after == "\ufe0f")
