"""The one reading of a driver's updates: seed 003, case by case."""

from __future__ import annotations

import pytest

from cgctl.manager.updates import Reading, read_updates
from drivers.contract import ModelUpdate

GOOD, BAD, BAD_DELETE = ({"status": word} for word in ("available", "error", "error_deleting"))
Listed = list[ModelUpdate] | None


def one(status: str) -> ModelUpdate:
    return ModelUpdate(id="a", status=status)


def other(status: str) -> ModelUpdate:
    return ModelUpdate(id="b", status=status)


TABLE: list[tuple[str, ModelUpdate | None, Listed, str, dict[str, str]]] = [
    ("None is success", None, None, "available", {"a": "available", "b": "available"}),
    ("all fine", ModelUpdate(status="available"), [one("available"), other("available")], "available",
     {"a": "available", "b": "available"}),
    ("an empty list is success", None, [], "available", {"a": "available", "b": "available"}),
    ("one error lifts the whole", None, [one("available"), other("error")], "error", {"a": "available", "b": "error"}),
    ("although the whole is said to be good", ModelUpdate(status="available"), [one("available"), other("error")],
     "error", {"a": "available", "b": "error"}),
    ("nobody knows of who is not listed beside an error", None, [other("error")], "error",
     {"a": "error", "b": "error"}),
    ("nothing stays half done, whatever the driver says", None, [one("available"), other("creating")], "error",
     {"a": "available", "b": "error"}),
    ("error_deleting is an error", None, [one("deleted"), other("error_deleting")], "error",
     {"a": "deleted", "b": "error_deleting"}),
    ("an error without a list is everyone's", ModelUpdate(status="error"), None, "error", {"a": "error", "b": "error"}),
    ("with a list only of the listed", ModelUpdate(status="error"), [one("error"), other("available")], "error",
     {"a": "error", "b": "available"}),
    ("strangers in the list are nobody's", None, [ModelUpdate(id="c", status="available")], "available",
     {"a": "available", "b": "available"}),
    ("an update without a status says nothing", ModelUpdate(), [ModelUpdate(id="a")], "available",
     {"a": "available", "b": "available"}),
]  # fmt: skip


@pytest.mark.parametrize(("_case", "whole", "listed", "status", "members"), TABLE, ids=[row[0] for row in TABLE])
def test_reading(_case: str, whole: ModelUpdate | None, listed: Listed, status: str, members: dict[str, str]) -> None:
    reading = read_updates(["a", "b"], whole, listed, "available")
    assert (reading.whole, reading.members) == (status, members)
    assert reading.failed is (status == "error")
    assert reading.failed_members == [key for key, its in members.items() if its.startswith("error")]


def test_reasons_are_kept_with_their_members() -> None:
    reading = read_updates(["a", "b"], None, [ModelUpdate(id="b", status="error", reason="is mounted")], "deleted")
    assert reading.told("a", "first") == "first"
    assert reading.told("b", "second") == "second (is mounted)"


def test_a_whole_without_members_has_its_own_status() -> None:
    assert read_updates([], ModelUpdate(status="error", reason="odd"), None, "deleted") == Reading(
        "error", {}, {}, "odd"
    )
