"""`group-revert-to-snapshot`: what is refused, what is kept, what an interruption leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.errors import ConnectionLost, PoolFull, PoolMissing, ServerFailed
from tests.manager import faulty
from tests.manager.agreement import disagreements, shape
from tests.manager.house import House

Fresh = Callable[[], House]
REVERT = ("group-revert-to-snapshot", "gs")
LOST = faulty.raises_after(ConnectionLost("alpha: closed the connection"), "revert_consistencygroup")


def beginnings(house: House) -> list[bytes]:
    return [house.read(name, 5) for name in ("db-0", "db-1")]


def test_the_old_data_are_back_and_what_was_there_is_kept_under_a_name_that_tells(fresh: Fresh) -> None:
    house = fresh()
    assert beginnings(house) == [b"later"] * 2
    done = house.show(*REVERT)
    assert beginnings(house) == [b"data "] * 2
    assert done["status"] == "available"
    assert done["detached"] == []
    kept = house.show("group-snapshot-show", done["kept_group_snapshot_id"])
    assert kept["name"].startswith("before-revert-2")
    assert kept["hold"]["method"] == "revert"
    assert kept["status"] == "available"
    assert len(kept["snapshots"]) == 2
    assert f"what was there is {kept['name']}" in house.ok("history", "db").out
    house.ok("group-revert-to-snapshot", kept["id"], "--discard")
    assert beginnings(house) == [b"later"] * 2
    assert disagreements(house) == []


def test_a_volume_that_joined_since_is_named_and_nothing_is_reverted(fresh: Fresh) -> None:
    house = fresh()
    house.ok("group-update", "db", "--add-volumes", "spare")
    with house.unchanged():
        ran = house.run(*REVERT)
    assert ran.code == 5
    assert "volume spare joined it after gs" in ran.err
    assert "--remove-volumes" in ran.err


def test_a_volume_that_left_since_is_named_and_nothing_is_reverted(fresh: Fresh) -> None:
    house = fresh()
    volume = house.show("show", "db-1")["id"]
    house.ok("group-update", "db", "--remove-volumes", "db-1")
    with house.unchanged():
        ran = house.run(*REVERT)
    assert ran.code == 5
    assert f"volume {volume} left it after gs" in ran.err
    house.ok("group-update", "db", "--add-volumes", volume)
    house.ok(*REVERT)
    assert beginnings(house) == [b"data "] * 2


def test_a_volume_that_was_extended_since_keeps_its_size(fresh: Fresh) -> None:
    house = fresh()
    house.ok("extend", "db-1", "2M")
    house.ok(*REVERT)
    assert house.disk("db-1").stat().st_size == 2 * 1024**2
    assert beginnings(house) == [b"data "] * 2
    assert disagreements(house) == []


def test_attached_members_are_refused_and_with_force_detached(fresh: Fresh) -> None:
    house = fresh()
    revert = ("group-revert-to-snapshot", "gs-used")
    with house.unchanged():
        ran = house.run(*revert)
    assert ran.code == 5
    assert "volume used-1 is attached" in ran.err
    assert "--force-detach" in ran.err
    used = house.show("show", "used-1")["id"]
    attached = [one["id"] for one in house.show("attachment-list") if one["volume_id"] == used]
    others = len(house.show("attachment-list")) - len(attached)
    done = house.ok(*revert, "--force-detach", "-f", "json")
    assert done.json["detached"] == attached
    assert len(house.show("attachment-list")) == others
    assert house.show("show", "used-1")["status"] == "available"
    assert "used-1 detached" in house.ok("history", "used").out
    assert disagreements(house) == []


def test_a_dry_run_tells_each_step_and_changes_nothing(fresh: Fresh) -> None:
    house = fresh()
    with house.unchanged():
        told = house.ok("group-revert-to-snapshot", "gs-used", "--force-detach", "--name", "kept", "--dry-run").out
    for step in ("detach used-1", "keep what is there as kept", "back to group snapshot gs-used"):
        assert step in told


def test_a_revert_that_the_server_refuses_to_end_is_rolled_back(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    house = fresh()
    before = shape(house)
    words = ("group-revert-to-snapshot", "gs-used", "--force-detach")
    faulty.install(monkeypatch, faulty.raises_before(ConnectionLost("alpha: gone"), "revert_consistencygroup"))
    assert house.run(*words).code == 6
    faulty.install(monkeypatch, faulty.raises_before(PoolFull("alpha: no room"), "revert_consistencygroup"))
    told = house.ok("recover")
    assert "as it was before" in told.err
    assert disagreements(house) == []
    assert shape(house) == before


def test_a_pool_that_is_not_there_leaves_it_unsettled_and_later_it_is_rolled_forward(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the exchange had happened cannot be known: what was to be kept must not be forgotten."""
    house = fresh()
    faulty.install(monkeypatch, LOST)
    assert house.run(*REVERT, "--name", "kept").code == 6
    faulty.install(monkeypatch, faulty.raises_before(PoolMissing("alpha: not mounted"), "revert_consistencygroup"))
    assert house.run("recover").code == 6
    faulty.install(monkeypatch, faulty.well)
    house.ok("recover")
    assert beginnings(house) == [b"data "] * 2
    assert house.show("group-snapshot-show", "kept")["status"] == "available"
    assert disagreements(house) == []


def test_a_server_that_fails_leaves_errors_that_can_be_read_and_reset(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    monkeypatch.setenv("CGCTL_STATE", house.state)  # `--state` behind reset-state is its own
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: odd"), "revert_consistencygroup"))
    assert house.run(*REVERT, "--name", "kept").code == 6
    faulty.install(monkeypatch, faulty.well)
    assert {house.show(*words)["status"] for words in (("group-show", "db"), ("show", "db-0"))} == {"error"}
    assert [one for one in disagreements(house) if "only in the state" not in one] == []
    house.ok("group-snapshot-delete", "kept")
    house.ok("reset-state", "--type", "group", "--state", "available", "db")
    for name in ("db-0", "db-1"):
        house.ok("reset-state", "--type", "volume", "--state", "available", name)
    house.ok(*REVERT)
    assert disagreements(house) == []
