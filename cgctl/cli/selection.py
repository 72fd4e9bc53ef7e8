"""Which rows and columns of a result are printed: `-c`, `--long`, `--sort`, `--limit`, `--marker`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cgctl.cli.cells import plain
from cgctl.cli.result import Column, Listing
from cgctl.errors import NotFound, UsageError

Row = Mapping[str, object]


@dataclass(frozen=True)
class Selection:
    """The options of the command line that choose. columns and sort: as typed, words with commas between allowed."""

    columns: Sequence[str] = ()
    long: bool = False
    sort: str | None = None
    limit: int | None = None
    marker: str | None = None
    with_count: bool = False


@dataclass(frozen=True)
class Page:
    """What is printed of a listing. columns None: whole objects. total: rows before marker and limit."""

    rows: Sequence[Row]
    columns: Sequence[Column] | None
    total: int


def page_of(listing: Listing, selection: Selection, *, whole: bool = False) -> Page:
    """Rows and columns that the options choose. whole: objects with all keys unless `-c` names some.

    Raises UsageError for unknown columns, NotFound for an unknown marker.
    """
    rows: Sequence[Row] = () if callable(listing.rows) else listing.rows
    known = known_columns(listing, rows)
    complete = bool(rows or listing.keys)
    chosen = chosen_columns(selection.columns, known, complete=complete)
    order = sort_keys(selection.sort, known, complete=complete)
    printed = chosen or (None if whole else known if selection.long else listing.columns)
    if callable(listing.rows):
        rows = listing.read({"id", *(c.key for c in printed), *(key for key, _ in order)} if printed else None)
    return Page(chosen_rows(rows, order, selection), printed, len(rows))


def known_columns(listing: Listing, rows: Iterable[Row]) -> tuple[Column, ...]:
    """All columns there are: the default ones first, then every other key in the order of its first appearance."""
    default = {column.key: column for column in listing.columns}
    others = dict.fromkeys([*listing.keys, *(key for row in rows for key in row)])
    return (*listing.columns, *(Column(key, key) for key in others if key not in default))


def find_column(word: str, known: Sequence[Column], *, complete: bool = True) -> Column:
    """The column with this heading or key, in any case. complete: `known` holds all there are, else any word passes."""
    wanted = word.strip().casefold()
    for column in known:
        if wanted in {column.key.casefold(), column.heading.casefold()}:
            return column
    if not complete:
        return Column(word, word)
    raise UsageError(f"column {word!r}", "there is none", f"columns: {', '.join(c.key for c in known)}")


def chosen_columns(words: Sequence[str], known: Sequence[Column], *, complete: bool = True) -> list[Column]:
    """The columns that `-c` names, in its order. Raises UsageError."""
    return [find_column(word, known, complete=complete) for item in words for word in item.split(",") if word.strip()]


def chosen_rows(rows: Sequence[Row], order: Sequence[tuple[str, bool]], selection: Selection) -> Sequence[Row]:
    """Sorted, then what follows the marker, then at most `limit` rows. Raises NotFound."""
    for key, descending in reversed(order):
        rows = sorted(rows, key=lambda row: _rank(row.get(key)), reverse=descending)
    if selection.marker is not None:
        rows = _after(rows, selection.marker)
    return rows if selection.limit is None else rows[: selection.limit]


def sort_keys(sort: str | None, known: Sequence[Column], *, complete: bool) -> list[tuple[str, bool]]:
    """The keys of `--sort`, and whether each descends. Raises UsageError."""
    keys = []
    for item in filter(None, (sort or "").split(",")):
        word, _, direction = item.partition(":")
        if direction.casefold() not in {"", "asc", "desc"}:
            raise UsageError(f"--sort {item}", f"unknown direction {direction!r}", "COLUMN, COLUMN:asc or COLUMN:desc")
        keys.append((find_column(word, known, complete=complete).key, direction.casefold() == "desc"))
    return keys


def _rank(value: object) -> tuple[int, float, str]:
    """Numbers before words before null; words without regard to case."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, (int, float)):
        return (0, value, "")
    return (1, 0, str(plain(value)).casefold())


def _after(rows: Sequence[Row], marker: str) -> Sequence[Row]:
    for index, row in enumerate(rows):
        if row.get("id") == marker:
            return rows[index + 1 :]
    raise NotFound(f"marker {marker}", "no row has this id", "--marker takes the last id of the page before")
