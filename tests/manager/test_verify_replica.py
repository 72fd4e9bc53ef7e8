"""`group-verify-replica`: what differs on the other side is found, and named by volume and range of bytes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from cgctl.manager.replication.compare import MOST_CHUNKS, chunk_for, difference, ranges
from drivers.replication import MemberSums
from tests.manager import faulty, gated
from tests.manager.house import House
from tests.manager.replicating import build, replica

VERIFY = ("group-verify-replica", "db")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    built = build(tmp_path)
    built.ok("extend", "db-1", "5M")
    built.ok("group-enable-replication", "db")
    return built


def rotten(house: House, volume: str, offset: int) -> None:
    """A byte of the replica is another one, and nothing but reading it tells."""
    key, point = house.show("show", volume)["id"], replica(house)["point_id"]
    disk = house.root / f"beta/groupsnap/cgctl-{point}/cgctl-{key}/disk"
    before = disk.stat()
    with disk.open("r+b") as file:
        file.seek(offset)
        file.write(b"x")
    os.utime(disk, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_replica_that_is_the_same_is_said_to_be(house: House) -> None:
    house.write("db-0", b"written since the last point")
    rows = house.show(*VERIFY)
    assert [(row["name"], row["host"], row["result"]) for row in rows] == [
        ("db-0", "beta", "same"),
        ("db-1", "beta", "same"),
    ]
    assert {row["point_id"] for row in rows} == {replica(house)["point_id"]}


def test_what_differs_is_named_by_volume_and_range(house: House) -> None:
    rotten(house, "db-1", 3 * 2**20 + 17)
    ran = house.run(*VERIFY, "-f", "json")
    assert ran.code == 6
    assert "volume db-1 on backend beta differs in bytes 3145728-4194303" in ran.err
    assert [row["ranges"] for row in ran.json] == [[], [[3145728, 4194303]]]
    told = [row["message"] for row in house.show("history", "db")]
    assert any("differs in bytes 3145728-4194303" in one for one in told)


def test_a_side_that_is_away_or_serves_is_refused_with_a_reason(house: House) -> None:
    pool = house.root / "beta"
    pool.rename(house.root / "away")
    assert house.run(*VERIFY).code in (6, 8)
    (house.root / "away").rename(pool)
    assert house.run(*VERIFY, "--secondary-backend-id", "default").code == 5
    assert house.run(*VERIFY, "--secondary-backend-id", "nobody").code == 4
    house.ok("group-disable-replication", "db")
    with house.unchanged():
        assert house.run(*VERIFY).code == 5


def test_a_dry_run_names_who_would_read_and_begins_nothing(house: House) -> None:
    with house.unchanged():
        ran = house.ok(*VERIFY, "--dry-run")
    assert [line.split()[1] for line in ran.out.splitlines() if "recovery point" in line] == ["alpha", "beta"], ran.out
    assert house.show("activity-list") == []


def test_a_replica_that_is_away_is_told_and_the_others_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    house = build(tmp_path, second_target=True)
    house.ok("group-enable-replication", "db")
    (tmp_path / "gamma").rename(tmp_path / "away")
    ran = house.run(*VERIFY, "-f", "json")
    assert (ran.code, "gamma" in ran.err) == (6, True)
    assert [(row["host"], row["result"]) for row in ran.json] == [("beta", "same"), ("beta", "same")]


# As an activity


def begun(house: House) -> str:
    return house.make(*VERIFY, "--detach")


def shown(house: House, key: str) -> Any:
    return house.show("activity-show", key)


def kept(house: House, key: str) -> set[str]:
    """What an activity of this machine has in its directory beside what every activity has."""
    usual = {"state", "owner", "label", "note", "work", "undo", "input", "supervisor", "log", "alive", "group"}
    place = house.root / "activities" / key
    usual |= {"progress", "cancel", "undo.log"}
    return {one.name for one in place.iterdir()} - usual if place.exists() else set()


def state_here(house: House, key: str) -> str:
    """As this machine has noted it; nobody settles it."""
    return (house.root / "activities" / key / "state").read_text().split()[0]


def test_a_detached_verification_goes_on_is_waited_for_and_tells_what_differs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.close_for_all(monkeypatch, house)
    rotten(house, "db-1", 17)
    key = begun(house)
    assert (shown(house, key)["state"], shown(house, key)["kind"]) == ("running", VERIFY[0])
    gate.touch()
    ran = house.run("activity-wait", key)
    assert (ran.code, "volume db-1 on backend beta differs in bytes 0-1048575" in ran.err) == (6, True)
    ended = shown(house, key)
    assert (ended["state"], ended["done_bytes"], ended["percent"]) == ("failed", 2 * 6 * 2**20, 100)
    assert any("differs in bytes 0-1048575" in row["message"] for row in house.show("history", "db"))
    assert kept(house, key) == {"verdict"}
    house.ok("activity-forget", key)
    assert not (house.root / "activities" / key).exists()


def test_nobody_waits_for_a_verification(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.close_for_all(monkeypatch, house)
    key = begun(house)
    house.ok("group-sync-replication", "db")
    house.ok("group-failover-replication", "db")
    house.ok("group-failover-replication", "db", "--secondary-backend-id", "default")
    house.ok("group-disable-replication", "db")
    house.ok("group-delete", "db", "--delete-volumes")
    gate.touch()
    ran = house.run("activity-wait", key)
    assert (ran.code, "is not in the pool" in ran.err) == (6, True)


def test_a_cancelled_verification_leaves_no_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.close_for_all(monkeypatch, house)
    key = begun(house)
    house.ok("activity-cancel", key)
    assert (shown(house, key)["state"], kept(house, key)) == ("cancelled", set())
    assert house.run("activity-wait", key).code == 5


def test_a_verification_whose_command_was_killed_is_found_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.close_for_all(monkeypatch, house)
    child = os.fork()
    if child == 0:
        house.run(*VERIFY)
        os._exit(0)
    while not house.rows("SELECT 1 FROM operations WHERE state = 'detached'"):
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    gate.touch()
    (key,) = (row["id"] for row in house.show("activity-list"))
    house.ok("activity-wait", key)
    assert [row["message"] for row in house.show("history", "db") if row["message"] == "all is the same"]
    assert [row["result"] for row in house.show(*VERIFY)] == ["same", "same"]


def test_what_is_settled_twice_has_one_verdict(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.close_for_all(monkeypatch, house).touch()
    rotten(house, "db-0", 0)
    key = begun(house)
    while state_here(house, key) != "succeeded":
        time.sleep(0.05)

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def kill_behind_the_verdict() -> None:
        monkeypatch.setattr("cgctl.manager.activities.settle.unquiet", die)

    assert house.forked("activity-wait", key, prepare=kill_behind_the_verdict) == -signal.SIGKILL
    assert kept(house, key) == {"verdict"}
    ran = house.run("activity-wait", key)
    assert (ran.code, "differs in bytes 0-1048575" in ran.err) == (6, True)


def test_ranges_are_joined_and_end_with_the_volume() -> None:
    mine = MemberSums(35, ("a", "b", "c", "d"))
    assert ranges(mine, MemberSums(35, ("a", "x", "y", "d")), 10) == [(10, 29)]
    assert ranges(mine, MemberSums(35, ("x", "b", "c", "y")), 10) == [(0, 9), (30, 34)]
    assert difference(mine, mine, 10) == "same"
    assert difference(mine, MemberSums(20, ("a", "b")), 10) == "has 20 bytes, not 35"
    assert difference(mine, None, 10) == "is not in the replica"


@pytest.mark.parametrize("size", [0, 1, 2**20, MOST_CHUNKS * 2**20, MOST_CHUNKS * 2**20 + 1, 2**44 + 5])
def test_a_member_has_no_more_chunks_than_can_be_told(size: int) -> None:
    assert -(-size // chunk_for(size)) <= MOST_CHUNKS
