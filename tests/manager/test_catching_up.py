"""A state that was restored from before a failover follows the backend that serves since, where that is proven."""

from __future__ import annotations

import shutil

import pytest

from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live, points, replica
from tests.manager.test_failover import access, come_back, diverged, group, lose
from tests.manager.test_lines_given_up import restore

FAIL_OVER = ("group-failover-replication", "--allow-attached-volume", "db", "--secondary-backend-id")
SYNC = ("group-sync-replication", "db")


def copy(house: House) -> None:
    shutil.copy(house.root / "state.db", house.root / "copy.db")


def test_the_state_follows_a_planned_failover_of_which_it_does_not_know(replicated: House) -> None:
    """What servers hold stays as it is; all goes on from there: sync, failback, undo's point."""
    house = replicated
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    house.configure(hooks={"db": {"pre": "true"}})
    copy(house)
    house.ok(*FAIL_OVER, "dr1")
    house.write("db-0", b"on beta")
    house.ok(*SYNC)
    house.ok("extend", "db-1", "2M")
    restore(house)
    refused = house.run(*SYNC)
    assert (refused.code, "to follow it: cgctl group-failover-replication" in refused.err) == (7, True)
    before, served, offered = house.files(), live(house, "beta"), access(house, "beta")
    told = house.run(*FAIL_OVER, "dr1", "--dry-run")
    assert (told.code, "state only: group db is served by beta" in told.out) == (0, True)
    ran = house.ok(*FAIL_OVER, "dr1", "-f", "json")
    assert "the state was older, and follows it now" in ran.err
    assert (ran.json["is_planned"], ran.json["loss_seconds"], ran.json["host"]) == (True, 0.0, "beta")
    assert (house.files(), access(house, "beta"), access(house, "alpha")) == (before, offered, {})
    assert group(house) == ("beta", "available", "failed-over")
    house.ok(*SYNC)
    assert points(house, "alpha")[str(replica(house, host="alpha")["point_id"])] == served
    house.ok(*FAIL_OVER, "default")
    assert (live(house, "alpha"), group(house)[2]) == (served, "enabled")


def test_what_an_unplanned_failover_lost_is_told_and_kept(replicated: House) -> None:
    house = replicated
    house.write("db-0", b"never shipped")
    lost = live(house, "alpha")
    copy(house)
    lose(house)
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    come_back(house)
    house.ok(*SYNC)  # alpha is fenced, and its writes are kept
    restore(house)
    ran = house.ok(*FAIL_OVER, "dr1", "-f", "json")
    assert ran.json["lost_since"]
    assert (ran.json["is_planned"], ran.json["loss_seconds"] > 0) == (False, True)
    (kept,) = diverged(house)
    assert points(house, "alpha")[str(kept["id"])] == lost
    house.ok(*SYNC)


def test_a_source_that_was_never_fenced_may_have_been_written_to_so_nobody_follows(replicated: House) -> None:
    """By the state it serves: who orders a failover means to take those writes along."""
    house = replicated
    copy(house)
    lose(house)
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    restore(house)
    for words in (("--source-is-down",), ()):
        refused = house.run(*FAIL_OVER, "dr1", *words)
        assert (refused.code, "is no ancestor of what serves now" in refused.err) == (7, True)
        if words:
            come_back(house)
    assert group(house) == ("alpha", "available", "enabled")


def test_an_undo_goes_back_over_it(replicated: House) -> None:
    house = replicated
    copy(house)
    before = live(house, "alpha")
    house.ok(*FAIL_OVER, "dr1")
    house.write("db-0", b"undone")
    restore(house)
    house.ok(*FAIL_OVER, "dr1")
    house.ok("group-undo-failover", "db")
    assert (live(house, "alpha"), group(house)) == (before, ("alpha", "available", "enabled"))


def test_what_is_not_proven_is_refused_and_leaves_the_state_as_it_was(three: House) -> None:
    house = three
    copy(house)
    house.ok(*FAIL_OVER, "dr1")
    house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
    late = house.show("show", "late")["id"]
    restore(house)
    refused = house.run(*FAIL_OVER, "dr1")
    assert (refused.code, f"with other members: {late}" in refused.err) == (7, True)
    lose(house, "gamma")  # it may serve what came after
    unproven = house.run(*FAIL_OVER, "dr1")
    come_back(house, "gamma")
    gamma = house.root / "gamma"
    gamma.rename(house.root / "mounted")
    gamma.mkdir()
    unmounted = house.run(*FAIL_OVER, "dr1")
    gamma.rmdir()
    (house.root / "mounted").rename(gamma)
    elsewhere = house.run(*FAIL_OVER, "dr2")
    for ran in (unproven, unmounted, elsewhere):
        assert (ran.code, "with other members" in ran.err) == (7, False), ran
    assert group(house) == ("alpha", "available", "enabled")
    assert house.rows("SELECT 1 FROM locks") == []


def test_over_two_failovers_it_is_refused(three: House) -> None:
    house = three
    copy(house)
    house.ok(*FAIL_OVER, "dr1")
    house.ok(*FAIL_OVER, "dr2")
    restore(house)
    for word in ("dr1", "dr2", "default"):
        ran = house.run(*FAIL_OVER, word)
        assert ran.code == (0 if word == "default" else 7)  # by the state it is there
    assert group(house) == ("alpha", "available", "enabled")


@pytest.mark.parametrize("point", [3, 5, 7])
def test_killed_anywhere_the_same_command_goes_on(replicated: House, point: int) -> None:
    house = replicated
    copy(house)
    house.ok(*FAIL_OVER, "dr1")
    restore(house)
    house.forked(*FAIL_OVER, "dr1", prepare=faulty.Killer(point).arm)
    house.ok(*FAIL_OVER, "dr1")
    assert group(house) == ("beta", "available", "failed-over")
    house.ok(*SYNC)
