"""What a failover has fenced is offered to nobody, whatever the attachments say. About 5 s."""

from __future__ import annotations

import shutil

import pytest

from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House
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
