"""What objects are called, for the shell's completion: no tables, no manager, for SQLite nothing but the database.

At each press of the Tab key a process starts; sqlmodel alone would be half a second of it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

MOST = 500
"""More than anyone looks through."""

_COLUMNS: Mapping[str, tuple[str, str]] = {
    "groups": ("name", "status"),
    "volumes": ("name", "status"),
    "snapshots": ("name", "status"),
    "group_snapshots": ("name", "status"),
    "volume_types": ("name", "description"),
    "group_types": ("name", "description"),
    "attachments": ("NULL", "status"),
    "backups": ("name", "status"),
    "messages": ("NULL", "reason"),
}
"""For each kind of object its table, with what it is called and what is said of it."""

_TYPED = re.compile(r"[\w.@%+-]+", re.ASCII)
"""What every shell takes as it is."""


def names(url: str, kind: str, beginning: str) -> list[tuple[str, str]]:
    """Names (ids, where there is none that a shell takes as it is) that begin so, with a word about each.

    Empty for a state that is not there; a state is never made or changed.
    """
    called, said = _COLUMNS[kind]
    query = (
        f"SELECT id, {called}, {said} FROM {kind} WHERE substr(id, 1, :size) = :text"
        f" OR substr({called}, 1, :size) = :text ORDER BY 2, 1 LIMIT {MOST}"
    )
    parameters: dict[str, object] = {"size": len(beginning), "text": beginning}
    rows = _sqlite(url, query, parameters) if url.startswith("sqlite") else _other(url, query, parameters)
    return [(_word(str(row[0]), row[1], beginning), str(row[2] or "")) for row in rows]


def _word(row_id: str, name: object, beginning: str) -> str:
    usable = isinstance(name, str) and _TYPED.fullmatch(name) and name.startswith(beginning)
    return str(name) if usable else row_id


def _sqlite(url: str, query: str, parameters: Mapping[str, object]) -> Sequence[tuple[object, ...]]:
    path = url.partition(":///")[2]
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=1)) as connection:
            rows: list[tuple[object, ...]] = connection.execute(query, parameters).fetchall()
            return rows
    except sqlite3.Error:
        return []


def _other(url: str, query: str, parameters: Mapping[str, object]) -> Sequence[tuple[object, ...]]:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 (half a second)
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), parameters)]
    except SQLAlchemyError:
        return []
    finally:
        engine.dispose()
