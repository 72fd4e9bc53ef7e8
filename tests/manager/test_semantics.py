"""Seeds 000, 002 and 003, and the defects of Cinder (reference, section 0.2) that must be impossible here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cgctl.manager.placement import place
from drivers.contract import Context, Volume
from drivers.errors import ServerFailed, ServerRefused
from tests.manager import faulty
from tests.manager.agreement import disagreements, shape
from tests.manager.house import House, Ran

Fresh = Callable[[], House]


def status(house: House, *words: str) -> str:
    """`show`, `group-show` and so on: the status alone."""
    return house.ok(*words, "-f", "value", "-c", "status").last


def volumes(house: House, group: str) -> list[str]:
    """The members' ids, oldest first."""
    return list(house.show("group-show", group)["volumes"])


def members_fail(house: House, group: str, context: Context) -> faulty.Fault:
    """A delete_consistencygroup that really deletes the first member and fails with the others."""
    group_id = house.show("group-show", group)["id"]
    first, *rest = volumes(house, group)

    def fault(name: str, call: faulty.Call) -> Any:
        if name != "delete_consistencygroup":
            return call()
        house.driver("alpha").delete_volume(context, Volume(first, 1024**2, group_id))
        failed = [{"id": one, "status": "error_deleting", "reason": "is mounted on the server"} for one in rest]
        return {"status": "error"}, [{"id": first, "status": "deleted"}, *failed]

    return fault


# Seed 003


def test_a_partial_delete_tells_which_members_are_left_and_a_second_run_finishes(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, members_fail(db, "db", db.context()))
    ran = db.run("group-delete", "db", "--delete-volumes")
    faulty.install(monkeypatch, faulty.well)
    assert ran.code == 6
    assert "db-1" in ran.err
    assert "db-0" not in ran.err
    assert "is mounted on the server" in ran.err
    assert status(db, "group-show", "db") == "error"
    assert status(db, "show", "db-1") == "error_deleting"
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
    assert status(db, "group-snapshot-show", "gs") == "error"
    assert sorted(db.rows("SELECT status FROM snapshots")) == [("available",), ("error",)]
    assert db.run("group-create-from-src", "--group-snapshot", "gs").code == 5
    db.ok("group-snapshot-delete", "gs")
    assert disagreements(db) == []


# Seed 002


def test_a_clone_has_its_members_in_the_order_of_the_source(db: House) -> None:
    for number in range(2, 12):
        db.ok("create", "1M", "--group-id", "db", "--volume-type", "silver", "--name", f"db-{number}")
        db.write(f"db-{number}", b"member %d" % number)
    sources = volumes(db, "db")
    names = {row["id"]: row["name"] for row in db.show("list")}
    db.ok("group-snapshot-create", "db", "--name", "gs")
    for words in (("--group-snapshot", "gs"), ("--source-group", "db")):
        clone = db.make("group-create-from-src", *words)
        twins = volumes(db, clone)
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
    assert [db.read(one, 8) for one in volumes(db, clone)] == [b"member 0", b"member 1"]
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
    rows = [db.show("show", one) for one in volumes(db, clone)]
    assert {row["name"]: db.read(row["id"], 8) for row in rows} == {"db-0": b"member 0", "newcomer": b"newcomer"}


# Section 0.2


def test_d1_a_failed_copy_in_a_clone_is_told_and_leaves_the_clone_in_error(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second_fails(name: str, call: faulty.Call) -> Any:
        if name != "create_consistencygroup_from_src":
            return call()
        call()
        twins = [row[0] for row in db.rows("SELECT id FROM volumes WHERE status = 'creating' ORDER BY rowid")]
        return None, [{"id": twins[0], "status": "available"}, {"id": twins[1], "status": "error"}]

    faulty.install(monkeypatch, second_fails)
    ran = db.run("group-create-from-src", "--source-group", "db", "--name", "clone")
    assert ran.code == 6
    assert status(db, "group-show", "clone") == "error"
    assert sorted(status(db, "show", one) for one in volumes(db, "clone")) == ["available", "error"]
    db.ok("group-delete", "clone", "--delete-volumes")
    assert disagreements(db) == []


@pytest.mark.parametrize("error", [ServerRefused("a snapshot is busy"), ServerFailed("a snapshot is busy")])
def test_d2_a_busy_snapshot_keeps_its_row(db: House, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    db.ok("group-snapshot-create", "db", "--name", "gs")
    faulty.install(monkeypatch, faulty.raises_before(error, "delete_cgsnapshot", "delete_consistencygroup"))
    assert db.run("group-snapshot-delete", "gs").code == 6
    assert disagreements(db) == []
    assert len(db.rows("SELECT 1 FROM snapshots")) == 2


@pytest.mark.parametrize("error", [TypeError("odd"), OSError("odd"), ServerFailed("odd")])
def test_d6_no_exception_of_a_driver_leaves_a_group_snapshot_creating(
    db: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(error, "create_cgsnapshot"))
    assert db.run("group-snapshot-create", "db", "--name", "gs").code in (1, 6)
    faulty.install(monkeypatch, faulty.well)
    assert status(db, "group-snapshot-show", "gs") == "error"
    assert set(db.rows("SELECT status FROM snapshots")) == {("error",)}
    db.ok("group-snapshot-delete", "gs")
    assert disagreements(db) == []


def test_d7_the_source_of_a_running_clone_is_locked_and_its_members_stay_as_they_are(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Ran] = []
    statuses: list[str] = []

    def meanwhile(name: str, call: faulty.Call) -> Any:
        if name == "create_consistencygroup_from_src":
            refusals.append(db.run("group-delete", "db", "--delete-volumes", "--lock-timeout", "0"))
            statuses.extend(status(db, "show", one) for one in sources)
        return call()

    sources = volumes(db, "db")
    faulty.install(monkeypatch, meanwhile)
    db.ok("group-create-from-src", "--source-group", "db", "--name", "clone")
    assert [one.code for one in refusals] == [9]
    assert "group-create-from-src" in refusals[0].err
    assert statuses == ["available", "available"]
    assert disagreements(db) == []


def test_d8_a_volume_that_changes_while_a_group_is_updated_leaves_nothing_updating(db: House) -> None:
    db.ok("create", "1M", "--volume-type", "gold", "--name", "gone")
    db.ok("delete", "gone")
    with db.unchanged():
        assert db.run("group-update", "db", "--add-volumes", "gone").code == 4
    assert status(db, "group-show", "db") == "available"


def test_d9_a_clone_without_room_leaves_no_group(db: House) -> None:
    db.add_backend("alpha", reserved_percentage=100)
    db.ok("group-show", "db")
    with db.unchanged():
        ran = db.run("group-create-from-src", "--source-group", "db")
    assert ran.code == 5
    assert "room" in ran.err


def test_d10_a_clone_of_an_empty_source_leaves_no_trace(db: House) -> None:
    db.ok("group-create", "consistent", "gold", "--name", "empty")
    with db.unchanged():
        ran = db.run("group-create-from-src", "--source-group", "empty")
    assert ran.code == 5
    assert "empty" in ran.err


def test_d11_a_rename_leaves_the_status_in_error(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("odd"), "create_consistencygroup"))
    db.run("group-create", "consistent", "gold", "--name", "broken")
    faulty.install(monkeypatch, faulty.well)
    db.ok("group-update", "broken", "--name", "renamed")
    assert status(db, "group-show", "renamed") == "error"


def test_d13_specs_of_the_group_type_take_part_in_placement(db: House) -> None:
    db.ok("group-type-create", "rare")
    db.ok("group-type-key", "rare", "set", "nobody_has_this=<is> True")
    with db.unchanged():
        ran = db.run("group-create", "rare", "gold")
    assert ran.code == 5
    for word in ("alpha", "beta", "group type rare", "nobody_has_this"):
        assert word in ran.err


def test_d14_a_part_of_an_id_is_no_member_and_its_unique_beginning_is_that_member(db: House) -> None:
    one, two = volumes(db, "db")
    for part in (one[1:12], one[-12:], f"{one},{two}"[30:45], one[:7], one[9:]):
        with db.unchanged():
            assert db.run("group-update", "db", f"--remove-volumes={part}").code in (2, 4)
    db.ok("group-update", "db", f"--remove-volumes={one[:8]}")
    assert volumes(db, "db") == [two]
    assert disagreements(db) == []


def test_d16_a_clone_of_a_group_with_an_attached_member_is_refused_without_trace(fresh: Fresh) -> None:
    house = fresh()
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:db")
    with house.unchanged():
        ran = house.run("group-create-from-src", "--source-group", "db", "--name", "clone")
    assert ran.code == 5
    assert "attached" in ran.err


def test_d17_an_update_of_a_type_keeps_what_was_not_named(db: House) -> None:
    for word in ("group-type", "type"):
        kept = db.make(f"{word}-create", f"private {word}", "--is-public", "False", "--description", "kept")
        db.ok(f"{word}-update", kept, "--name", f"renamed {word}")
        row = db.show(f"{word}-show", kept)
        assert (row["name"], row["is_public"], row["description"]) == (f"renamed {word}", False, "kept")


def test_d19_no_row_of_a_deleted_member_is_listed(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, members_fail(db, "db", db.context()))
    db.run("group-delete", "db", "--delete-volumes")
    assert [row["name"] for row in db.show("list")] == ["db-1"]
    assert "deleted" not in {row["status"] for row in db.show("list")}


def test_d20_a_group_in_error_is_not_snapshotted(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("odd"), "delete_consistencygroup"))
    db.run("group-delete", "db", "--delete-volumes")
    faulty.install(monkeypatch, faulty.well)
    with db.unchanged():
        ran = db.run("group-snapshot-create", "db")
    assert ran.code == 5
    assert "error" in ran.err
