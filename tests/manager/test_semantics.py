"""Seeds 002 and 003."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cgctl.manager.placement import place
from tests.manager import faulty, partial
from tests.manager.agreement import disagreements, shape
from tests.manager.house import House

Fresh = Callable[[], House]


# Seed 003


def test_a_partial_delete_tells_which_members_are_left_and_a_second_run_finishes(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, partial.only_first_goes(db, "db", db.context()))
    ran = db.run("group-delete", "db", "--delete-volumes")
    faulty.install(monkeypatch, faulty.well)
    assert ran.code == 6
    assert "db-1" in ran.err
    assert "db-0" not in ran.err
    assert "is mounted on the server" in ran.err
    assert db.status("group-show", "db") == "error"
    assert db.status("show", "db-1") == "error_deleting"
    assert db.run("show", "db-0").code == 4
    assert disagreements(db) == []
    db.ok("group-delete", "db", "--delete-volumes")
    assert disagreements(db) == []
    assert shape(db) == set()


def test_an_error_of_one_member_lifts_a_group_snapshot_to_error(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_fails(name: str, call: faulty.Call) -> Any:
        answer = call()
        if name != "create_cgsnapshot":
            return answer
        first, second = (row[0] for row in db.rows("SELECT id FROM snapshots ORDER BY rowid"))
        return None, [{"id": first, "status": "available"}, {"id": second, "status": "error"}]

    faulty.install(monkeypatch, one_fails)
    assert db.run("group-snapshot-create", "db", "--name", "gs").code == 6
    faulty.install(monkeypatch, faulty.well)
    assert db.status("group-snapshot-show", "gs") == "error"
    assert sorted(db.rows("SELECT status FROM snapshots")) == [("available",), ("error",)]
    assert db.run("group-create-from-src", "--group-snapshot", "gs").code == 5
    db.ok("group-snapshot-delete", "gs")
    assert disagreements(db) == []


# Seed 002


def test_a_clone_has_its_members_in_the_order_of_the_source(db: House) -> None:
    for number in range(2, 12):
        db.ok("create", "1M", "--group-id", "db", "--volume-type", "silver", "--name", f"db-{number}")
        db.write(f"db-{number}", b"member %d" % number)
    sources = db.members("db")
    names = {row["id"]: row["name"] for row in db.show("list")}
    db.ok("group-snapshot-create", "db", "--name", "gs")
    for words in (("--group-snapshot", "gs"), ("--source-group", "db")):
        clone = db.make("group-create-from-src", *words)
        twins = db.members(clone)
        for source, twin in zip(sources, _in_order_of_source(db, twins, sources), strict=True):
            row = db.show("show", twin)
            assert row["name"] == names[source]
            assert row["group_id"] == clone
            assert db.read(twin, 16) == db.read(source, 16)
    assert disagreements(db) == []


def _in_order_of_source(house: House, twins: list[str], sources: list[str]) -> list[str]:
    origins = {}
    for twin in twins:
        row = house.show("show", twin)
        snapshot = row["snapshot_id"]
        origins[row["source_volid"] or house.show("snapshot-show", snapshot)["volume_id"]] = twin
    return [origins[source] for source in sources]


def test_a_clone_of_a_group_snapshot_keeps_a_member_that_has_left_the_group(db: House) -> None:
    db.ok("group-snapshot-create", "db", "--name", "gs")
    db.ok("group-update", "db", "--remove-volumes", "db-0")
    db.write("db-0", b"later on")
    clone = db.make("group-create-from-src", "--group-snapshot", "gs")
    assert [db.read(one, 8) for one in db.members(clone)] == [b"member 0", b"member 1"]
    assert disagreements(db) == []
    db.ok("group-snapshot-delete", "gs")
    assert disagreements(db) == []


def test_a_volume_in_a_group_snapshot_cannot_be_deleted_after_it_has_left(db: House) -> None:
    db.ok("group-snapshot-create", "db", "--name", "gs")
    db.ok("group-update", "db", "--remove-volumes", "db-0")
    with db.unchanged():
        assert db.run("delete", "db-0").code == 5


def test_a_source_whose_members_change_while_the_clone_is_placed_is_cloned_as_it_is(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the lock another command swaps a member: never its name with another's data."""
    db.ok("create", "1M", "--volume-type", "gold", "--name", "newcomer", "--availability-zone", "nova")
    db.write("newcomer", b"newcomer")

    def swap_and_place(*arguments: Any) -> str:
        db.ok("group-update", "db", "--remove-volumes", "db-1", "--add-volumes", "newcomer")
        return place(*arguments)

    monkeypatch.setattr("cgctl.manager.group_source.place", swap_and_place)
    clone = db.make("group-create-from-src", "--source-group", "db")
    rows = [db.show("show", one) for one in db.members(clone)]
    assert {row["name"]: db.read(row["id"], 8) for row in rows} == {"db-0": b"member 0", "newcomer": b"newcomer"}
