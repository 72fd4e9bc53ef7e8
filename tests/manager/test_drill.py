"""Drills on real `file` pools: the clone is what a failover would serve, and nothing is left of it. About 10 s."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import points

TEST = ("group-test-failover", "db")
MEMBER = ("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name")


@pytest.fixture
def house(replicated: House) -> House:
    return replicated


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


def test_a_kept_clone_is_listed_with_its_access_until_the_drill_is_ended(house: House) -> None:
    shown = house.run(*TEST, "--keep", "--check", "exit 3")
    assert shown.code == 6
    (failed,) = house.show("drill-list")
    assert f"cgctl drill-end {failed['id']}" in shown.err
    kept = house.show(*TEST, "--keep")
    assert len(kept["CGCTL_SECRET"]) == 16
    assert kept["CGCTL_SECRET"] not in house.dump()
    assert [row["is_kept"] for row in house.show("drill-list")] == [True, True]
    (one, _) = kept["connections"]
    assert Path(one["source"]).read_bytes().startswith(b"data of db-0")
    house.ok("group-sync-replication", "db")
    house.ok("drill-end", failed["id"], kept["id"][:8])
    assert not list((house.root / "beta/live").glob("*"))
    assert house.show("drill-show", kept["id"])["timeline"][-1]["what"] == "the clone is removed"
    with house.unchanged():
        assert house.run("drill-end", kept["id"]).code == 5
        assert house.run("drill-end", "nothing").code == 4


@pytest.mark.parametrize("point", [2, 3])
def test_the_end_of_a_drill_that_is_killed_is_ended_by_the_same_command(house: House, point: int) -> None:
    kept = house.show(*TEST, "--keep")["id"]
    assert house.forked("drill-end", kept, prepare=faulty.Killer(point).arm) == -9
    house.ok("drill-end", kept)
    assert not list((house.root / "beta/live").glob("*"))
    assert house.show("drill-show", kept)["is_kept"] is False


def test_the_page_of_a_drill_has_its_timeline_and_takes_nothing_for_markup(house: House) -> None:
    house.run(*TEST, "--check", "echo '<script>alert(1)</script>&{}'; exit 1 # \"<b>")
    (row,) = house.show("drill-list")
    page = house.root / "drill.html"
    house.ok("drill-show", row["id"], "--html", str(page))
    text = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;{}" in text
    assert "<script" not in text
    assert "<b>" not in text
    assert "http" not in text.replace('http-equiv="Content', "")
    what = [step["what"] for step in row["timeline"]]
    assert what[0] == "the drill begins"
    assert what[-1] == "the clone is removed"
    assert all(escape(one) in text for one in what)
    assert "the RPO is 900 s" in text
    with house.unchanged():
        assert house.run("drill-show", row["id"], "--html", "/nowhere/drill.html").code == 2


def test_a_group_that_is_not_replicated_has_nothing_to_test(house: House) -> None:
    house.ok("group-disable-replication", "db")
    with house.unchanged():
        assert house.run(*TEST).code == 5
    assert house.run("drill-show", "nothing").code == 4


def test_members_are_told_apart_whatever_they_are_called(house: House) -> None:
    twins = [house.make(*MEMBER, "twin") for _ in range(2)]
    spaced = house.make(*MEMBER, "a b")
    house.ok("group-sync-replication", "db")
    shown = house.show(
        *TEST, "--check", 'echo "$CGCTL_CONNECTIONS" | while read -r name _ _ lun _; do echo $name $lun; done'
    )
    assert sorted(shown["log"].splitlines()) == sorted(f"{one} 1" for one in ("db-0", "db-1", *twins, spaced))


def test_drills_are_found_by_whatever_finds_the_group_and_when_it_is_gone(house: House) -> None:
    key = house.show("group-show", "db")["id"]
    drill = house.show(*TEST)["id"]
    house.ok("group-update", "db", "--name", "renamed")
    for word in ("renamed", key[:8], key):
        assert [row["id"] for row in house.show("drill-list", word)] == [drill]
    assert house.run("drill-list", "nothing").code == 4
    house.ok("group-delete", "--delete-volumes", "--delete-replicas", "renamed")
    for word in ("db", key):
        assert [row["id"] for row in house.show("drill-list", word)] == [drill]


def test_a_drill_that_was_killed_is_cleaned_up_although_its_group_is_gone(house: House) -> None:
    assert house.forked(*TEST, prepare=faulty.Killer(6).arm) == -9
    assert list((house.root / "beta/live").glob("*"))
    house.ok("group-delete", "--delete-volumes", "--delete-replicas", "db")
    house.ok("recover")
    assert not list((house.root / "beta/live").glob("*"))
    assert [row["verdict"] for row in house.show("drill-list")] == ["failed"]


def test_a_sync_that_ends_meanwhile_fails_no_drill(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []

    def sync(name: str, call: faulty.Call) -> object:
        if name == "create_consistencygroup_from_src" and not synced:
            synced.append(house.ok("group-sync-replication", "db").err)
        return call()

    faulty.install(monkeypatch, sync)
    shown = house.show(*TEST)
    assert shown["point_id"] in points(house, "beta")
    assert "a sync has let go of it" in str(shown["timeline"])


def test_a_point_from_the_future_has_no_age_in_a_drill(house: House) -> None:
    (note,) = house.root.glob("beta/.cgctl/replication/*/point-*")
    words = note.read_text().split()
    note.write_text(" ".join([*words[:2], "2099-01-01T00:00:00+00:00", *words[3:]]) + "\n")
    shown = house.show(*TEST)
    assert (shown["rpo_seconds"], "from the future" in shown["timeline"][1]["what"]) == (None, True)
