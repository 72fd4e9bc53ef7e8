"""Results as text: table, json, yaml, csv or value.

JSON and YAML print all keys of an object and of each row; csv and value print the columns of the table, csv with the
keys as its header. Tables are the same plain ASCII on a terminal and elsewhere, so that what is seen can be cut and
compared; no markup is interpreted. Invisible and control characters of names are escaped (`\\n`, `\\x1b`) in table, csv
and value: one row stays one line, and no name can steer the terminal; JSON and YAML give the exact text back.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum

from cgctl.cli.cells import Plain, bare, plain, printable, table_lines, width
from cgctl.cli.result import Column, Listing, Show
from cgctl.cli.selection import Row, Selection, chosen_columns, chosen_rows, known_columns


class Format(StrEnum):
    """The words of `--format`."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    VALUE = "value"


def render_show(show: Show, form: Format, columns: Sequence[str] = ()) -> str:
    """One object as text. Raises UsageError for a column that it does not have."""
    fields = {key: plain(value) for key, value in show.fields.items()}
    known = [Column(key, key) for key in fields]
    chosen = [column.key for column in chosen_columns(columns, known)]
    if form in {Format.JSON, Format.YAML}:
        return _document({key: fields[key] for key in chosen or fields}, form)
    keys = chosen or show.shown or sorted(fields)
    if form is Format.TABLE:
        return _table(["Property", "Value"], ([[printable(key)], table_lines(fields.get(key))] for key in keys))
    if form is Format.CSV:
        return _csv(keys, [fields])
    return "".join(f"{printable(bare(fields.get(key)))}\n" for key in keys)


def render_listing(listing: Listing, form: Format, selection: Selection = Selection()) -> str:  # noqa: B008 (frozen)
    """Many objects as text. Raises UsageError for unknown columns, NotFound for an unknown marker."""
    rows: list[Row] = [{key: plain(value) for key, value in row.items()} for row in listing.rows]
    known = known_columns(listing, rows)
    complete = bool(rows or listing.keys)
    chosen = chosen_columns(selection.columns, known, complete=complete)
    rows = chosen_rows(rows, known, selection, complete=complete)
    if form in {Format.JSON, Format.YAML}:
        return _document([{c.key: row.get(c.key) for c in chosen} if chosen else row for row in rows], form)
    columns = chosen or (known if selection.long else listing.columns)
    if form is Format.TABLE:
        cells = ([table_lines(row.get(column.key)) for column in columns] for row in rows)
        return _table([column.heading for column in columns], cells)
    keys = [column.key for column in columns]
    if form is Format.CSV:
        return _csv(keys, rows)
    return "".join(" ".join(printable(bare(row.get(key))) for key in keys) + "\n" for row in rows)


def _document(document: Plain | list[Row], form: Format) -> str:
    if form is Format.JSON:
        return json.dumps(document, indent=2) + "\n"
    from cgctl.config.document import to_yaml  # noqa: PLC0415 (16 ms that only -f yaml pays)

    return to_yaml(document)


def _csv(keys: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([printable(bare(row.get(key))) for key in keys] for row in rows)
    return text.getvalue()


def _table(headings: Sequence[str], rows: Iterable[list[list[str]]]) -> str:
    """rows: for each row, for each column, the lines of the cell."""
    body = list(rows)
    widths = [width(heading) for heading in headings]
    for row in body:
        for index, lines in enumerate(row):
            widths[index] = max(widths[index], *map(width, lines))
    rule = "+" + "+".join("-" * (size + 2) for size in widths) + "+\n"
    text = [rule, _line(headings, widths), rule]
    for row in body:
        height = max(map(len, row))
        text += [_line([c[n] if n < len(c) else "" for c in row], widths) for n in range(height)]
    return "".join([*text, rule])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (size - width(cell)) for cell, size in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |\n"
