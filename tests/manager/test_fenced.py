"""What a failover has fenced is offered to nobody, whatever the attachments say. About 5 s."""

from __future__ import annotations

import shutil

import pytest

from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House, Ran
from tests.manager.test_failover import access, come_back, diverged, lose
from tests.manager.test_lines_given_up import restore

FAIL_OVER = ("group-failover-replication", "--allow-attached-volume", "db")
ATTACH = ("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
REPAIR = ("backend-check", "--repair", "alpha")


def test_a_repair_does_not_offer_what_an_interrupted_failover_has_fenced(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replicated
    house.ok(*ATTACH)
    offered = access(house, "alpha")
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("gone"), "note_point"))
    assert house.run(*FAIL_OVER).code == 6
    faulty.install(monkeypatch, faulty.well)
    assert "is fenced on backend alpha" in house.ok(*REPAIR).err
    assert access(house, "alpha") == {}
    assert "nothing was lost" in house.ok(*FAIL_OVER).err
    assert (diverged(house), access(house, "alpha"), access(house, "beta")) == ([], {}, offered)
    house.ok("backend-check", "--repair", "beta")
    assert access(house, "beta") == offered


def test_a_repair_beside_a_running_failover_waits_for_nothing_and_offers_nothing(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the state and the fence."""
    house = replicated
    house.ok(*ATTACH)
    repaired: list[int] = []

    def repair(name: str, call: faulty.Call) -> object:
        if name == "remove_exports" and not repaired:
            repaired.append(house.run(*REPAIR).code)
            call()
            repaired.append(house.run(*REPAIR).code)
            return None
        return call()

    faulty.install(monkeypatch, repair)
    house.ok(*FAIL_OVER)
    assert repaired == [0, 0]
    assert access(house, "alpha") == {}


def test_a_state_that_was_restored_offers_nothing_of_a_side_that_is_fenced(replicated: House) -> None:
    house = replicated
    shutil.copy(house.root / "state.db", house.root / "before.db")
    house.ok(*ATTACH)
    shutil.copy(house.root / "state.db", house.root / "copy.db")
    house.configure(hooks={"db": {"pre": "true"}})
    house.write("db-0", b"of alpha alone")
    lose(house)
    house.ok(*FAIL_OVER, "--source-is-down")
    come_back(house)
    house.ok("group-sync-replication", "db")
    assert access(house, "alpha") == {}
    restore(house)
    house.ok(*REPAIR)
    assert access(house, "alpha") == {}
    shutil.copy(house.root / "before.db", house.root / "copy.db")
    restore(house)
    refused = house.run(*ATTACH)
    assert (refused.code, "is fenced on backend alpha" in refused.err) == (7, True)
    assert (access(house, "alpha"), house.show("attachment-list")) == ({}, [])


@pytest.mark.parametrize("move", [FAIL_OVER, ("group-undo-failover", "--allow-attached-volume", "db")])
def test_a_failover_does_not_come_between_the_look_of_a_repair_and_its_offer(
    replicated: House, monkeypatch: pytest.MonkeyPatch, move: tuple[str, ...]
) -> None:
    """It waits, and here it may not: once it has fenced, nothing would be offered there any more."""
    house, serves = replicated, "alpha"
    house.ok(*ATTACH)
    if move is not FAIL_OVER:
        house.ok(*FAIL_OVER)
        serves = "beta"
    said: list[Ran] = []
    once = iter([True])

    def come_between(name: str, call: faulty.Call) -> object:
        if name == "ensure_exports" and next(once, False):
            said.append(house.run(move[0], "--lock-timeout", "0", *move[1:]))
        return call()

    faulty.install(monkeypatch, come_between)
    house.ok("backend-check", "--repair", serves)
    assert [(one.code, "is locked by `cgctl backend-check" in one.err) for one in said] == [(9, True)], said
    assert len(access(house, serves)) == 1
    faulty.install(monkeypatch, faulty.well)
    house.ok(*move)
    assert access(house, serves) == {}


def test_a_repair_that_was_killed_keeps_no_failover_and_no_repair_from_going_on(replicated: House) -> None:
    house = replicated
    house.ok(*ATTACH)
    for _ in range(2):
        assert house.forked(*REPAIR, prepare=faulty.Killer(4).arm) == -9
    house.ok(*REPAIR)
    assert house.forked(*REPAIR, prepare=faulty.Killer(4).arm) == -9
    house.ok(*FAIL_OVER)
    assert (access(house, "alpha"), len(access(house, "beta"))) == ({}, 1)
