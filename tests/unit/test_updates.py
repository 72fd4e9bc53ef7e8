"""The one reading of a driver's updates: seed 003, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.manager.updates import Reading, read_group_updates, read_updates
from cgctl.model.states import TRANSITIONAL
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


STATUS = st.sampled_from(["available", "deleted", "error", "error_deleting", "in-use", *sorted(TRANSITIONAL)])
WHOLE = st.none() | st.builds(lambda status: ModelUpdate(status=status), STATUS)
LISTED = st.none() | st.lists(
    st.builds(lambda row_id, status: ModelUpdate(id=row_id, status=status), st.sampled_from("abc"), STATUS), max_size=4
)


@given(WHOLE, LISTED, st.sampled_from(["available", "deleted"]))
def test_whatever_a_driver_says_nothing_stays_half_done_and_no_error_is_lost(
    whole: ModelUpdate | None, listed: Listed, success: str
) -> None:
    reading = read_updates(["a", "b"], whole, listed, success)
    assert set(reading.members) == {"a", "b"}
    assert not {reading.whole, *reading.members.values()} & TRANSITIONAL
    said = {update["status"] for update in [*(listed or ()), *([whole] if whole else ())]}
    bad = {"error", "error_deleting", *TRANSITIONAL}
    last = {update["id"]: update["status"] for update in listed or ()}
    told_bad = bool(bad & {*last.values(), (whole or {}).get("status", success)})
    assert reading.failed is told_bad
    if not bad & said:
        assert all(reading.members[one] == last.get(one, success) for one in "ab")


@given(WHOLE, LISTED, LISTED)
def test_a_move_is_done_for_all_or_in_error_for_all(whole: ModelUpdate | None, added: Listed, removed: Listed) -> None:
    before = {"a": "available", "b": "in-use"}
    reading = read_group_updates(["a", "b"], (whole, added, removed), "available", before)
    if reading.failed:
        assert set(reading.members.values()) == {"error"}
    elif not (added or removed):
        assert reading.members == before
    assert not {reading.whole, *reading.members.values()} & TRANSITIONAL
