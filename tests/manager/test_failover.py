"""Failing over and back on real `file` pools, with exports that are noted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cgctl.manager.replication.sides import observe_surely
from drivers.errors import ConnectionLost, DriverError, HandshakeBroken, ServerFailed, Unreachable
from drivers.replication import Side
from tests.manager import faulty
from tests.manager.house import House, Ran
from tests.manager.replicating import build, live, points, replica


@pytest.fixture
def house(replicated: House) -> House:
    return replicated


FAIL_OVER = ("group-failover-replication", "--allow-attached-volume", "db")
FAIL_BACK = (*FAIL_OVER, "--secondary-backend-id", "default")


def access(house: House, host: str) -> dict[str, list[str]]:
    """Who has access on a backend."""
    notes = house.root / f"exports-{3260 + ['alpha', 'beta', 'gamma'].index(host)}.json"
    found = json.loads(notes.read_text()) if notes.exists() else {}
    return {key: value["access"] for key, value in found.items() if value["access"]}


def group(house: House) -> tuple[str, str, str]:
    shown = house.show("group-show", "db")
    return str(shown["host"]), str(shown["status"]), str(shown["replication_status"])


def lose(house: House, host: str = "alpha") -> None:
    """The server is gone: its pool is away, and whoever asks finds nobody."""
    house.configure(backends={host: {**house.configuration["backends"][host], "ssh": NOWHERE}})


def come_back(house: House, host: str = "alpha") -> None:
    section = dict(house.configuration["backends"][host])
    del section["ssh"]
    house.configure(backends={host: section})


NOWHERE = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": "/dev/null"}


def writes(house: House, text: str) -> None:
    for number in range(2):
        house.write(f"db-{number}", f"{text} {number}".encode().ljust(40, b"\0"))


def reads(house: House) -> list[bytes]:
    return [house.read(f"db-{number}", 40).rstrip(b"\0") for number in range(2)]


def diverged(house: House) -> list[dict[str, object]]:
    return [
        dict(row) for row in house.show("group-snapshot-list", "--long") if str(row["name"]).startswith("diverged-")
    ]


def test_a_planned_failover_loses_nothing_and_moves_the_access(house: House) -> None:
    shown = house.show("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    writes(house, "the last write")
    before = live(house, "alpha")
    generation = house.show(*FAIL_OVER)
    assert (generation["is_planned"], generation["loss_seconds"], generation["reason"]) == (True, 0.0, "failover")
    assert group(house) == ("beta", "available", "failed-over")
    assert live(house, "beta") == before
    assert live(house, "alpha") == []
    assert access(house, "alpha") == {}
    assert list(access(house, "beta").values()) == [[shown["id"]]]
    assert diverged(house) == []


def test_there_and_back_again_with_writes_on_both_sides(house: House) -> None:
    for number in range(2):
        writes(house, f"on alpha {number}")
        house.ok(*FAIL_OVER)
        assert reads(house) == [f"on alpha {number} 0".encode(), f"on alpha {number} 1".encode()]
        writes(house, f"on beta {number}")
        house.ok("group-sync-replication", "db")
        assert (replica(house, host="alpha")["error"], replica(house, host="alpha")["within_rpo"]) == (None, True)
        house.ok(*FAIL_BACK)
        assert group(house) == ("alpha", "available", "enabled")
        assert reads(house) == [f"on beta {number} 0".encode(), f"on beta {number} 1".encode()]
    assert diverged(house) == []
    house.ok("group-sync-replication", "db")
    assert points(house, "alpha") == points(house, "beta")


def test_a_failback_ships_a_delta(house: House) -> None:
    house.ok(*FAIL_OVER)
    writes(house, "a little")
    house.ok(*FAIL_BACK)
    assert replica(house)["host"] == "beta"
    house.ok("group-sync-replication", "db")
    assert replica(house)["is_full"] is False


def test_an_unreachable_source_without_a_word_is_refused_without_trace(house: House) -> None:
    lose(house)
    before = house.files()
    ran = house.run(*FAIL_OVER)
    assert ran.code == 7
    assert "--source-is-down" in ran.err
    assert group(house) == ("alpha", "available", "enabled")
    assert house.files() == before


@pytest.mark.parametrize(("error", "asked"), [(HandshakeBroken, 2), (ConnectionLost, 2), (Unreachable, 1)])
def test_a_source_is_asked_again_before_a_moment_counts_as_its_silence(error: type[DriverError], asked: int) -> None:
    silent: list[Side | DriverError] = [error("alpha: does not answer")] * 3
    with pytest.raises(error):
        observe_surely(lambda: _raise(silent.pop()))
    assert len(silent) == 3 - asked
    answers: list[Side | DriverError] = [Side(), *silent[:1]]
    if asked > 1:
        assert observe_surely(lambda: _raise(answers.pop())) == Side()


def _raise(one: Side | DriverError) -> Side:
    if isinstance(one, DriverError):
        raise one
    return one


def test_an_unplanned_failover_loses_what_it_says_and_keeps_it_on_the_old_side(house: House) -> None:
    writes(house, "synced")
    house.ok("group-sync-replication", "db")
    writes(house, "never synced")
    lost = live(house, "alpha")
    lose(house)
    ran = house.ok(*FAIL_OVER, "--source-is-down", "-f", "json")
    assert "lost: what was written after" in ran.err
    assert ran.json["is_planned"] is False
    assert ran.json["lost_since"] == replica(house, host="alpha")["taken_at"]
    assert reads(house) == [b"synced 0", b"synced 1"]
    writes(house, "on beta")
    come_back(house)
    ran = house.ok("group-sync-replication", "--all", "--due")
    assert "fenced" in ran.err
    assert live(house, "alpha") == lost
    kept = diverged(house)
    assert f"kept as group snapshot {kept[0]['name']}" in ran.err
    assert "kept as" not in house.ok("group-sync-replication", "db").err
    ran = house.ok(*FAIL_BACK)
    assert reads(house) == [b"on beta 0", b"on beta 1"]
    assert diverged(house) == kept
    assert len(kept) == 1
    assert points(house, "alpha")[str(kept[0]["id"])] == lost
    assert "bytes" in str(kept[0]["description"])
    house.ok("group-create-from-src", "--group-snapshot", str(kept[0]["id"]), "--name", "look")
    house.ok("group-sync-replication", "db")
    house.ok("group-snapshot-delete", str(kept[0]["id"]))


def test_an_undo_goes_back_to_what_was_before_and_keeps_what_was_written_since(house: House) -> None:
    writes(house, "before")
    house.ok(*FAIL_OVER)
    writes(house, "since")
    house.ok("group-sync-replication", "db")
    shown = house.show("group-undo-failover", "db")
    assert shown["reason"] == "undo"
    assert group(house) == ("alpha", "available", "enabled")
    assert reads(house) == [b"before 0", b"before 1"]
    assert [row["host"] for row in diverged(house)] == ["beta"]
    assert house.run("group-undo-failover", "db").code == 5
    writes(house, "after")
    house.ok("group-sync-replication", "db")
    house.ok(*FAIL_OVER)
    assert reads(house) == [b"after 0", b"after 1"]


def test_an_undo_of_an_unplanned_failover_goes_on_with_what_was_not_replicated(house: House) -> None:
    writes(house, "never synced")
    lose(house)
    house.ok(*FAIL_OVER, "--source-is-down")
    come_back(house)
    house.ok("group-undo-failover", "db")
    assert reads(house) == [b"never synced 0", b"never synced 1"]
    house.ok("group-sync-replication", "db")
    assert points(house, "beta")[str(replica(house)["point_id"])] == live(house, "alpha")


def test_more_than_the_rpo_is_lost_only_when_that_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = build(tmp_path, rpo="1s")
    house.ok("group-enable-replication", "db")
    _age(house, 5)
    lose(house)
    ran = house.run(*FAIL_OVER, "--source-is-down")
    assert ran.code == 7
    assert "more than the RPO of 1 s" in ran.err
    assert group(house) == ("alpha", "available", "enabled")
    house.ok(*FAIL_OVER, "--source-is-down", "--accept-data-loss")


def test_a_point_from_the_future_may_lose_more_than_any_rpo(tmp_path: Path) -> None:
    house = build(tmp_path, rpo="1d")
    house.ok("group-enable-replication", "db")
    _age(house, -7200)
    lose(house)
    ran = house.run(*FAIL_OVER, "--source-is-down")
    assert ran.code == 7
    assert "cannot be told" in ran.err
    assert group(house) == ("alpha", "available", "enabled")
    assert "nobody knows how much" in house.ok(*FAIL_OVER, "--source-is-down", "--accept-data-loss").err


def test_no_more_than_the_rpo_is_lost_on_the_way_home_either(house: House) -> None:
    house.ok(*FAIL_OVER)  # alpha has the final point of what it served itself, and nothing that beta wrote since
    _age(house, 7200, "alpha")
    lose(house, "beta")
    ran = house.run(*FAIL_BACK, "--source-is-down")
    assert (ran.code, "more than the RPO" in ran.err) == (7, True), ran
    assert group(house)[0] == "beta"
    house.ok(*FAIL_BACK, "--source-is-down", "--accept-data-loss")


def _age(house: House, seconds: int, backend: str = "beta") -> None:
    """As if the replica's points were so much older."""
    from datetime import datetime, timedelta

    for note in (house.root / f"{backend}/.cgctl/replication").glob("*/point-*"):
        words = note.read_text().split()
        words[2] = (datetime.fromisoformat(words[2]) - timedelta(seconds=seconds)).isoformat()
        note.write_text(" ".join(words) + "\n")


def test_a_fence_hook_that_succeeds_is_proof_enough(house: House) -> None:
    fenced = house.root / "fenced"
    house.configure(
        backends={"alpha": {**house.configuration["backends"]["alpha"], "fence": f"false; touch {fenced}.1; exit 1"}}
    )
    lose(house)
    assert house.run(*FAIL_OVER).code == 7
    house.configure(backends={"alpha": {**house.configuration["backends"]["alpha"], "fence": f"env > {fenced}"}})
    _age(house, 7200)
    ran = house.run(*FAIL_OVER)
    assert (ran.code, "more than the RPO" in ran.err, "--source-is-down" in ran.err) == (7, True, False)
    assert not fenced.exists(), "a server is cut off by a failover that is refused"
    house.ok(*FAIL_OVER, "--accept-data-loss")
    assert "CGCTL_BACKEND=alpha" in fenced.read_text()
    assert group(house)[0] == "beta"


def test_a_post_failover_hook_gets_portal_and_ids(house: House) -> None:
    told = house.root / "told"
    house.configure(hooks={"db": {"post_failover": f"env > {told}"}})
    house.ok(*FAIL_OVER)
    assert "CGCTL_PORTAL=192.0.2.1:3260" in told.read_text()
    assert house.show("show", "db-0")["id"] in told.read_text()


def test_an_attached_member_needs_the_flag(house: House) -> None:
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    with house.unchanged():
        ran = house.run("group-failover-replication", "db")
    assert ran.code == 5
    assert "--allow-attached-volume" in ran.err


@pytest.mark.parametrize("word", ["dr9", "beta", ""])
def test_an_unknown_target_is_refused(house: House, word: str) -> None:
    with house.unchanged():
        ran = house.run(*FAIL_OVER, "--secondary-backend-id", word)
    assert ran.code == 4
    assert "dr1" in ran.err


def test_failing_over_twice_and_failing_back_at_home_change_nothing(house: House) -> None:
    house.ok(*FAIL_BACK)
    assert group(house) == ("alpha", "available", "enabled")
    house.ok(*FAIL_OVER)
    house.ok(*FAIL_OVER)
    assert group(house) == ("beta", "available", "failed-over")


def test_a_dry_run_tells_the_steps_and_touches_nothing(house: House) -> None:
    with house.unchanged():
        ran: Ran = house.ok(*FAIL_OVER, "--dry-run")
    steps = [line.partition(": ")[2].partition("): ")[2] for line in ran.out.splitlines()]
    assert steps[0] == "fence the source"
    assert "promote a recovery point" in steps


def test_a_member_that_joined_after_the_last_point_is_named(house: House) -> None:
    house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
    lose(house)
    ran = house.ok(*FAIL_OVER, "--source-is-down")
    assert "late" in ran.err
    assert house.show("show", "late")["status"] == "error"
    assert house.show("show", "db-0")["status"] == "available"


def test_a_replica_that_was_edited_by_hand_is_not_promoted(house: House) -> None:
    newest = str(replica(house)["point_id"])
    disk = next((house.root / "beta/groupsnap" / f"cgctl-{newest}").glob("*/disk"))
    disk.write_bytes(b"by hand" + disk.read_bytes()[7:])
    lose(house)
    assert house.run(*FAIL_OVER, "--source-is-down").code == 7
    come_back(house)
    refused = house.run("group-sync-replication", "db")
    assert (refused.code, disk.read_bytes().startswith(b"by hand")) == (7, True)
    for command in refused.err.partition("as a group snapshot: cgctl ")[2].strip().split("; cgctl "):
        house.ok(*command.split())
    assert points(house, "beta") == points(house, "alpha")


def test_a_whole_backend_is_failed_over_and_what_stays_is_named(house: House) -> None:
    house.ok("group-create", "consistent", "gold", "--name", "second")
    house.ok("create", "1M", "--group-id", "second", "--volume-type", "gold", "--name", "second-0")
    house.ok("create", "1M", "--volume-type", "gold", "--name", "alone")
    house.ok("group-enable-replication", "second")
    with house.unchanged():
        would = house.ok("failover-host", "alpha", "--dry-run").out
    assert {"would: group db: fence the source", "would: volume alone: not replicated: stays"} <= {
        re.sub(r": [^:]+ \(.*?\): ", ": ", line) for line in would.splitlines()
    }
    lose(house)
    ran = house.run("failover-host", "alpha", "--dry-run")
    assert (ran.code, "would: group second: refuse it: the source does not answer" in ran.out) == (7, True)
    assert house.run("failover-host", "alpha").code == 7
    rows = {row["name"]: row["result"] for row in house.show("failover-host", "alpha", "--source-is-down")}
    assert rows["alone"] == "not replicated: stays"
    assert rows["db"].startswith("served by beta, up to ")
    assert rows["second"].startswith("served by beta, up to ")
    assert {row["host"] for row in house.show("group-list")} == {"beta"}


def test_a_failover_whose_destination_dies_is_given_up_and_the_source_serves_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    writes(house, "kept")
    offered = access(house, "alpha")
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("the disk is broken"), "note_point"))
    assert house.run(*FAIL_OVER).code == 6
    assert group(house) == ("alpha", "error", "error")
    assert access(house, "alpha") == {}
    faulty.install(monkeypatch, faulty.well)
    lose(house, "beta")
    assert house.run(*FAIL_OVER).code == 8
    house.ok(*FAIL_BACK)
    assert group(house) == ("alpha", "available", "enabled")
    assert access(house, "alpha") == offered
    come_back(house, "beta")
    house.configure(hooks={"db": {"pre": "true"}})  # a file pool holds no writes by itself
    writes(house, "went on")
    house.ok("group-sync-replication", "db")
    house.ok(*FAIL_OVER)
    assert reads(house) == [b"went on 0", b"went on 1"]


def test_a_failover_that_may_have_promoted_is_not_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("gone"), "create_consistencygroup_from_src"))
    assert house.run(*FAIL_OVER).code == 6
    faulty.install(monkeypatch, faulty.well)
    ran = house.run(*FAIL_BACK)
    assert ran.code == 7
    assert "may serve it already" in ran.err
    house.ok(*FAIL_OVER)
    assert group(house) == ("beta", "available", "failed-over")
