"""Seed 003's matrix: every group method × what its driver may answer; what becomes of the whole, of each member, of the

command, and how a second run ends it. Where an answer says that work was done, the real driver has done it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.contract import Volume
from drivers.errors import AtWork, Busy, ServerFailed
from tests.manager import faulty
from tests.manager.agreement import disagreements
from tests.manager.house import House

Fresh = Callable[[], House]


@dataclass(frozen=True)
class Method:
    """words: the command that calls it. whole, members: where they are seen. again: what ends a failure."""

    name: str
    words: str
    whole: str
    members: str
    again: str
    results: int = 2


SNAPSHOTS = "SELECT id, status FROM snapshots WHERE group_snapshot_id = ({}) ORDER BY rowid"
VOLUMES = "SELECT id, status FROM volumes WHERE group_id = ({}) ORDER BY rowid"
NEW_GROUP, DB = (f"SELECT id FROM groups WHERE name = '{name}'" for name in ("new", "db"))
NEW_TAKEN, TAKEN = (f"SELECT id FROM group_snapshots WHERE name = '{name}'" for name in ("new", "gs"))
MAKING = {
    "create_consistencygroup": Method(
        "create_consistencygroup", "group-create consistent gold --name new",
        NEW_GROUP, VOLUMES.format(NEW_GROUP), "group-delete new", 1,
    ),
    "create_consistencygroup_from_src, of a snapshot": Method(
        "create_consistencygroup_from_src", "group-create-from-src --group-snapshot gs --name new",
        NEW_GROUP, VOLUMES.format(NEW_GROUP), "group-delete new --delete-volumes",
    ),
    "create_consistencygroup_from_src, of a group": Method(
        "create_consistencygroup_from_src", "group-create-from-src --source-group db --name new",
        NEW_GROUP, VOLUMES.format(NEW_GROUP), "group-delete new --delete-volumes",
    ),
    "create_cgsnapshot": Method(
        "create_cgsnapshot", "group-snapshot-create db --name new",
        NEW_TAKEN, SNAPSHOTS.format(NEW_TAKEN), "group-snapshot-delete new",
    ),
}  # fmt: skip
REMOVING = {
    "delete_consistencygroup": Method(
        "delete_consistencygroup", "group-delete db --delete-volumes",
        DB, VOLUMES.format(DB), "group-delete db --delete-volumes",
    ),
    "delete_cgsnapshot": Method(
        "delete_cgsnapshot", "group-snapshot-delete gs",
        TAKEN, SNAPSHOTS.format(TAKEN), "group-snapshot-delete gs",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """whole, listed: the statuses that the driver gives; None in `listed`: no entry for this member. raised: instead.

    code, then_whole, then_members: what the operator gets and sees. None: the row is gone.
    """

    whole: str | None
    listed: tuple[str | None, ...] | None
    code: int
    then_whole: str | None
    then_members: tuple[str, ...]
    raised: Exception | None = None


OK = ("available", "available")
BAD = ("error", "error")
MADE = {
    "nothing at all": Answer(None, None, 0, "available", OK),
    "all fine": Answer("available", OK, 0, "available", OK),
    "members fine, nothing of the whole": Answer(None, OK, 0, "available", OK),
    "one member in error": Answer(None, ("available", "error"), 6, "error", ("available", "error")),
    "one member in error, the whole said to be fine": Answer(
        "available", ("error", "available"), 6, "error", ("error", "available")
    ),
    "one member in error, the other not listed": Answer(None, (None, "error"), 6, "error", BAD),
    "a member still creating": Answer(None, ("available", "creating"), 6, "error", ("available", "error")),
    "the whole in error, no list": Answer("error", None, 6, "error", BAD),
    "the whole in error, members fine": Answer("error", OK, 6, "error", OK),
    "an exception": Answer(None, None, 6, "error", BAD, ServerFailed("alpha: something odd")),
    "an exception of any other kind": Answer(None, None, 1, "error", BAD, TypeError("something odd")),
    "busy": Answer(None, None, 6, None, (), Busy("alpha: in use")),
}
REMOVED = {
    "nothing at all": Answer(None, None, 0, None, ()),
    "all gone": Answer("deleted", ("deleted", "deleted"), 0, None, ()),
    "partial": Answer(None, ("deleted", "error_deleting"), 6, "error", ("error_deleting",)),
    "partial, as error": Answer("deleted", ("deleted", "error"), 6, "error", ("error",)),
    "partial, the whole said so": Answer("error_deleting", ("deleted", "error"), 6, "error", ("error",)),
    "partial, the other not listed": Answer("error", ("deleted", None), 6, "error", ("error",)),
    "one was left alone": Answer(None, ("deleted", "available"), 6, "error", ("available",)),
    "the whole in error, no list": Answer("error", None, 6, "error", BAD),
    "the whole in error, all members gone": Answer("error", ("deleted", "deleted"), 6, "error", ()),
    "an exception": Answer(None, None, 6, "error", BAD, ServerFailed("alpha: something odd")),
    "an exception of any other kind": Answer(None, None, 1, "error", BAD, TypeError("something odd")),
    "busy": Answer(None, None, 6, "available", OK, Busy("alpha: a snapshot is in use")),
}


def fault_of(house: House, method: Method, answer: Answer) -> faulty.Fault:
    """The driver's call, answered so; what is said to be done is done."""

    def fault(name: str, call: faulty.Call) -> Any:
        if name != method.name:
            return call()
        if answer.raised:
            raise answer.raised
        ids = [row[0] for row in house.rows(method.members)]
        if name.startswith("create") or answer.listed in (None, ("deleted", "deleted")):
            call()
        else:
            _remove_first(house, name, ids[0])
        whole = {"status": answer.whole} if answer.whole else None
        listed = [
            {"id": one, "status": status} for one, status in zip(ids, answer.listed or (), strict=False) if status
        ]
        return (whole, listed if answer.listed else None)[: method.results] if method.results > 1 else whole

    return fault


def _remove_first(house: House, name: str, member: str) -> None:
    """What a partial delete has done: the member snapshots of a set go by its own hand, so only volumes here."""
    if name == "delete_consistencygroup":
        group_id = house.rows(DB)[0][0]
        house.driver("alpha").delete_volume(house.context(), Volume(member, 1024**2, group_id))


def seen(house: House, method: Method) -> tuple[str | None, tuple[str, ...]]:
    """The status of the whole and of its members."""
    table = "group_snapshots" if "group_snapshots" in method.whole else "groups"
    whole = house.rows(f"SELECT status FROM {table} WHERE id = ({method.whole})")
    return (whole[0][0] if whole else None), tuple(row[1] for row in house.rows(method.members))


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", MAKING)
def test_a_creation_ends_as_its_driver_says(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    method, answer, house = MAKING[name], MADE[kind], fresh()
    alone = name == "create_consistencygroup"
    if alone and answer.whole != "error" and answer.then_whole == "error" and not answer.raised:
        return  # without members nobody's error lifts it
    faulty.install(monkeypatch, fault_of(house, method, answer))
    ran = house.run(*method.words.split())
    faulty.install(monkeypatch, faulty.well)
    assert ran.code == answer.code, ran
    assert seen(house, method) == (answer.then_whole, () if alone else answer.then_members)
    if answer.then_whole == "error":
        assert ran.err.startswith("error: ")
        house.ok(*method.again.split())
    assert [one for one in disagreements(house) if answer.code] == []


@pytest.mark.parametrize("kind", REMOVED)
@pytest.mark.parametrize("name", REMOVING)
def test_a_deletion_ends_as_its_driver_says_and_a_second_run_finishes_it(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    method, answer, house = REMOVING[name], REMOVED[kind], fresh()
    if name == "delete_consistencygroup":
        house.ok("group-snapshot-delete", "gs")
    names = [row["name"] for row in house.show("list", "--group-id", "db")]
    faulty.install(monkeypatch, fault_of(house, method, answer))
    ran = house.run(*method.words.split())
    faulty.install(monkeypatch, faulty.well)
    assert ran.code == answer.code, ran
    assert seen(house, method) == (answer.then_whole, answer.then_members)
    if name == "delete_consistencygroup" and answer.listed and answer.listed[0] == "deleted" and answer.then_members:
        assert names[1] in ran.err
        assert names[0] not in ran.err
        assert len(house.show("group-show", "db", "--list-volume")["volumes"]) == 1
    if answer.then_whole:
        house.ok(*method.again.split())
    assert seen(house, method) == (None, ())
    assert disagreements(house) == []


MOVED = {
    "nothing at all": (0, "available", "available", (None, None, None), None),
    "all fine": (0, "available", "available", ("available", "available", "available"), None),
    "an added volume in error": (6, "error", "error", (None, "error", None), None),
    "a removed volume in error": (6, "error", "error", (None, None, "error"), None),
    "the whole in error": (6, "error", "error", ("error", None, None), None),
    "the whole still updating": (6, "error", "error", ("updating", None, None), None),
    "an exception": (6, "error", "error", (None, None, None), ServerFailed("alpha: something odd")),
    "an exception of any other kind": (1, "error", "error", (None, None, None), TypeError("something odd")),
    "busy": (6, "available", "available", (None, None, None), Busy("alpha: in use")),
    "another script at work": (9, "available", "available", (None, None, None), AtWork("alpha: another script works")),
}
UPDATE = ("group-update", "db", "--add-volumes", "spare", "--remove-volumes", "db-1", "--name", "renamed")


@pytest.mark.parametrize("done", [True, False], ids=["the server had moved them", "the server had not moved them"])
@pytest.mark.parametrize("kind", MOVED)
def test_a_change_of_members_ends_as_its_driver_says_and_a_second_run_finishes_it(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, kind: str, done: bool
) -> None:
    code, group, volume, (whole, added, removed), raised = MOVED[kind]
    house = fresh()

    def fault(name: str, call: faulty.Call) -> Any:
        if name != "update_consistencygroup":
            return call()
        if (done and not isinstance(raised, Busy)) or code == 0:
            call()
        if raised:
            raise raised
        listed = [
            [{"id": ids[one], "status": its}] if its else None for one, its in zip(ids, (added, removed), strict=True)
        ]
        return ({"status": whole} if whole else None, *listed)

    ids = {one: house.show("show", one)["id"] for one in ("spare", "db-1")}
    faulty.install(monkeypatch, fault)
    ran = house.run(*UPDATE)
    faulty.install(monkeypatch, faulty.well)
    assert ran.code == code, ran
    reference = "db" if code else "renamed"
    assert house.show("group-show", reference)["status"] == group
    assert {house.show("show", one)["status"] for one in ids} == {volume}
    if code:
        assert ids["db-1"] in house.show("group-show", "db", "--list-volume")["volumes"]
        house.ok(*UPDATE)
    shown = house.show("group-show", "renamed", "--list-volume")
    assert (shown["status"], ids["spare"] in shown["volumes"], ids["db-1"] in shown["volumes"]) == (
        "available", True, False,
    )  # fmt: skip
    assert {house.show("show", one)["status"] for one in ids} == {"available"}
    assert disagreements(house) == []


def test_another_change_than_the_one_that_failed_is_refused_and_names_it(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the volumes of the first are, nobody knows before it is finished."""
    house = fresh()
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("odd"), "update_consistencygroup"))
    assert house.run("group-update", "db", "--add-volumes", "spare").code == 6
    faulty.install(monkeypatch, faulty.well)
    with house.unchanged():
        ran = house.run("group-update", "db", "--remove-volumes", "db-1")
    assert ran.code == 5
    assert "run it again: cgctl group-update " in ran.err
    assert "--add-volumes spare" in ran.err
    house.ok("group-update", "db", "--name", "renamed")  # words may change meanwhile
    assert house.run("group-snapshot-create", "renamed").code == 5
    house.ok("group-update", "renamed", "--add-volumes", "spare")
    assert disagreements(house) == []


def test_a_change_that_was_interrupted_is_done_once_when_it_is_given_again(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    faulty.install(monkeypatch, faulty.raises_before(KeyboardInterrupt(), "update_consistencygroup"))
    assert house.run("group-update", "db", "--add-volumes", "spare").code == 130
    faulty.install(monkeypatch, faulty.well)
    house.ok("group-update", "db", "--add-volumes", "spare")
    assert house.run("group-update", "db", "--add-volumes", "spare").code == 5
    assert disagreements(house) == []


SINGLE = {
    "create_volume": ("create 1M --volume-type gold --name new", "volumes", "new", "delete new"),
    "create_volume_from_snapshot": ("create --snapshot-id snap --name new", "volumes", "new", "delete new"),
    "create_cloned_volume": ("create --source-volid spare --name new", "volumes", "new", "delete new"),
    "create_snapshot": ("snapshot-create spare --name new", "snapshots", "new", "snapshot-delete new"),
    "delete_volume": ("delete spare", "volumes", "spare", "delete spare"),
    "delete_snapshot": ("snapshot-delete snap", "snapshots", "snap", "snapshot-delete snap"),
}
SINGLE_ANSWERS: dict[str, tuple[object, int]] = {
    "nothing at all": (None, 0),
    "in error": ({"status": "error", "reason": "the disk is sulking"}, 6),
    "an exception": (ServerFailed("alpha: the disk is sulking"), 6),
    "busy": (Busy("alpha: the disk is sulking"), 6),
}


@pytest.mark.parametrize("kind", SINGLE_ANSWERS)
@pytest.mark.parametrize("method", SINGLE)
def test_one_volume_or_snapshot_ends_as_its_driver_says(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, method: str, kind: str
) -> None:
    words, table, name, again = SINGLE[method]
    answer, code = SINGLE_ANSWERS[kind]
    house = fresh()
    fault = faulty.answers(answer, method)
    if answer is None:
        fault = faulty.well
    elif isinstance(answer, Exception):
        fault = faulty.raises_before(answer, method)
    faulty.install(monkeypatch, fault)
    ran = house.run(*words.split())
    faulty.install(monkeypatch, faulty.well)
    there = house.rows(f"SELECT status FROM {table} WHERE name = '{name}'")
    deletes = method.startswith("delete")
    ended = {"nothing at all": [] if deletes else [("available",)], "busy": [("available",)] if deletes else []}
    assert ran.code == code, ran
    assert there == ended.get(kind, [("error",)])
    assert "the disk is sulking" in ran.err or not code
    if there == [("error",)]:
        house.ok(*again.split())
    assert disagreements(house) == []
