"""Servers that answer, and are of no use: what a failover does with them. About 10 s."""

from __future__ import annotations

import shutil

import pytest

from drivers.errors import AtWork, ServerFailed
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live
from tests.manager.test_failover import access, come_back, diverged, group, lose

ORDER = ("group-failover-replication", "--allow-attached-volume", "db")


def test_a_destination_that_cannot_be_read_leaves_the_group_as_it_is(replicated: House) -> None:
    house = replicated
    (note,) = house.root.glob("beta/.cgctl/replication/*/point-*")
    kept = note.read_text()
    note.write_text("\n")
    lose(house)
    ran = house.run(*ORDER, "--source-is-down")
    assert (ran.code, "cannot be read" in ran.err) == (6, True)
    assert group(house) == ("alpha", "available", "enabled")
    note.write_text(kept)
    house.ok(*ORDER, "--source-is-down")


@pytest.mark.parametrize("how", ["broken", "empty", pytest.param("away", marks=pytest.mark.soak)])
def test_a_source_that_answers_without_its_data_is_done_without(replicated: House, how: str) -> None:
    """Its notes cannot be read; its pool is new and empty; its directory is gone. Its exports end nevertheless."""
    house = replicated
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    before = live(house, "alpha")
    pool = house.root / "alpha"
    if how == "broken":
        for note in pool.glob(".cgctl/replication/*/point-*"):
            note.write_text("\n")
    else:
        shutil.rmtree(pool)
    if how == "empty":
        pool.mkdir()
    offered = access(house, "alpha")
    ran = house.run(*ORDER)
    assert access(house, "alpha") == offered
    assert ran.code in (6, 7), ran
    assert "--source-is-down" in ran.err
    assert group(house) == ("alpha", "available", "enabled")
    assert "going on without it" in house.ok(*ORDER, "--source-is-down").err
    assert (live(house, "beta"), access(house, "alpha")) == (before, {})
    assert len(access(house, "beta")) == 1


def test_a_destination_that_fails_is_no_source_that_is_down(replicated: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the source is busy, and nothing happens; then the destination cannot receive; then all is well."""
    house = replicated
    faulty.install(monkeypatch, faulty.raises_before(AtWork("another script is at it"), "remove_exports"))
    assert house.run(*ORDER, "--source-is-down").code == 9
    assert group(house) == ("alpha", "available", "enabled")
    faulty.install(monkeypatch, faulty.well)
    house.write("db-0", b"acknowledged")
    before = live(house, "alpha")
    (notes,) = house.root.glob("beta/.cgctl/replication/cgctl-*")
    (notes / "receiving" / "stone").mkdir(parents=True)
    ran = house.run(*ORDER, "--source-is-down")
    assert (ran.code, "shut it down before" in ran.err, "going on without" in ran.err) == (6, True, False)
    shutil.rmtree(notes / "receiving")
    assert "nothing was lost" in house.ok(*ORDER, "--source-is-down").err
    assert live(house, "beta") == before


@pytest.fixture
def half_promoted(replicated: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A failover whose destination has made the group, and said so to nobody."""
    replicated.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("gone"), "create_consistencygroup_from_src"))
    assert replicated.run(*ORDER).code == 6
    faulty.install(monkeypatch, faulty.well)
    return replicated


BACK = (*ORDER, "--secondary-backend-id", "default")


def test_a_destination_that_is_gone_for_good_keeps_no_group_behind_its_fence(half_promoted: House) -> None:
    house = half_promoted
    lose(house, "beta")
    refused = house.run(*BACK)
    assert (refused.code, f"{' '.join(BACK[:1])} --secondary-backend-id default --source-is-down" in refused.err) == (
        7,
        True,
    )
    house.ok(*BACK, "--source-is-down")
    assert group(house) == ("alpha", "available", "enabled")
    assert len(access(house, "alpha")) == 1
    house.configure(hooks={"db": {"pre": "true"}})
    house.write("db-0", b"goes on")
    come_back(house, "beta")
    house.ok("group-sync-replication", "db")
    served = live(house, "alpha")
    house.ok(*ORDER)
    assert (live(house, "beta"), group(house)[0]) == (served, "beta")
    assert len(diverged(house)) <= 1


def test_a_destination_that_was_promoted_and_answers_is_not_given_up_but_left_again(half_promoted: House) -> None:
    house = half_promoted
    house.ok(*BACK, "--source-is-down")
    assert (group(house), access(house, "beta")) == (("alpha", "available", "enabled"), {})
    assert not live(house, "beta")


def test_a_source_that_was_retired_serves_again_when_its_destination_is_gone_for_good(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed behind the last step, before the state knew of it."""
    house = replicated
    house.write("db-0", b"acknowledged")
    before = live(house, "alpha")
    faulty.install(monkeypatch, faulty.raises_after(KeyboardInterrupt(), "delete_consistencygroup"))
    assert house.run(*ORDER).code == 130
    faulty.install(monkeypatch, faulty.well)
    assert live(house, "alpha") == []
    lose(house, "beta")
    house.ok(*BACK, "--source-is-down")
    assert (group(house), live(house, "alpha")) == (("alpha", "available", "enabled"), before)
    come_back(house, "beta")
    house.ok("group-sync-replication", "db")


def test_that_one_source_is_down_says_nothing_of_the_next(three: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interrupted failover is rolled forward first, so that its destination is who would be left now."""
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("gone"), "create_consistencygroup_from_src"))
    assert three.run(*ORDER).code == 6
    faulty.install(monkeypatch, faulty.well)
    ran = three.run(*ORDER, "--secondary-backend-id", "dr2", "--source-is-down")
    assert (ran.code, "that alpha is down says nothing of it" in ran.err) == (5, True)
    assert group(three) == ("beta", "available", "failed-over")
