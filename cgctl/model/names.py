"""What people may write: names, descriptions, key=value words, sizes. Pure; refusals are UsageErrors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from cgctl.errors import UsageError

MAX_TEXT = 255
MIN_PREFIX = 8
GIB = 1024**3
BLOCK = 512
LARGEST = 2**60

CG_TYPE = "default_cgsnapshot_type"
"""The group type of consistency groups; `group-create` may not use it, as in Cinder."""

CARRIES = "migrates"
"""The metadata key of a group that is made for one volume's way to another backend; its value is the volume's id."""

_UNITS = {"": GIB, "M": 1024**2, "G": GIB, "T": 1024**4}
_SIZE = re.compile(r"(?P<number>[0-9]{1,12})(?P<unit>[MGT]?)(i?B)?", re.I | re.ASCII)
_UNIT_NAME = "1 GiB is `1`, 512 MiB is `512M`, 2 TiB is `2T`"
_GROUP_SPEC_KEY = re.compile(r"[a-zA-Z0-9\-_:.]{1,255}")
_EXTRA_SPEC_KEY = re.compile(r"[a-zA-Z0-9\-_:. /]{1,255}")


def checked_text(kind: str, text: str | None) -> str | None:
    """A name or description: at most 255 characters, none of them a control character (they break one-line output)."""
    if text is None:
        return None
    if len(text) > MAX_TEXT:
        raise UsageError(kind, f"is {len(text)} characters long, at most {MAX_TEXT} are allowed", "give a shorter one")
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            shown = character.encode("unicode_escape").decode()
            raise UsageError(
                kind, f"holds the control character {shown}", "leave out line breaks and control characters"
            )
    return text


def required_name(kind: str, text: str) -> str:
    """A name that must not be blank."""
    checked = checked_text(kind, text)
    if not checked or not checked.strip():
        raise UsageError(kind, "is blank", "give a name")
    return checked


def parse_size(text: str) -> int:
    """Bytes of a size: GiB as in Cinder (`10`), or `512M`, `10G`, `2T`."""
    found = _SIZE.fullmatch(text.strip())
    size_bytes = int(found["number"]) * _UNITS[found["unit"].upper()] if found else 0
    if size_bytes <= 0:
        raise UsageError(f"size '{text}'", "is not a whole number above zero, with M, G or T behind it", _UNIT_NAME)
    if size_bytes > LARGEST:
        raise UsageError(f"size '{text}'", "is more than 1 EiB", _UNIT_NAME)
    return size_bytes


def size_gib(size_bytes: int) -> int | float:
    """GiB for people and JSON: whole where it is whole."""
    return size_bytes // GIB if size_bytes % GIB == 0 else round(size_bytes / GIB, 6)


def plain_name(name: str, row_id: str) -> str:
    """A name of letters, digits, `.`, `_` and `-` for a file or a device, told apart by the beginning of the id."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80]
    return f"{plain or 'unnamed'}-{row_id[:8]}"


def parse_pairs(kind: str, words: Iterable[str]) -> dict[str, str]:
    """`key=value` words as a dictionary."""
    pairs = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key:
            raise UsageError(kind, f"'{word}' is not of the form key=value", f"for example: {kind} key=value")
        checked_text(f"{kind} key", key)
        pairs[key] = checked_text(f"{kind} {key}", value) or ""
    return pairs


def checked_spec_keys(kind: str, keys: Iterable[str], *, group: bool) -> None:
    """Spec keys have a narrow alphabet, in which group specs allow no space."""
    pattern = _GROUP_SPEC_KEY if group else _EXTRA_SPEC_KEY
    for key in keys:
        if not pattern.fullmatch(key):
            raise UsageError(kind, f"key '{key}' is not allowed", "letters, digits and - _ : . make a key")


def split_list(kind: str, text: str) -> list[str]:
    """A comma list, without blanks and in its order; a word twice is an error."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise UsageError(kind, f"{', '.join(twice)} is named twice", "name each once")
    return words


def looks_like_prefix(reference: str) -> bool:
    """Whether a reference can be the beginning of an id."""
    return len(reference) >= MIN_PREFIX and re.fullmatch(r"[0-9a-f-]+", reference) is not None


def candidates_hint(rows: Sequence[tuple[str, str | None]]) -> str:
    """A hint that lists (id, name) candidates of an ambiguous name."""
    shown = ", ".join(f"{row_id} ({name or '-'})" for row_id, name in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"use an id: {shown}{more}"
