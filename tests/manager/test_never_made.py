"""A member whose creation failed: its server has nothing of it. It is named, and let out of its group. About 15 s."""

from __future__ import annotations

import pytest

from drivers.errors import OutcomeUnknown, ServerFailed
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live, points, replica

SYNC = ("group-sync-replication", "db")
NEW = ("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "never")


def fail_to_make(house: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the member."""
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("the disk is broken"), "create_volume"))
    assert house.run(*NEW).code == 6
    faulty.install(monkeypatch, faulty.well)
    return str(house.show("show", "never")["id"])


@pytest.mark.parametrize("status", ["error", "available"])
def test_it_is_named_by_a_sync_that_says_how_to_let_it_go(
    replicated: House, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Whatever somebody has set its status to."""
    house, before = replicated, points(replicated, "beta")
    volume_id = fail_to_make(house, monkeypatch)
    house.ok("reset-state", "--type", "volume", "--state", status, "never")
    refused = house.run(*SYNC)
    assert refused.code == 6
    assert f"volume never ({status}) is not on backend alpha: it was never made there, or is gone" in refused.err
    assert (points(house, "alpha"), points(house, "beta")) == (before, before)
    for command in refused.err.partition("when it was never made: ")[2].strip().split("; "):
        ran = house.ok(*command.removeprefix("cgctl ").split())
        assert ("leaves the group in the state alone" in ran.err) == ("group-update" in command)
    house.ok(*SYNC)
    assert points(house, "beta")[str(replica(house)["point_id"])] == live(house, "alpha")
    assert house.run("show", volume_id).code == 4


def test_it_is_named_where_a_failover_or_a_group_snapshot_is_refused(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replicated
    volume_id = fail_to_make(house, monkeypatch)
    for command in ("group-failover-replication", "group-snapshot-create"):
        refused = house.run(command, "db")
        assert refused.code == 5
        assert f"when it was never made: cgctl group-update {house.show('group-show', 'db')['id']} " in refused.err
        assert f"--remove-volumes {volume_id}; when it is well again" in refused.err


def test_it_goes_together_with_another_that_is_there(replicated: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = replicated
    fail_to_make(house, monkeypatch)
    house.ok("group-update", "db", "--remove-volumes", "db-1,never")
    assert house.read("db-1", 12) == b"data of db-1"
    house.ok(*SYNC)
    assert len(live(house, "alpha")) == 1


def test_one_of_which_a_recovery_point_has_data_is_not_let_go(replicated: House) -> None:
    """It was made: somebody has removed it on the server."""
    house = replicated
    disk = house.disk("db-1")
    disk.unlink()
    disk.parent.rmdir()
    refused = house.run(*SYNC)
    assert (refused.code, "volume db-1 (available) is not on backend alpha" in refused.err) == (6, True)
    assert house.run("group-update", "db", "--remove-volumes", "db-1").code == 6
    assert len(house.members("db")) == 2


def test_letting_it_go_is_settled_when_it_was_interrupted(replicated: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = replicated
    fail_to_make(house, monkeypatch)
    leave = ("group-update", "db", "--remove-volumes", "db-1,never")
    faulty.install(monkeypatch, faulty.raises_after(OutcomeUnknown("the line was cut"), "update_consistencygroup"))
    house.run(*leave)
    faulty.install(monkeypatch, faulty.well)
    house.ok(*leave)
    house.ok("recover")
    assert (len(house.members("db")), house.status("show", "never")) == (1, "error")
    house.ok("delete", "never", "db-1")
