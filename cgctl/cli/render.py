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
from collections.abc import Iterable, Mapping, Sequence

from cgctl.cli.cells import Plain, bare, plain, printable, table_lines, width
from cgctl.cli.columns import cells_of
from cgctl.cli.result import Column, Format, Listing, Show
from cgctl.cli.selection import Page, Row, Selection, chosen_columns, page_of


def render_show(show: Show, form: Format, columns: Sequence[str] = ()) -> str:
    """One object as text. Raises UsageError for a column that it does not have."""
    fields = {key: plain(value) for key, value in show.fields.items()}
    known = [Column(key, key) for key in fields]
    chosen = [column.key for column in chosen_columns(columns, known)]
    if form in {Format.JSON, Format.YAML}:
        return _document({key: fields[key] for key in chosen or fields}, form)
    keys = chosen or show.shown or sorted(fields)
    if form is Format.TABLE:
        tables = (("Property", keys),) if chosen or not show.tables else show.tables
        return "".join(_properties(title, its, fields) for title, its in tables)
    if form is Format.CSV:
        return _csv(keys, [[printable(bare(fields.get(key))) for key in keys]])
    return "".join(f"{printable(bare(fields.get(key)))}\n" for key in keys)


def _properties(title: str, keys: Iterable[str], fields: Mapping[str, Plain]) -> str:
    return _table([title, "Value"], ([[printable(key)], table_lines(fields.get(key))] for key in keys))


def render_listing(listing: Listing, form: Format, selection: Selection = Selection()) -> str:  # noqa: B008 (frozen)
    """Many objects as text. Raises UsageError for unknown columns, NotFound for an unknown marker."""
    return render_page(page_of(listing, selection, whole=form in {Format.JSON, Format.YAML}), form)


def render_page(page: Page, form: Format) -> str:
    """The chosen rows and columns as text."""
    if form in {Format.JSON, Format.YAML}:
        keys = [column.key for column in page.columns or ()]
        rows = ({key: row.get(key) for key in keys} if keys else row for row in page.rows)
        return _document([{key: plain(value) for key, value in row.items()} for row in rows], form)
    assert page.columns is not None
    if form is Format.TABLE:
        return _wide_table(page.columns, page.rows)
    keys = [column.key for column in page.columns]
    texts = zip(*([printable(bare(plain(row.get(key)))) for row in page.rows] for key in keys), strict=True)
    if form is Format.CSV:
        return _csv(keys, texts)
    return "".join(" ".join(row) + "\n" for row in texts)


def _document(document: Plain, form: Format) -> str:
    if form is Format.JSON:
        return json.dumps(document, indent=2) + "\n"
    from cgctl.config.document import to_yaml  # noqa: PLC0415 (16 ms that only -f yaml pays)

    return to_yaml(document)


def _csv(keys: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows(rows)
    return text.getvalue()


def _wide_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A listing: its columns one by one, and where every cell is one line, each line joined at once."""
    headings = [column.heading for column in columns]
    cells = [cells_of([row.get(column.key) for row in rows]) for column in columns]
    if any(column.lines for column in cells):
        return _table(
            headings, zip(*(column.lines or [[text] for text in column.texts] for column in cells), strict=True)
        )
    widths = [max(column.width, width(heading)) for column, heading in zip(cells, headings, strict=True)]
    padded = [column.padded(size) for column, size in zip(cells, widths, strict=True)]
    body = "".join("| " + " | ".join(line) + " |\n" for line in zip(*padded, strict=True))
    rule = _rule(widths)
    return f"{rule}{_line(headings, widths)}{rule}{body}{rule}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[list[str]]]) -> str:
    """rows: for each row, for each column, the lines of the cell."""
    body = list(rows)
    widths = [width(heading) for heading in headings]
    for row in body:
        for index, lines in enumerate(row):
            widths[index] = max(widths[index], *map(width, lines))
    rule = _rule(widths)
    text = [rule, _line(headings, widths), rule]
    for row in body:
        height = max(map(len, row))
        text += [_line([c[n] if n < len(c) else "" for c in row], widths) for n in range(height)]
    return "".join([*text, rule])


def _rule(widths: Sequence[int]) -> str:
    return "+" + "+".join("-" * (size + 2) for size in widths) + "+\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (size - width(cell)) for cell, size in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |\n"
