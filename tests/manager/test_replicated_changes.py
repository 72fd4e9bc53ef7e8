"""What may be done to a replicated group and its members, while enabled and while failed over. About 30 s."""

from __future__ import annotations

import json

import pytest

from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live, points, replica

FAIL_OVER = ("group-failover-replication", "db")
FAIL_BACK = (*FAIL_OVER, "--secondary-backend-id", "default")


@pytest.fixture
def house(replicated: House) -> House:
    return replicated


def refused(house: House, *words: str) -> str:
    """What it says; neither state nor servers change."""
    with house.unchanged():
        ran = house.run(*words)
    assert ran.code == 5, ran
    return ran.err


def test_a_snapshot_of_the_other_side_is_not_reverted_to_and_the_hint_makes_a_copy_there(house: House) -> None:
    group_snapshot = house.make("group-snapshot-create", "db", "--name", "old")
    snapshot = house.make("snapshot-create", "db-0", "--name", "older")
    house.ok(*FAIL_OVER)
    told = refused(house, "revert-to-snapshot", "older")
    assert "is on backend alpha, and backend beta serves it now" in told
    assert f"cgctl create --snapshot-id {snapshot}" in told
    told = refused(house, "group-revert-to-snapshot", "old")
    assert f"cgctl group-create-from-src --group-snapshot {group_snapshot}" in told
    house.ok("group-create-from-src", "--group-snapshot", group_snapshot, "--name", "copy")
    house.ok(*FAIL_BACK)
    house.ok("group-revert-to-snapshot", "old")


def test_a_revert_is_carried_to_the_replica_by_the_next_sync(house: House) -> None:
    house.ok("group-snapshot-create", "db", "--name", "old")
    house.write("db-0", b"a mistake")
    house.ok("group-sync-replication", "db")
    house.ok("group-revert-to-snapshot", "old", "--discard")
    house.ok("group-sync-replication", "db")
    assert points(house, "beta")[str(replica(house)["point_id"])] == live(house, "alpha")


@pytest.mark.parametrize("change", ["unset group_spec", "set group_spec=<is> False"])
def test_a_group_type_keeps_asking_for_replication_while_a_group_of_it_is_replicated(house: House, change: str) -> None:
    words = change.replace("group_spec", "consistent_group_replication_enabled").split(" ", 1)
    assert "cgctl group-disable-replication" in refused(house, "group-type-key", "consistent", *words)
    house.ok("group-type-key", "consistent", "set", "group_replication_enabled=<is> True")
    house.ok("group-type-key", "consistent", *words)
    house.ok("group-sync-replication", "--all")


@pytest.mark.parametrize("column", ["status", "replication_status"])
def test_enabling_again_looks_at_every_member_first(house: House, column: str) -> None:
    with house.forced(f"UPDATE volumes SET {column} = 'error' WHERE name = 'db-1';"):
        assert "volume db-1" in refused(house, "group-enable-replication", "db")
    house.ok("group-enable-replication", "db")


def test_a_member_that_joins_while_a_point_travels_is_not_called_replicated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[str] = []

    def join(name: str, call: faulty.Call) -> object:
        if name == "forget" and not joined:
            words = ("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
            joined.append(house.make(*words))
        return call()

    faulty.install(monkeypatch, join)
    house.ok("group-sync-replication", "db")
    assert house.show("show", "late")["replication_status"] == "disabled"
    house.ok("group-sync-replication", "db")
    assert house.show("show", "late")["replication_status"] == "enabled"


def test_a_failed_over_group_grows_and_takes_members_and_comes_back_with_them(house: House) -> None:
    house.ok(*FAIL_OVER)
    house.ok("extend", "db-1", "2M")
    house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
    house.ok("extend", "late", "2M")
    house.write("late", b"of the other side")
    before = live(house, "beta")
    house.ok(*FAIL_BACK)
    assert live(house, "alpha") == before
    assert len(before) == 3
    assert house.disk("db-1").stat().st_size == 2 * 2**20
    late, first = house.show("show", "late"), house.show("show", "db-0")
    assert (late["replication_status"], late["size"]) == ("enabled", house.show("show", "db-1")["size"])
    assert late["availability_zone"] == first["availability_zone"]


@pytest.mark.parametrize("words", [("retype", "db-0", "gold"), ("unmanage", "db-0"), ("delete", "db-0")])
@pytest.mark.parametrize("failed_over", [False, True])
def test_a_member_is_not_taken_out_of_its_group_by_itself(
    house: House, words: tuple[str, ...], *, failed_over: bool
) -> None:
    if failed_over:
        house.ok(*FAIL_OVER)
    assert "cgctl group-update" in refused(house, *words)
    assert "is replicated" in refused(house, "group-delete", "--delete-volumes", "db")


def offered(house: House, host: str) -> int:
    """How many volumes somebody has access to."""
    notes = house.root / f"exports-{3260 + ['alpha', 'beta'].index(host)}.json"
    return sum(bool(one["access"]) for one in json.loads(notes.read_text()).values())


def lose(house: House) -> None:
    """Nobody finds alpha any more."""
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": "/dev/null"}
    house.configure(backends={"alpha": {**house.configuration["backends"]["alpha"], "ssh": nowhere}})


def come_back(house: House) -> None:
    section = dict(house.configuration["backends"]["alpha"])
    del section["ssh"]
    house.configure(backends={"alpha": section})


@pytest.fixture
def one_behind(house: House) -> House:
    """Failed over without alpha, and without member `late`, which no point held; alpha is back."""
    house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
    house.write("late", b"only on alpha")
    house.ok("extend", "db-1", "2M")
    lose(house)
    assert "--remove-volumes" in house.ok(*FAIL_OVER, "--source-is-down").err
    come_back(house)
    return house


def test_a_returned_source_is_fenced_for_members_that_have_left_too(house: House) -> None:
    house.ok("attachment-create", "db-1", "--initiator", "iqn.2026-11.test:one")
    lose(house)
    house.ok(*FAIL_OVER, "--source-is-down", "--allow-attached-volume")
    house.ok("group-update", "db", "--remove-volumes", "db-1")
    come_back(house)
    assert offered(house, "alpha") == 1
    house.ok("group-sync-replication", "db")
    assert (offered(house, "alpha"), offered(house, "beta")) == (0, 1)


def test_a_group_goes_on_without_a_member_that_was_left_behind_and_its_data_are_kept(one_behind: House) -> None:
    house = one_behind
    assert "cgctl group-update" in refused(house, "group-snapshot-create", "db")
    assert house.disk("db-1").stat().st_size == 2 * 2**20
    house.ok("group-sync-replication", "db")
    house.write("db-0", b"on beta")
    before = live(house, "beta")
    house.ok(*FAIL_BACK)
    assert live(house, "alpha") == before
    assert house.show("show", "late")["status"] == "error"
    house.ok("group-update", "db", "--remove-volumes", "late")
    house.ok("group-sync-replication", "db")
    late = house.show("show", "late")["id"]
    kept = next(one["id"] for one in house.show("snapshot-list") if one["volume_id"] == late)
    house.ok("create", "--snapshot-id", kept, "--name", "late again")
    assert house.read("late again", 13) == b"only on alpha"


def test_a_member_that_was_left_behind_is_served_again_by_an_undo(one_behind: House) -> None:
    one_behind.ok("group-undo-failover", "db")
    assert one_behind.read("late", 13) == b"only on alpha"
    shown = one_behind.show("show", "late")
    assert (shown["status"], shown["replication_status"], shown["host"]) == ("available", "enabled", "alpha")
    one_behind.ok("group-sync-replication", "db")
    assert len(points(one_behind, "beta")[str(replica(one_behind)["point_id"])]) == 3


def test_an_undo_with_other_members_is_refused_and_a_failback_takes_them_as_they_are(one_behind: House) -> None:
    house = one_behind
    house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "later")
    assert "volume later joined it since" in house.run("group-undo-failover", "db").err
    house.ok("group-update", "db", "--remove-volumes", "later,db-1")
    ran = house.run("group-undo-failover", "db")
    assert ran.code == 5
    assert "left it since the failover" in ran.err
    house.ok("group-sync-replication", "db")
    house.ok(*FAIL_BACK)
    assert len(live(house, "alpha")) == 1
    assert house.show("show", "db-1")["host"] == "beta"
