"""The 21 defects of Cinder (reference/cinder-groups.md, section 0.2), each impossible here: `test_dNN_…`.

Replication's own cases of D3 to D5 are in `test_defects_replication`, D15's in `test_volumes`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.errors import Busy, ServerFailed, ServerRefused
from tests.manager import faulty, partial
from tests.manager.agreement import disagreements
from tests.manager.house import House, Ran

Fresh = Callable[[], House]


def test_d01_a_failed_copy_in_a_clone_is_told_and_leaves_the_clone_in_error(
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
    assert db.status("group-show", "clone") == "error"
    assert sorted(db.status("show", one) for one in db.members("clone")) == ["available", "error"]
    db.ok("group-delete", "clone", "--delete-volumes")
    assert disagreements(db) == []


@pytest.mark.parametrize("error", [Busy("is busy"), ServerRefused("is busy"), ServerFailed("is busy")])
@pytest.mark.parametrize("command", ["group-snapshot-delete gs", "group-delete db --delete-volumes"])
def test_d02_what_is_busy_keeps_its_rows(
    db: House, monkeypatch: pytest.MonkeyPatch, error: Exception, command: str
) -> None:
    if "snapshot" in command:
        db.ok("group-snapshot-create", "db", "--name", "gs")
    before = db.rows("SELECT id FROM volumes UNION SELECT id FROM snapshots")
    faulty.install(monkeypatch, faulty.raises_before(error, "delete_cgsnapshot", "delete_consistencygroup"))
    assert db.run(*command.split()).code == 6
    assert disagreements(db) == []
    assert db.rows("SELECT id FROM volumes UNION SELECT id FROM snapshots") == before
    faulty.install(monkeypatch, faulty.well)
    db.ok(*command.split())
    assert disagreements(db) == []


@pytest.mark.parametrize(
    "command",
    [
        "group-snapshot-create db",
        "group-create-from-src --source-group db",
        "group-delete db --delete-volumes",
        "group-update db --remove-volumes db-0,db-1",
    ],
)
def test_d03_a_wrong_last_member_leaves_those_that_were_looked_at_before_as_they_were(db: House, command: str) -> None:
    with db.forced("UPDATE volumes SET status = 'attaching' WHERE name = 'db-1';"):
        with db.unchanged():
            assert db.run(*command.split()).code == 5
        assert db.status("show", "db-0") == "available"
    db.ok(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        "group-snapshot-create db --name new",
        "group-create-from-src --source-group db --name new",
        "group-update db --remove-volumes db-1",
        "group-delete db --delete-volumes",
    ],
)
def test_d05_a_method_that_a_driver_has_not_leaves_nothing_in_between(
    db: House, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(NotImplementedError("no such method")))
    assert db.run(*command.split()).code == 1
    faulty.install(monkeypatch, faulty.well)
    assert [one for one in disagreements(db) if "transitional" in one] == []
    db.ok("recover")
    assert disagreements(db) == []


@pytest.mark.parametrize("error", [TypeError("odd"), OSError("odd"), ServerFailed("odd")])
def test_d06_no_exception_of_a_driver_leaves_a_group_snapshot_creating(
    db: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(error, "create_cgsnapshot"))
    assert db.run("group-snapshot-create", "db", "--name", "gs").code in (1, 6)
    faulty.install(monkeypatch, faulty.well)
    assert db.status("group-snapshot-show", "gs") == "error"
    assert set(db.rows("SELECT status FROM snapshots")) == {("error",)}
    db.ok("group-snapshot-delete", "gs")
    assert disagreements(db) == []


def test_d07_the_source_of_a_running_clone_is_locked_and_its_members_stay_as_they_are(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Ran] = []
    statuses: list[str] = []

    def meanwhile(name: str, call: faulty.Call) -> Any:
        if name == "create_consistencygroup_from_src":
            refusals.append(db.run("group-delete", "db", "--delete-volumes", "--lock-timeout", "0"))
            statuses.extend(db.status("show", one) for one in sources)
        return call()

    sources = db.members("db")
    faulty.install(monkeypatch, meanwhile)
    db.ok("group-create-from-src", "--source-group", "db", "--name", "clone")
    assert [one.code for one in refusals] == [9]
    assert "group-create-from-src" in refusals[0].err
    assert statuses == ["available", "available"]
    assert disagreements(db) == []


def test_d08_a_volume_that_changes_while_a_group_is_updated_leaves_nothing_updating(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is held by who changes it; afterwards it is gone, and the group has never been touched."""
    refusals: list[Ran] = []

    def meanwhile(name: str, call: faulty.Call) -> Any:
        if name == "delete_volume":
            refusals.append(db.run("group-update", "db", "--add-volumes", "going", "--lock-timeout", "0"))
        return call()

    db.ok("create", "1M", "--volume-type", "gold", "--name", "going", "--availability-zone", "nova")
    faulty.install(monkeypatch, meanwhile)
    db.ok("delete", "going")
    assert [one.code for one in refusals] in ([5], [9])
    with db.unchanged():
        assert db.run("group-update", "db", "--add-volumes", "going").code == 4
    assert db.status("group-show", "db") == "available"
    assert disagreements(db) == []


def test_d09_a_clone_without_room_leaves_no_group(db: House) -> None:
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
    assert db.status("group-show", "renamed") == "error"


@pytest.mark.parametrize(
    "command",
    [
        "group-update db --remove-volumes db-0",
        "group-update db --name other",
        "group-snapshot-create db",
        "group-delete db --delete-volumes",
        "group-create-from-src --source-group db",
        "create 1M --group-id db --volume-type gold",
    ],
)
def test_d12_a_frozen_backend_refuses_every_change_of_a_group(db: House, command: str) -> None:
    db.ok("freeze-host", "alpha")
    with db.unchanged():
        ran = db.run(*command.split())
    assert ran.code == 5
    assert "frozen" in ran.err
    db.ok("thaw-host", "alpha")
    db.ok(*command.split())


def test_d13_specs_of_the_group_type_take_part_in_placement(db: House) -> None:
    db.ok("group-type-create", "rare")
    db.ok("group-type-key", "rare", "set", "nobody_has_this=<is> True")
    with db.unchanged():
        ran = db.run("group-create", "rare", "gold")
    assert ran.code == 5
    for word in ("alpha", "beta", "group type rare", "nobody_has_this"):
        assert word in ran.err


def test_d14_a_part_of_an_id_is_no_member_and_its_unique_beginning_is_that_member(db: House) -> None:
    one, two = db.members("db")
    for part in (one[1:12], one[-12:], f"{one},{two}"[30:45], one[:7], one[9:]):
        with db.unchanged():
            assert db.run("group-update", "db", f"--remove-volumes={part}").code in (2, 4)
    db.ok("group-update", "db", f"--remove-volumes={one[:8]}")
    assert db.members("db") == [two]
    assert disagreements(db) == []


def test_d16_a_clone_of_a_group_with_an_attached_member_is_refused_without_trace(fresh: Fresh) -> None:
    house = fresh()
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:db")
    with house.unchanged():
        ran = house.run("group-create-from-src", "--source-group", "db", "--name", "clone")
    assert ran.code == 5
    assert "attached" in ran.err


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("word", ["group-type", "type"])
def test_d17_an_update_of_a_type_keeps_what_was_not_named(db: House, word: str, public: bool) -> None:
    kept = db.make(f"{word}-create", "one", "--is-public", str(public), "--description", "kept")
    db.ok(f"{word}-update", kept, "--name", "renamed")
    row = db.show(f"{word}-show", kept)
    assert (row["name"], row["is_public"], row["description"]) == ("renamed", public, "kept")


def test_d18_a_service_that_is_taken_out_is_disabled_although_no_reason_was_given(db: House) -> None:
    """Here a backend is taken out by freezing it, which asks for no reason, and shows one."""
    db.ok("freeze-host", "alpha")
    rows = {row["host"]: row for row in db.show("service-list")}
    assert (rows["alpha"]["status"], rows["beta"]["status"]) == ("disabled", "enabled")
    assert rows["alpha"]["disabled_reason"]
    assert db.show("create", "1M", "--volume-type", "gold")["host"] == "beta"
    db.ok("thaw-host", "alpha")
    assert {row["status"] for row in db.show("service-list")} == {"enabled"}


def test_d19_no_row_of_a_deleted_member_is_listed(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, partial.only_first_goes(db, "db", db.context()))
    db.run("group-delete", "db", "--delete-volumes")
    assert [row["name"] for row in db.show("list")] == ["db-1"]
    assert "deleted" not in {row["status"] for row in db.show("list")}
    assert db.members("db") == [row["id"] for row in db.show("list")]


@pytest.mark.parametrize("word", ["error", "deleting", "error_deleting", "updating", "creating"])
def test_d20_a_group_that_is_not_well_is_not_snapshotted(db: House, word: str) -> None:
    with db.forced(f"UPDATE groups SET status = '{word}';"), db.unchanged():
        ran = db.run("group-snapshot-create", "db")
    assert ran.code == 5
    assert f"is {word}" in ran.err


@pytest.mark.parametrize(("word", "code"), [("error_deleting", 0), ("detaching", 2), ("error_deletingdetaching", 2)])
def test_d21_each_status_of_reset_state_is_judged_by_itself(
    db: House, monkeypatch: pytest.MonkeyPatch, word: str, code: int
) -> None:
    monkeypatch.setenv("CGCTL_STATE", db.state)
    assert db.run("reset-state", "--state", word, "db-0").code == code
    assert db.status("show", "db-0") == (word if code == 0 else "available")


@pytest.mark.parametrize("word", ["error", "error_deleting"])
def test_d21_no_status_makes_an_attached_member_one_that_may_be_deleted(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    house = fresh()
    monkeypatch.setenv("CGCTL_STATE", house.state)
    house.ok("group-snapshot-delete", "gs")
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:db")
    house.ok("reset-state", "--state", word, "db-0")
    with house.unchanged():
        assert house.run("group-delete", "db", "--delete-volumes").code == 5
