"""Which rows and columns of a result are printed: `-c`, `--long`, `--sort`, `--limit`, `--marker`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cgctl.cli.cells import Plain
from cgctl.cli.result import Column, Listing
from cgctl.errors import NotFound, UsageError

Row = dict[str, Plain]


@dataclass(frozen=True)
class Selection:
    """The options of the command line that choose. columns and sort: as typed, words with commas between allowed."""

    columns: Sequence[str] = ()
    long: bool = False
    sort: str | None = None
    limit: int | None = None
    marker: str | None = None


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


def chosen_rows(rows: Sequence[Row], known: Sequence[Column], selection: Selection, *, complete: bool) -> list[Row]:
    """Sorted, then what follows the marker, then at most `limit` rows. Raises UsageError, NotFound."""
    kept = list(rows)
    for key, descending in reversed(_sort_keys(selection.sort, known, complete=complete)):
        kept.sort(key=lambda row: _rank(row.get(key)), reverse=descending)
    if selection.marker is not None:
        kept = _after(kept, selection.marker)
    return kept if selection.limit is None else kept[: selection.limit]


def _sort_keys(sort: str | None, known: Sequence[Column], *, complete: bool) -> list[tuple[str, bool]]:
    keys = []
    for item in filter(None, (sort or "").split(",")):
        word, _, direction = item.partition(":")
        if direction.casefold() not in {"", "asc", "desc"}:
            raise UsageError(f"--sort {item}", f"unknown direction {direction!r}", "COLUMN, COLUMN:asc or COLUMN:desc")
        keys.append((find_column(word, known, complete=complete).key, direction.casefold() == "desc"))
    return keys


def _rank(value: Plain) -> tuple[int, float, str]:
    """Numbers before words before null; words without regard to case."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, (int, float)):
        return (0, value, "")
    return (1, 0, str(value).casefold())


def _after(rows: list[Row], marker: str) -> list[Row]:
    for index, row in enumerate(rows):
        if row.get("id") == marker:
            return rows[index + 1 :]
    raise NotFound(f"marker {marker}", "no row has this id", "--marker takes the last id of the page before")
