"""What met at night, each alone being well: members in error, late words, sides that were away. About 60 s."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cgctl.cli.wiring.carrying import Carrying
from cgctl.manager.environment import Carried
from drivers.errors import OutcomeUnknown
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import build, live, points, replica
from tests.manager.test_failover import come_back, group, lose

FAIL_OVER = ("group-failover-replication", "db", "--secondary-backend-id")
SYNC = ("group-sync-replication", "db")
LOST = ("--source-is-down", "--accept-data-loss")
LATE = ("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "late")


def test_who_was_away_shares_a_point_with_whoever_serves_when_it_returns(three: House) -> None:
    """Beta has it, gamma has not; gamma serves for a while, then beta."""
    house = three
    house.ok(*FAIL_OVER, "dr1")
    house.ok(*FAIL_OVER, "default")
    lose(house)
    house.ok(*FAIL_OVER, "dr1", *LOST)
    house.ok(*FAIL_OVER, "dr2")
    assert house.run(*SYNC).code == 10
    house.write("db-0", b"on gamma")
    assert house.run(*SYNC).code == 10
    house.ok(*FAIL_OVER, "dr1")
    assert house.run(*SYNC).code == 10
    come_back(house)
    house.ok(*SYNC)
    assert replica(house, host="alpha")["is_full"] is False
    served = live(house, "beta")
    house.ok(*FAIL_OVER, "default")
    assert live(house, "alpha") == served


def test_what_is_lost_counts_until_the_word_that_the_source_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failover was interrupted before the fence, and the source served on."""
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    house = build(tmp_path, rpo="3s")
    house.ok("group-enable-replication", "db")
    assert house.forked(*FAIL_OVER, "dr1", prepare=faulty.Killer(4).arm) == -9
    time.sleep(3)  # the RPO
    lose(house)
    refused = house.run(*FAIL_OVER, "dr1", "--source-is-down")
    assert (refused.code, "more than the RPO of 3 s" in refused.err) == (7, True)
    told = house.ok(*FAIL_OVER, "dr1", *LOST, "-f", "json")
    assert told.json["loss_seconds"] > 3
    assert group(house)[0] == "beta"


def test_a_member_in_error_is_none_that_was_left_behind(replicated: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = replicated
    house.ok("reset-state", "--type", "volume", "--state", "error", "db-1")
    faulty.install(monkeypatch, faulty.raises_before(OutcomeUnknown("the line was cut"), "forget"))
    assert house.run("group-disable-replication", "db").code == 6
    faulty.install(monkeypatch, faulty.well)
    house.ok("group-disable-replication", "db")
    house.ok("reset-state", "--type", "group", "--state", "available", "db")
    refused = house.run("group-enable-replication", "db")
    assert (refused.code, "volume db-1: status must be" in refused.err) == (5, True)
    hint = refused.err.rpartition("when it is well again: cgctl ")[2]
    house.ok(*hint.split())
    house.ok("group-enable-replication", "db")
    assert [len(one) for one in points(house, "beta").values()] == [2]


def test_who_was_left_behind_stays_so_whatever_its_status_is_set_to(replicated: House) -> None:
    house = replicated
    late = house.make(*LATE)
    hook = house.root / "hook"
    house.configure(hooks={"db": {"post_failover": f'echo "$CGCTL_VOLUMES" "$CGCTL_CONNECTIONS" >{hook}'}})
    lose(house)
    house.ok(*FAIL_OVER, "dr1", *LOST)
    told = hook.read_text()
    assert (late in told, all(one in told for one in house.members("db") if one != late)) == (False, True)
    come_back(house)
    house.ok("reset-state", "--type", "volume", "--state", "available", "late")
    house.ok(*SYNC)
    house.ok("group-update", "db", "--remove-volumes", "late")


def test_a_group_without_members_is_not_failed_over(replicated: House) -> None:
    """Nor to a point of which no member is left: until then nothing is promoted, and it can be given up."""
    house = replicated
    house.ok("group-update", "db", "--remove-volumes", "db-0,db-1")
    with house.unchanged():
        refused = house.run(*FAIL_OVER, "dr1")
    assert (refused.code, "has no volumes" in refused.err) == (5, True)
    house.ok(*LATE)
    lose(house)
    assert "holds none of the group's volumes" in house.run(*FAIL_OVER, "dr1", *LOST).err
    come_back(house)
    house.ok(*FAIL_OVER, "default")
    assert group(house) == ("alpha", "available", "enabled")
    house.ok(*SYNC)
    house.ok(*FAIL_OVER, "dr1")
    assert len(live(house, "beta")) == 1


def test_what_is_verified_is_what_would_be_promoted(replicated: House) -> None:
    house = replicated
    house.ok(*FAIL_OVER, "dr1")
    house.write("db-0", b"undone")
    house.ok(*SYNC)
    house.ok("group-undo-failover", "db")
    tested = house.show("group-test-failover", "db")["point_id"]
    assert {row["point_id"] for row in house.show("group-verify-replica", "db")} == {tested}


def test_a_damaged_replica_at_home_is_begun_anew_where_the_group_serves(replicated: House) -> None:
    house = replicated
    house.ok(*FAIL_OVER, "dr1")
    house.ok(*SYNC)
    for disk in house.root.glob("alpha/groupsnap/*/*/disk"):
        disk.write_bytes(b"X" + disk.read_bytes()[1:])
    found = house.run("group-verify-replica", "db")
    assert (found.code, "differs in bytes 0-" in found.err) == (6, True)
    refused = house.run(*SYNC)
    assert (refused.code, "was changed by hand" in refused.err) == (7, True)
    beta = house.configuration["backends"]["beta"]
    house.configure(backends={"beta": {**beta, "replication_targets": [{"backend_id": "back", "backend": "alpha"}]}})
    for ran in (refused, found):
        words = ran.err[ran.err.index("cgctl group-disable-replication") :].strip()
        for command in words.split("; "):
            house.ok(*command.removeprefix("cgctl ").split())
        assert points(house, "alpha") == points(house, "beta")


def test_a_point_that_a_killed_run_brings_after_all_has_arrived(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends what it receives for the killed one between the look of the next and its own transfer."""
    house, carry = replicated, Carrying.__call__

    def twice(carrying: Carrying, *words: Any) -> Carried:
        carry(carrying, *words)
        return carry(carrying, *words)

    monkeypatch.setattr(Carrying, "__call__", twice)
    house.write("db-0", b"written before")
    served = live(house, "alpha")
    house.ok(*FAIL_OVER, "dr1")
    assert (group(house)[0], live(house, "beta")) == ("beta", served)


def test_what_a_killed_removal_has_left_of_a_member_is_no_member_to_keep(replicated: House) -> None:
    """Its disk is gone, and its directory is not: there was nothing to keep of it, and no command went on."""
    house = replicated
    house.ok(*FAIL_OVER, "dr1")
    served, group_id = live(house, "beta"), house.show("group-show", "db")["id"]
    left = house.root / "alpha" / "live" / f"cgctl-{group_id}" / f"cgctl-{house.members('db')[0]}"
    left.mkdir(parents=True)
    house.ok(*SYNC)
    left.mkdir(parents=True, exist_ok=True)
    house.ok(*FAIL_OVER, "default")
    assert (group(house)[0], live(house, "alpha")) == ("alpha", served)
