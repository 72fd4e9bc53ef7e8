"""Results as text, whatever the names hold."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cgctl.cli.cells import Plain, bare, plain, printable, width
from cgctl.cli.render import render_listing, render_show
from cgctl.cli.result import Column, Format, Listing, Show
from cgctl.cli.selection import Selection
from cgctl.errors import NotFound, UsageError

COLUMNS = (Column("ID", "id"), Column("Name", "name"))


class Status(StrEnum):
    FAILING_OVER = "failing-over"


def listing(*names: object) -> Listing:
    return Listing([{"id": f"i{n}", "name": name, "size": n} for n, name in enumerate(names)], COLUMNS)


def names(found: Listing, **options: object) -> list[str]:
    text = render_listing(found, Format.VALUE, Selection(columns=["name"], **options))  # type: ignore[arg-type]
    return text.splitlines()


def test_show_is_a_property_table_sorted_by_key() -> None:
    assert render_show(Show({"b": None, "a": True, "d": {"y": 1, "x": "z"}}), Format.TABLE) == (
        "+----------+-------+\n"
        "| Property | Value |\n"
        "+----------+-------+\n"
        "| a        | True  |\n"
        "| b        | -     |\n"
        "| d        | x : z |\n"
        "|          | y : 1 |\n"
        "+----------+-------+\n"
    )


def test_shown_limits_tables_and_value_but_not_json() -> None:
    show = Show({"id": 1, "name": "x", "size": None}, shown=("name", "size"))
    assert render_show(show, Format.VALUE) == "x\n\n"
    assert "id" not in render_show(show, Format.TABLE)
    assert json.loads(render_show(show, Format.JSON)) == {"id": 1, "name": "x", "size": None}
    assert list(json.loads(render_show(show, Format.JSON, ["SIZE", "id"]))) == ["size", "id"]


def test_times_are_utc_with_z() -> None:
    east = timezone(timedelta(hours=2))
    assert plain(datetime(2026, 11, 5, 12, 0, 0, 5, tzinfo=east)) == "2026-11-05T10:00:00.000005Z"
    assert plain(datetime(2026, 11, 5, 10)) == "2026-11-05T10:00:00.000000Z"
    assert datetime.fromisoformat(str(plain(datetime.now(UTC)))).utcoffset() == timedelta(0)


def test_enums_sets_and_tuples_become_plain_values() -> None:
    assert plain({"s": Status.FAILING_OVER, "t": (1, 2), "u": {"b", "a"}}) == {
        "s": "failing-over",
        "t": [1, 2],
        "u": ["a", "b"],
    }
    assert type(plain(Status.FAILING_OVER)) is str


def test_bare_cells() -> None:
    cells: list[Plain] = [None, ["a", "b"], [], {"k": [1]}, [{"k": 1}], True]
    assert [bare(cell) for cell in cells] == ["", "a,b", "", '{"k": [1]}', '[{"k": 1}]', "True"]


def test_columns_are_chosen_by_heading_or_key_in_any_case_and_order() -> None:
    found = listing("x")
    assert render_listing(found, Format.CSV, Selection(columns=["SIZE", "Name"])) == "size,name\n0,x\n"
    assert json.loads(render_listing(found, Format.JSON, Selection(columns=["name,ID"]))) == [{"name": "x", "id": "i0"}]


def test_unknown_column_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="nope") as refused:
        render_listing(listing("x"), Format.TABLE, Selection(columns=["nope"]))
    assert refused.value.hint == "columns: id, name, size"


def test_column_of_an_empty_list_is_refused_only_when_all_keys_are_known() -> None:
    assert render_listing(Listing([], COLUMNS), Format.VALUE, Selection(columns=["size"])) == ""
    with pytest.raises(UsageError):
        render_listing(Listing([], COLUMNS, keys=("id", "name")), Format.VALUE, Selection(columns=["size"]))


def test_sorting_is_stable_without_case_and_null_comes_last() -> None:
    found = listing("b", None, "A", "a", "B")
    assert names(found, sort="name") == ["A", "a", "b", "B", ""]
    assert names(found, sort="name:desc") == ["", "b", "B", "A", "a"]
    assert names(found, sort="name,size:desc") == ["a", "A", "B", "b", ""]


def test_numbers_are_sorted_as_numbers() -> None:
    rows: list[dict[str, object]] = [{"id": str(n), "name": n} for n in (10, 9, 100)]
    assert names(Listing(rows, COLUMNS), sort="name") == ["9", "10", "100"]


def test_marker_and_limit_page_through_all_rows() -> None:
    found, seen, marker = listing(*"edcba"), list[str](), None
    while True:
        options = Selection(columns=["id"], sort="name", limit=2, marker=marker)
        page = render_listing(found, Format.VALUE, options).split()
        if not page:
            break
        seen, marker = seen + page, page[-1]
    assert seen == ["i4", "i3", "i2", "i1", "i0"]


def test_unknown_marker_is_not_found() -> None:
    with pytest.raises(NotFound):
        render_listing(listing("x"), Format.TABLE, Selection(marker="nope"))


@pytest.mark.parametrize(
    ("text", "columns"), [("größe", 5), ("日本", 4), ("🚀x", 3), ("e\u0301", 1), ("❤\ufe0f", 2), ("\uff21", 2)]
)
def test_width_on_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\u202egnp", r"\u202egnp"),
        ("\x9b2J", r"\x9b2J"),
        ("\udcff", r"\udcff"),
        ("[red]x[/]", "[red]x[/]"),
    ],
)
def test_invisible_characters_are_escaped(raw: str, shown: str) -> None:
    assert printable(raw) == shown


HOSTILE = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\n\r\t\x00\x7f\x9b\u202e\u2028[]|+-🚀日e\u0301\ufe0f")),
    max_size=20,
)


@given(st.lists(HOSTILE, max_size=5))
def test_tables_stay_rectangular_and_harmless(found: list[str]) -> None:
    lines = render_listing(listing(*found), Format.TABLE).split("\n")[:-1]
    assert len(lines) == 4 + len(found)
    assert all(line.isprintable() for line in lines)
    assert len({width(line) for line in lines}) == 1


@given(st.lists(HOSTILE, max_size=5))
def test_value_prints_one_row_a_line(found: list[str]) -> None:
    assert render_listing(listing(*found), Format.VALUE).count("\n") == len(found)


@given(st.lists(HOSTILE, max_size=5))
def test_json_and_yaml_give_back_the_exact_names(found: list[str]) -> None:
    assert [row["name"] for row in json.loads(render_listing(listing(*found), Format.JSON))] == found
    document = yaml.safe_load(render_listing(listing(*found), Format.YAML))
    assert [row["name"] for row in document] == found


@given(st.lists(HOSTILE, max_size=5))
def test_csv_gives_back_what_tables_show(found: list[str]) -> None:
    text = render_listing(listing(*found), Format.CSV)
    assert [row["name"] for row in csv.DictReader(io.StringIO(text))] == [printable(name) for name in found]
    assert text.count("\n") == len(found) + 1
