"""Drills on real `file` pools: the clone is what a failover would serve, and nothing is left of it. About 10 s."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import build, points

TEST = ("group-test-failover", "db")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    built = build(tmp_path)
    built.ok("group-enable-replication", "db")
    return built


def on_servers(house: House) -> set[tuple[object, ...]]:
    return {(one.kind, one.id, one.complete) for one in house.objects()}


def test_the_check_sees_the_newest_point_and_nothing_is_left_of_the_clone(house: House) -> None:
    before = on_servers(house)
    house.write("db-0", b"after the last sync")
    read = 'echo "$CGCTL_SOURCES" | while read -r name path; do head -c 12 "$path"; done'
    check = f'echo "$CGCTL_CONNECTIONS" $CGCTL_INITIATOR ${{#CGCTL_SECRET}}; {read}'
    shown = house.show(*TEST, "--check", check)
    assert shown["verdict"] == "passed"
    assert shown["log"].endswith("data of db-0data of db-1")
    assert "db-0 192.0.2.1:3260 iqn.2026-11.io.cgctl:" in shown["log"]
    assert "iqn.2026-11.io.cgctl:drill 16" in shown["log"]
    assert 0 < shown["rto_seconds"] < 60
    assert shown["rpo_seconds"] > 0
    assert shown["point_id"] in points(house, "beta")
    assert on_servers(house) == before
    assert [row["id"] for row in house.show("drill-list", "db")] == [shown["id"]]


def test_what_the_check_writes_harms_nobody(house: House) -> None:
    before = points(house, "beta")
    house.ok(*TEST, "--check", 'echo "$CGCTL_SOURCES" | while read -r _ path; do echo harm >"$path"; done')
    assert points(house, "beta") == before
    house.ok("group-sync-replication", "db")


def test_a_check_that_fails_is_told_and_kept(house: House) -> None:
    before = on_servers(house)
    ran = house.run(*TEST, "--check", "echo table broken; exit 1")
    assert ran.code == 6
    assert "table broken" in ran.err
    (row,) = house.show("drill-list")
    assert (row["verdict"], row["log"]) == ("failed", "table broken\n")
    assert "table broken" in house.ok("drill-show", row["id"][:8]).out
    assert on_servers(house) == before


def test_a_clone_that_cannot_be_offered_fails_the_drill_and_is_removed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_servers(house)
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("no tgtd"), "ensure_exports"))
    ran = house.run(*TEST)
    assert ran.code == 6
    assert "no tgtd" in ran.err
    assert on_servers(house) == before


@pytest.mark.parametrize("point", [4, 8, 12])
def test_a_drill_that_is_killed_is_cleaned_up_by_recover(house: House, point: int) -> None:
    before = on_servers(house)
    assert house.forked(*TEST, prepare=faulty.Killer(point).arm) in (-9, 0)
    house.ok("recover")
    assert on_servers(house) == before
    assert {row["verdict"] for row in house.show("drill-list")} <= {"failed", "passed"}


def test_a_group_that_is_not_replicated_has_nothing_to_test(house: House) -> None:
    house.ok("group-disable-replication", "db")
    with house.unchanged():
        assert house.run(*TEST).code == 5
    assert house.run("drill-show", "nothing").code == 4
