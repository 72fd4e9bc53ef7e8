"""`group-migrate --allow-attached-volume`: a group moves while somebody has it, with all that was acknowledged."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import Any

import pytest

from cgctl.cli.wiring.configured import Configured
from cgctl.manager.replication import lone, migration, switch
from cgctl.manager.replication.failover import fail_over
from cgctl.model.names import CG_TYPE
from tests.manager import faulty
from tests.manager.agreement import disagreements
from tests.manager.house import House, Ran
from tests.manager.test_backups import KILLED
from tests.manager.test_failover import access
from tests.manager.test_failover_kill_points import leftovers

STRIDE = 1 if os.environ.get("CGCTL_SOAK") == "1" else 40
MOVE = ("group-migrate", "--allow-attached-volume", "db")


def data(house: House) -> list[bytes]:
    return [house.read(f"db-{number}", 40).rstrip(b"\0") for number in range(2)]


def write(house: House, text: str) -> list[bytes]:
    for number in range(2):
        house.write(f"db-{number}", f"{text} {number}".encode().ljust(40, b"\0"))
    return data(house)


def state(house: House) -> tuple[str, str, str, set[str]]:
    group = house.show("group-show", "db")
    members = [house.show("show", f"db-{number}") for number in range(2)]
    hosts = {str(one["host"]) for one in members}
    return str(group["host"]), str(group["status"]), str(group["replication_status"]), hosts


def test_it_moves_with_its_data_and_access_and_nothing_is_left(used: House) -> None:
    written = write(used, "before")
    shown = used.show(*MOVE, "beta")
    assert (shown["host"], shown["replication_status"]) == ("beta", "disabled")
    assert state(used) == ("beta", "available", "disabled", {"beta"})
    assert data(used) == written
    assert (access(used, "alpha"), len(access(used, "beta"))) == ({}, 1)
    assert [used.show("show", f"db-{number}")["status"] for number in range(2)] == ["in-use", "available"]
    assert used.show("show", "db-0")["migration_status"] == "success"
    assert leftovers(used) == []
    assert disagreements(used) == []
    assert [one.name for one in (used.root / "alpha/live").iterdir()] == []
    used.ok("group-snapshot-create", "db")


def test_what_was_interrupted_goes_on_by_the_same_command_wherever_it_was_killed(used: House) -> None:
    source, destination, point = "alpha", "beta", 1
    while True:
        written = write(used, f"before {point}")
        code = used.forked(*MOVE, destination, prepare=faulty.Killer(point).arm)
        assert code in (0, KILLED), code
        again = used.run(*MOVE, destination)
        assert again.code == 0 or "already" in again.err, again
        assert state(used) == (destination, "available", "disabled", {destination}), point
        assert data(used) == written, point
        assert leftovers(used) == [], point
        assert disagreements(used) == [], point
        assert access(used, source) == {}, point
        if code == 0:
            break
        source, destination, point = destination, source, point + STRIDE
    assert point > STRIDE


def test_it_is_given_up_before_the_cut_over(used: House) -> None:
    written = write(used, "before")
    with used.unchanged():
        assert "fail group db over" in used.ok(*MOVE, "beta", "--dry-run").out
    assert used.forked(*MOVE, "beta", prepare=faulty.Killer(12).arm) == KILLED
    assert used.show("show", "db-0")["migration_status"] == "migrating"
    used.ok("recover")
    with used.unchanged():
        assert "fail group db over" in used.ok(*MOVE, "beta", "--dry-run").out
    assert used.ok("group-sync-replication", "--all").out == ""
    elsewhere = used.run("group-migrate", "db", "beta")
    assert (elsewhere.code, "is on its way to backend beta" in elsewhere.err) == (5, True)
    used.ok("group-disable-replication", "db", "--yes")
    assert state(used) == ("alpha", "available", "disabled", {"alpha"})
    assert data(used) == written
    assert used.show("show", "db-0")["migration_status"] is None
    assert leftovers(used) == []
    assert disagreements(used) == []


def test_what_comes_and_goes_on_the_way_is_not_left_behind_in_silence(
    used: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*words: Any) -> None:
        used.ok("group-snapshot-create", "db", "--name", "late")
        fail_over(*words)

    with monkeypatch.context() as just_before:
        just_before.setattr(migration, "fail_over", late)
        refused = used.run(*MOVE, "beta")
    assert (refused.code, "has group snapshots" in refused.err) == (5, True), refused
    assert state(used) == ("alpha", "available", "enabled", {"alpha"})
    used.ok("group-snapshot-delete", "late")
    used.ok("group-update", "db", "--remove-volumes", "db-1")
    assert used.show("show", "db-1")["migration_status"] is None
    used.ok(*MOVE, "beta")
    assert [used.show("show", f"db-{number}")["host"] for number in range(2)] == ["beta", "alpha"]
    assert leftovers(used) == []
    assert disagreements(used) == []


def dies(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_only_lacks_its_end_is_ended_by_the_same_command_with_detach_as_well(
    alone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, place, last in ((MOVE, switch, "disable_on_servers"), (MOVE_ALONE, lone, "alight")):
        assert alone.forked(*words, "beta", prepare=partial(monkeypatch.setattr, place, last, dies)) == KILLED
        if words is MOVE_ALONE:  # the process that goes on has real exports, and this client has none of them
            alone.ok("attachment-delete", alone.show("attachment-list", "--volume-id", "alone")[0]["id"])
        alone.ok("activity-wait", alone.make(*words, "beta", "--detach"))
    assert state(alone) == ("beta", "available", "disabled", {"beta"})
    assert (alone.show("show", "alone")["host"], alone.show("show", "alone")["group_id"]) == ("beta", None)
    assert [one["name"] for one in alone.show("group-list")] == ["db"]
    assert leftovers(alone) == []
    assert disagreements(alone) == []


@pytest.fixture
def alone(used: House) -> House:
    """A volume in no group, which a client has; consistency groups have hooks."""
    used.ok("group-type-create", CG_TYPE)
    used.ok("group-type-key", CG_TYPE, "set", "quiesce_pre=true", "quiesce_post=true")
    used.ok("create", "1M", "--volume-type", "gold", "--name", "alone", "--availability-zone", "nova")
    used.ok("attachment-create", "alone", "--initiator", "iqn.2026-11.test:one")
    return used


MOVE_ALONE = ("migrate", "--allow-attached-volume", "alone")


def check_alone(house: House, host: str, text: bytes) -> None:
    shown = house.show("show", "alone")
    assert (shown["host"], shown["status"], shown["group_id"]) == (host, "in-use", None)
    assert house.read("alone", 40).rstrip(b"\0") == text
    assert [one["name"] for one in house.show("group-list")] == ["db"]
    assert leftovers(house) == []
    assert disagreements(house) == []


def test_a_volume_in_no_group_moves_and_is_in_none_afterwards(alone: House) -> None:
    alone.write("alone", b"alone")
    with alone.unchanged():
        assert "--allow-attached-volume" in alone.run("migrate", "alone", "beta").err
        assert "then fail it over" in alone.ok(*MOVE_ALONE, "beta", "--dry-run").out
        assert alone.run(*MOVE_ALONE, "alpha").code == 5
    alone.ok("rename", "alone", "a" * 255)
    alone.ok("migrate", "--allow-attached-volume", "a" * 255, "beta")
    alone.ok("rename", "a" * 255, "alone")
    check_alone(alone, "beta", b"alone")
    alone.ok("group-type-key", CG_TYPE, "unset", "quiesce_pre", "quiesce_post")
    assert "cannot hold writes" in alone.run(*MOVE_ALONE, "alpha").err
    check_alone(alone, "beta", b"alone")


def obey(house: House, refused: Ran) -> None:
    """All that a hint says, as it stands there."""
    for command in refused.err.rpartition("hint: ")[2].strip().split("; "):
        house.ok(*command.removeprefix("cgctl ").split())


def test_what_is_in_the_way_of_a_move_is_put_right_by_what_the_refusal_says(
    alone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ("migrate", "--allow-attached-volume", "plain")
    alone.ok("create", "1M", "--name", "plain", "--availability-zone", "nova")
    alone.ok("attachment-create", "plain", "--initiator", "iqn.2026-11.test:one")
    monkeypatch.setattr(Configured, "share_server", lambda *_: True)
    for words, why in ((plain, "has no volume type"), (plain, "on the same server"), (MOVE, "on the same server")):
        with alone.unchanged():
            refused = alone.run(*words, "beta")
        assert (refused.code, why in refused.err) == (5, True), refused
        obey(alone, refused)
    assert {alone.show("show", name)["host"] for name in ("plain", "db-0", "db-1")} == {"beta"}


def test_a_volume_whose_move_was_killed_goes_on_by_the_same_command(alone: House) -> None:
    source, destination, point = "alpha", "beta", 1
    while True:
        text = f"before {point}".encode()
        alone.write("alone", text.ljust(40, b"\0"))
        code = alone.forked(*MOVE_ALONE, destination, prepare=faulty.Killer(point).arm)
        assert code in (0, KILLED), code
        again = alone.run(*MOVE_ALONE, destination)
        assert again.code == 0 or "already" in again.err, again
        check_alone(alone, destination, text)
        if code == 0:
            break
        source, destination, point = destination, source, point + STRIDE
    assert point > STRIDE


def test_what_cannot_move_is_refused_without_trace(used: House) -> None:
    with used.unchanged():
        refused = used.run("group-migrate", "db", "beta")
        assert (refused.code, "--allow-attached-volume" in refused.err) == (5, True)
        assert used.run(*MOVE, "alpha").code == 5
        assert used.run(*MOVE, "gamma").code == 3
    with used.forced("UPDATE groups SET properties = '{}'"):
        refused = used.run(*MOVE, "beta")
        assert (refused.code, "cannot hold writes" in refused.err) == (5, True)
