"""A server that fails, refuses or does not answer: what an operation leaves, and how it is put right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers.errors import ConnectionLost, PoolFull, ServerFailed, TimedOut, Unreachable
from tests.manager import faulty, world
from tests.manager.agreement import disagreements, ends, shape
from tests.manager.house import House

Fresh = Callable[[], House]
UNANSWERED = {
    "connection lost before": faulty.raises_before(ConnectionLost("stor1: closed the connection")),
    "connection lost after": faulty.raises_after(ConnectionLost("stor1: closed the connection")),
    "timed out before": faulty.raises_before(TimedOut("stor1: no answer")),
    "timed out after": faulty.raises_after(TimedOut("stor1: no answer")),
    "interrupted before": faulty.raises_before(KeyboardInterrupt()),
    "interrupted after": faulty.raises_after(KeyboardInterrupt()),
    "a bug of the driver": faulty.raises_before(TypeError("no cgctl error")),
}
CODES = {"interrupted": 130, "a bug of": 1}
DELETIONS = (
    "delete",
    "delete with snapshots",
    "snapshot-delete",
    "group-snapshot-delete",
    "group-delete",
    "group-delete with volumes",
)
CREATIONS = {
    "group-create": "group-delete new",
    "create": "delete new",
    "create in a group": "group-update db --remove-volumes new",
    "snapshot-create": "snapshot-delete new",
    "group-snapshot-create": "group-snapshot-delete new",
    "group from a group snapshot": "group-delete new --delete-volumes",
    "group from a group": "group-delete new --delete-volumes",
}


ALWAYS = ("connection lost before", "connection lost after")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, fault) for name in world.CHANGES for fault in ALWAYS),
        *(
            (name, fault)
            for name in ("add and remove", "create", "delete")
            for fault in UNANSWERED
            if fault not in ALWAYS
        ),
    ],
)
def test_an_answer_that_is_missing_is_settled_later(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    before, after = ends(fresh, name)
    house = fresh()
    words = world.ready(house, name)
    faulty.install(monkeypatch, UNANSWERED[fault])
    ran = house.run(*words)
    assert ran.code == next((code for start, code in CODES.items() if fault.startswith(start)), 6), ran
    faulty.install(monkeypatch, faulty.well)
    assert "cgctl recover" in house.ok("list").err
    assert disagreements(house) != []
    house.ok("recover")
    assert disagreements(house) == []
    creates = name in CREATIONS or name.startswith(("create", "attachment-create"))
    assert shape(house) == (before if creates else after)


@pytest.mark.parametrize("name", world.CHANGES)
def test_what_the_server_refuses_leaves_no_trace(fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    house = fresh()
    words = world.ready(house, name)
    before, files = shape(house), house.files()
    faulty.install(monkeypatch, faulty.raises_before(PoolFull("alpha: no room")))
    ran = house.run(*words)
    assert ran.code == 6
    assert ran.err.startswith("error: ")
    assert "alpha: no room" in ran.err
    assert "\nhint: " in ran.err
    assert (shape(house), house.files()) == (before, files)
    assert disagreements(house) == []


@pytest.mark.parametrize("name", world.CHANGES)
def test_a_server_that_is_not_reached_leaves_no_trace(fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    house = fresh()
    words = world.ready(house, name)
    before = shape(house)
    faulty.install(monkeypatch, faulty.raises_before(Unreachable("alpha: no route")))
    assert house.run(*words).code == 8
    assert shape(house) == before
    assert disagreements(house) == []


@pytest.mark.parametrize("name", CREATIONS)
def test_a_creation_that_failed_is_in_error_and_can_be_deleted(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    house = fresh()
    before = shape(house)
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("alpha: something odd")))
    assert house.run(*world.ready(house, name)).code == 6
    faulty.install(monkeypatch, faulty.well)
    added = shape(house) - before
    assert added
    assert all(row[2] == "error" for row in added), added
    assert [one for one in disagreements(house) if "transitional" in one or "lock" in one] == []
    house.ok(*CREATIONS[name].split())
    if name == "create in a group":
        house.ok("delete", "new")
    assert disagreements(house) == []
    assert shape(house) == before


@pytest.mark.parametrize("name", DELETIONS)
def test_a_deletion_that_failed_is_in_error_and_can_be_run_again(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    house = fresh()
    words = world.ready(house, name)
    before = shape(house)
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("alpha: something odd")))
    assert house.run(*words).code == 6
    faulty.install(monkeypatch, faulty.well)
    assert {row[2] for row in shape(house) - before} == {"error"}
    assert disagreements(house) == []
    house.ok(*words)
    assert disagreements(house) == []
    assert shape(house) < before


def test_a_recovery_that_the_server_fails_exits_with_its_code_and_can_run_again(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    faulty.install(monkeypatch, UNANSWERED["connection lost after"])
    house.run("delete", "spare")
    faulty.install(monkeypatch, faulty.raises_before(Unreachable("alpha: no route")))
    ran = house.run("recover")
    assert ran.code == 8
    assert "no route" in ran.err + ran.out
    faulty.install(monkeypatch, faulty.well)
    house.ok("recover")
    assert disagreements(house) == []


def test_recover_tells_what_it_would_settle_and_touches_nothing(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    house = fresh()
    faulty.install(monkeypatch, UNANSWERED["connection lost after"])
    house.run("delete", "spare")
    faulty.install(monkeypatch, faulty.well)
    with house.unchanged():
        assert "would be settled" in house.ok("recover", "--dry-run").out


def test_the_status_that_a_removed_volume_had_survives_recovery(fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    house = fresh()
    faulty.install(monkeypatch, faulty.raises_after(ServerFailed("alpha: something odd")))
    house.run("create", "1M", "--volume-type", "gold", "--group-id", "db", "--name", "broken")
    faulty.install(monkeypatch, UNANSWERED["connection lost after"])
    house.run("group-update", "db", "--remove-volumes", "broken")
    faulty.install(monkeypatch, faulty.well)
    house.ok("recover")
    assert disagreements(house) == []
    assert house.show("show", "broken")["status"] == "error"
    assert house.show("show", "broken")["group_id"] is None
