"""Section B of reference/cinder-groups.md, row by row: the state before, the command, how it is refused, and that

nothing has changed. What the document's rows allow is at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from drivers.errors import PoolFull, ServerFailed
from tests.manager import faulty, world
from tests.manager.agreement import disagreements
from tests.manager.house import House


@dataclass(frozen=True)
class Row:
    """rule: the document's words. before: SQL that makes the state. said: what the refusal has to name."""

    rule: str
    command: str
    code: int
    said: str
    before: str = ""


def group(status: str, name: str = "db") -> str:
    return f"UPDATE groups SET status = '{status}' WHERE name = '{name}';"


def volume(status: str, name: str = "db-0") -> str:
    return f"UPDATE volumes SET status = '{status}' WHERE name = '{name}';"


def taken(status: str, name: str = "gs") -> str:
    return f"UPDATE group_snapshots SET status = '{status}' WHERE name = '{name}';"


NO_SNAPSHOTS = "DELETE FROM snapshots; DELETE FROM group_snapshots;"
BAD_SOURCES = ("creating", "updating", "deleting", "error", "error_deleting")

B2 = [
    Row("the group type exists", "group-create nothing gold", 4, "group type nothing"),
    Row("the type of consistency groups is reserved", "group-create default_cgsnapshot_type gold", 5, "reserved"),
    Row("at least one volume type", "group-create consistent ,", 2, "volume type"),
    Row("the same for a consistency group", "consisgroup-create ,", 2, "volume type"),
    Row("each volume type once", "group-create consistent gold,gold", 2, "gold"),
    Row("each volume type exists", "group-create consistent gold,nothing", 4, "volume type nothing"),
    Row("the zone is known", "group-create consistent gold --availability-zone z", 4, "availability zone 'z'"),
    Row("one backend fits all types", "group-create consistent gold,unused", 5, "no backend fits",
        "UPDATE volume_types SET extra_specs = '{\"tier\": \"none\"}' WHERE name = 'unused';"),
    Row("no volume type excludes what the group type asks for", "group-create consistent unused", 5, "excludes",
        "UPDATE volume_types SET extra_specs = '{\"consistent_group_snapshot_enabled\": \"<is> False\"}';"),
]  # fmt: skip
B3 = [
    Row("the group exists", "create 1M --group-id nothing --volume-type gold", 4, "group nothing"),
    Row("a type is required", "create 1M --group-id db", 2, "volume type"),
    Row("the type is one of the group's", "create 1M --group-id empty --volume-type silver", 5, "silver"),
    *(
        Row(f"the group is not {status}", "create 1M --group-id empty --volume-type gold", 5, f"is {status}",
            group(status, "empty"))
        for status in ("updating", "deleting", "error", "error_deleting")
    ),
]  # fmt: skip
B4 = [
    Row("nothing was given", "group-update db", 2, "nothing to change"),
    Row("an id in both lists", "group-update db --add-volumes db-0 --remove-volumes db-0", 2, "both"),
    Row("add: not found", "group-update db --add-volumes nothing", 4, "volume nothing"),
    Row("add: in another group", "group-update empty --add-volumes db-0", 5, "is in group"),
    Row("add: no type", "group-update db --add-volumes spare", 5, "type",
        "UPDATE volumes SET volume_type_id = NULL WHERE name = 'spare';"),
    Row("add: type not in the group", "group-update empty --add-volumes silvery", 5, "type"),
    *(
        Row(f"add: status {status}", "group-update db --add-volumes spare", 5, f"is {status}", volume(status, "spare"))
        for status in ("creating", "deleting", "error", "error_deleting", "extending", "attaching", "error_extending")
    ),
    Row("add: the status is told before the backend", "group-update db --add-volumes far", 5, "is error",
        volume("error", "far")),
    Row("add: other backend", "group-update db --add-volumes far", 5, "is on backend beta"),
    Row("add: already a member, and nothing is left to do", "group-update db --add-volumes db-0", 5, "already"),
    Row("remove: not a member", "group-update db --remove-volumes spare", 5, "is not in group"),
    *(
        Row(f"remove: status {status}", "group-update db --remove-volumes db-0", 5, f"is {status}", volume(status))
        for status in ("creating", "deleting", "extending", "attaching", "detaching")
    ),
    Row("the same name counts as nothing", "group-update db --name db", 5, "already"),
    *(
        Row(f"a change of members while the group is {status}", "group-update db --remove-volumes db-0", 5,
            f"is {status}", group(status))
        for status in BAD_SOURCES
    ),
    Row("the volume's fault is told before the group's", "group-update db --add-volumes far", 5, "backend beta",
        group("error")),
]  # fmt: skip
B5 = [
    *(
        Row(f"without the flag: status {status}", "group-delete empty", 5, f"is {status}", group(status, "empty"))
        for status in ("creating", "updating", "deleting")
    ),
    Row("a group snapshot exists", "group-delete db", 5, "group snapshots"),
    Row("a group snapshot exists, even with the flag", "group-delete db --delete-volumes", 5, "group snapshots"),
    Row("members and no flag", "group-delete db", 5, "2 volumes", NO_SNAPSHOTS),
    Row("the status is told before the members", "group-delete db", 5, "is updating", NO_SNAPSHOTS + group("updating")),
    *(
        Row(f"a member is {status}", "group-delete db --delete-volumes", 5, "db-0 is attached",
            NO_SNAPSHOTS + volume(status))
        for status in ("in-use", "attaching", "detaching")
    ),
    Row("a member has a snapshot", "group-delete db --delete-volumes", 5, "has snapshots",
        "UPDATE snapshots SET group_snapshot_id = NULL; DELETE FROM group_snapshots;"),
    Row("the attachment is told before the snapshot", "group-delete db --delete-volumes", 5, "attached",
        "UPDATE snapshots SET group_snapshot_id = NULL; DELETE FROM group_snapshots;" + volume("in-use")),
    Row("never placed, but with members: nothing may be orphaned", "group-delete db --delete-volumes", 5, "placed",
        NO_SNAPSHOTS + "UPDATE groups SET host = NULL WHERE name = 'db';"),
]  # fmt: skip
B6 = [
    Row("the group exists", "group-snapshot-create nothing", 4, "group nothing"),
    Row("the group has members", "group-snapshot-create empty", 5, "no volumes"),
    *(
        Row(f"the group is {status}", "group-snapshot-create db", 5, f"is {status}", group(status))
        for status in BAD_SOURCES
    ),
    *(
        Row(f"a member is {status}", "group-snapshot-create db", 5, f"db-0 is {status}", volume(status))
        for status in ("creating", "deleting", "error", "error_deleting", "extending", "error_extending", "attaching")
    ),
    Row("the driver cannot hold the writes of an attached member", "group-snapshot-create db", 5, "hold writes",
        volume("in-use")),
    Row("a member has no host", "group-snapshot-create db", 5, "placed",
        "UPDATE volumes SET host = NULL WHERE name = 'db-0';"),
]  # fmt: skip
B7 = [
    Row("it exists", "group-snapshot-delete nothing", 4, "group snapshot nothing"),
    *(
        Row(f"it is {status}", "group-snapshot-delete gs", 5, f"is {status}", taken(status))
        for status in ("creating", "deleting")
    ),
    Row("a group is being made of it", "group-snapshot-delete gs", 5, "group empty",
        "UPDATE groups SET status = 'creating',"
        " group_snapshot_id = (SELECT id FROM group_snapshots WHERE name = 'gs') WHERE name = 'empty';"),
    Row("a member snapshot does not go alone", "snapshot-delete MEMBER_SNAPSHOT", 5, "member of group snapshot"),
]  # fmt: skip
B8 = [
    Row("one source", "group-create-from-src", 2, "no source"),
    Row("not two", "group-create-from-src --group-snapshot gs --source-group db", 2, "two sources"),
    Row("the group snapshot exists", "group-create-from-src --group-snapshot nothing", 4, "group snapshot nothing"),
    Row("the group exists", "group-create-from-src --source-group nothing", 4, "group nothing"),
    Row("the group is not empty", "group-create-from-src --source-group empty", 5, "is empty"),
    Row("the group snapshot is not empty", "group-create-from-src --group-snapshot gs", 5, "is empty",
        "DELETE FROM snapshots;"),
    *(
        Row(f"the group is {status}", "group-create-from-src --source-group db", 5, f"is {status}", group(status))
        for status in BAD_SOURCES
    ),
    *(
        Row(f"the group snapshot is {status}", "group-create-from-src --group-snapshot gs", 5, f"is {status}",
            taken(status))
        for status in ("creating", "deleting", "error", "error_deleting")
    ),
    *(
        Row(f"a member snapshot is {status}", "group-create-from-src --group-snapshot gs", 5, f"is {status}",
            f"UPDATE snapshots SET status = '{status}';")
        for status in ("creating", "deleting", "error", "error_deleting")
    ),
    *(
        Row(f"a source volume is {status}", "group-create-from-src --source-group db", 5, f"db-0 is {status}",
            volume(status))
        for status in ("creating", "deleting", "error", "error_deleting", "extending", "attaching")
    ),
    Row("an attached source volume without hooks", "group-create-from-src --source-group db", 5, "attached",
        volume("in-use")),
    Row("a consistency group from a group of another type", "consisgroup-create-from-src --source-cg db", 4,
        "another type"),
]  # fmt: skip
B9 = [
    Row("a member is not deleted", "delete db-0", 5, "member of group"),
    *(
        Row(f"nor a volume that is {status}", "delete spare", 5, status, volume(status, "spare"))
        for status in ("in-use", "attaching", "detaching")
    ),
    Row("nor one with snapshots", "delete solo", 5, "has snapshots"),
    Row("nor one that has left its group, while a group snapshot has it", "delete db-0", 5, "has snapshots",
        "UPDATE volumes SET group_id = NULL WHERE name = 'db-0';"),
]  # fmt: skip
B10 = [
    *(
        Row(f"{kind}: {state or 'blank'}", f"reset-state --type {kind} --state={state} {reference}", 2, "state")
        for kind, reference in (("group", "db"), ("group-snapshot", "gs"), ("volume", "spare"), ("snapshot", "snap"))
        for state in ("", "happy", "creating", "deleting", "updating", "deleted")
    ),
    Row("in-use without attachment", "reset-state --state in-use spare", 5, "no attachment"),
    Row("available with an attachment", "reset-state --state available held", 5, "has attachments"),
]
B11 = [
    Row("extend: not larger", "extend spare 1M", 5, "not larger"),
    *(
        Row(f"extend: {status}", "extend spare 2M", 5, status, volume(status, "spare"))
        for status in ("creating", "deleting", "error", "extending", "attaching")
    ),
    Row("extend: no room for the difference", "extend spare 900000T", 5, "room"),
]  # fmt: skip
CONSISTENCY_GROUP = (
    "INSERT INTO group_types (id, name, is_public, group_specs, created_at)"
    " VALUES ('cg', 'default_cgsnapshot_type', 1, '{}', '2026-11-21 00:00:00');"
    "UPDATE groups SET group_type_id = 'cg' WHERE name = 'db';"
)
CG = [
    *(
        Row(f"{command} is for consistency groups", f"{command} db {words}".strip(), 4, "another type")
        for command, words in (("consisgroup-show", ""), ("consisgroup-delete", ""), ("consisgroup-update", "--name x"))
    ),
    Row("members and no force", "consisgroup-delete db", 5, "2 volumes", CONSISTENCY_GROUP + NO_SNAPSHOTS),
    Row("a cgsnapshot, even with force", "consisgroup-delete db --force", 5, "group snapshots", CONSISTENCY_GROUP),
    Row("a change while it is not well", "consisgroup-update db --remove-volumes db-0", 5, "is error",
        CONSISTENCY_GROUP + group("error")),
    Row("a cgsnapshot while it is not well", "cgsnapshot-create db", 5, "is updating",
        CONSISTENCY_GROUP + group("updating")),
    Row("a clone while it is not well", "consisgroup-create-from-src --source-cg db", 5, "is error",
        CONSISTENCY_GROUP + group("error")),
    Row("a member of another type", "create 1M --consisgroup-id empty --volume-type silver", 5, "silver"),
]  # fmt: skip
TABLES = {
    "B2": B2, "B3": B3, "B4": B4, "B5": B5, "B6": B6, "B7": B7, "B8": B8, "B9": B9, "B10": B10, "B11": B11, "CG": CG,
}  # fmt: skip
ROWS = [pytest.param(row, id=f"{table}: {row.rule}") for table, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize("row", ROWS)
def test_what_a_rule_forbids_is_refused_and_changes_nothing(
    refusing: House, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CGCTL_STATE", refusing.state)  # `--state` behind reset-state is that command's own
    with refusing.forced(row.before), refusing.unchanged():
        ran = refusing.run(*world.words_of(refusing, row.command))
    assert ran.code == row.code, ran
    assert row.said in ran.err
    assert ran.err.startswith("error: ")
    assert "\nhint: " in ran.err, "every refusal shows the way out"
    assert ran.out == ""


def test_a_group_that_was_never_placed_is_dropped_without_a_server(
    fresh: Callable[[], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = fresh()
    with house.forced("UPDATE groups SET host = NULL, status = 'creating' WHERE name = 'empty';"):
        faulty.install(monkeypatch, faulty.raises_before(ServerFailed("must not be asked")))
        house.ok("group-delete", "empty")
        assert house.run("group-show", "empty").code == 4


def test_a_member_that_is_named_again_is_no_matter_when_something_else_changes(fresh: Callable[[], House]) -> None:
    house = fresh()
    house.ok("group-update", "db", "--add-volumes", "db-0,spare")
    house.ok("group-update", "db", "--add-volumes", "db-0", "--name", "other")
    assert len(house.show("group-show", "other")["volumes"]) == 3


@pytest.mark.parametrize("status", ["creating", "updating", "deleting", "error", "error_deleting"])
def test_words_of_a_group_change_in_any_status_and_leave_it(refusing: House, status: str) -> None:
    with refusing.forced(group(status)):
        refusing.ok("group-update", "db", "--name", "renamed", "--description", "now")
        shown = refusing.show("group-show", "renamed")
        assert (shown["status"], shown["description"]) == (status, "now")


@pytest.mark.parametrize("status", ["error", "error_deleting"])
def test_a_broken_member_may_leave_and_keeps_its_status(fresh: Callable[[], House], status: str) -> None:
    house = fresh()
    with house.forced(volume(status)):
        house.ok("group-update", "db", "--remove-volumes", "db-0")
        assert (house.show("show", "db-0")["status"], house.show("show", "db-0")["group_id"]) == (status, None)


@pytest.mark.parametrize(
    ("underway", "then"),
    [
        ("create_cgsnapshot", ("group-snapshot-create", "db")),
        ("create_consistencygroup_from_src", ("group-create-from-src", "--source-group", "db")),
    ],
)
def test_a_group_is_not_changed_nor_deleted_while_it_is_being_copied(
    db: House, monkeypatch: pytest.MonkeyPatch, underway: str, then: tuple[str, ...]
) -> None:
    """The old consistency groups' rule, which generic groups have lost."""
    refused: list[tuple[int, str]] = []

    def meanwhile(name: str, call: faulty.Call) -> object:
        if name == underway:
            for words in ("group-update db --remove-volumes db-0", "group-delete db --delete-volumes"):
                ran = db.run(*words.split(), "--lock-timeout", "0")
                refused.append((ran.code, ran.err))
        return call()

    faulty.install(monkeypatch, meanwhile)
    db.ok(*then)
    assert [code for code, _ in refused] == [9, 9]
    assert all(then[0] in told for _, told in refused)
    assert [row["status"] for row in db.show("list", "--group-id", "db")] == ["available", "available"]
    assert disagreements(db) == []


@pytest.mark.parametrize("name", world.CHANGES)
def test_what_a_server_refuses_leaves_every_row_to_the_letter(
    fresh: Callable[[], House], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Times among them: a refusal is no change."""
    house = fresh()
    words = world.ready(house, name)
    faulty.install(monkeypatch, faulty.raises_before(PoolFull("alpha: no room")))
    before = rows(house)
    assert house.run(*words).code == 6
    assert rows(house) == before


def rows(house: House) -> list[list[tuple[object, ...]]]:
    tables = ("groups", "volumes", "snapshots", "group_snapshots", "attachments", "group_volume_types")
    return [house.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def test_what_stays_allowed_for_members(fresh: Callable[[], House]) -> None:
    """B.9: extend, attach, snapshot; and B.7: the group snapshot goes although members have come and gone since."""
    house = fresh()
    house.ok("extend", "db-0", "2M")
    house.ok("snapshot-create", "db-0", "--name", "own")
    house.ok("attachment-create", "db-1", "--initiator", "iqn.2026-11.test:db")
    house.ok("group-update", "db", "--add-volumes", "spare", "--remove-volumes", "db-0")
    house.ok("group-snapshot-delete", "gs")
    assert {row["name"] for row in house.show("list", "--group-id", "db")} == {"db-1", "spare"}
    assert disagreements(house) == []
