"""`group-verify-replica`: what differs on the other side is found, and named by volume and range of bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cgctl.manager.replication.compare import MOST_CHUNKS, chunk_for, difference, ranges
from drivers.replication import MemberSums
from tests.manager import faulty
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
