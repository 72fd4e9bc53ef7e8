"""The contract with scripts (cli.md) on real `file` backends: keys, spellings, options, references, exit codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime

import pytest
import yaml

from tests.manager.house import House

KEYS = {
    "group": "id name description status availability_zone created_at group_type group_type_name volume_types "
    "group_snapshot_id source_group_id replication_status host volumes consistent_group_snapshot_enabled",
    "volume": "id name description status size volume_type volume_type_id group_id consistencygroup_id snapshot_id "
    "source_volid replication_status host attachments metadata created_at updated_at export",
    "snapshot": "id name status volume_id size group_snapshot_id created_at",
    "group snapshot": "id name description status group_id group_type_id created_at snapshots hold",
}
COMMANDS = {
    "group": ("group-create consistent gold --name one", "group-show", "group-list"),
    "volume": ("create 1M --volume-type gold --group-id db --name one", "show", "list"),
    "snapshot": ("snapshot-create db-0 --name one", "snapshot-show", "snapshot-list"),
    "group snapshot": ("group-snapshot-create db --name one", "group-snapshot-show", "group-snapshot-list"),
    "clone": ("group-create-from-src --source-group db --name one", "group-show", "group-list"),
    "volume type": ("type-create one", "type-show", "type-list"),
    "group type": ("group-type-create one", "group-type-show", "group-type-list"),
    "consistency group": ("consisgroup-create gold --name one", "consisgroup-show", "consisgroup-list"),
    "cgsnapshot": ("cgsnapshot-create db --name one", "cgsnapshot-show", "cgsnapshot-list"),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_create_show_and_list_give_the_same_object(db: House, kind: str) -> None:
    create, show, listing = COMMANDS[kind]
    created = db.show(*create.split())
    assert db.show(show, created["id"]) == created
    listed = {row["id"]: row for row in db.show(listing)}[created["id"]]
    assert {key: listed[key] for key in created} == created


@pytest.mark.parametrize("kind", KEYS)
def test_json_has_the_documented_keys(db: House, kind: str) -> None:
    created = db.show(*COMMANDS[kind][0].split())
    assert set(KEYS[kind].split()) <= set(created)
    assert datetime.fromisoformat(created["created_at"]).utcoffset() is not None


def test_a_list_is_an_array_and_may_be_empty(house: House) -> None:
    for words in ("list", "group-list", "snapshot-list", "group-snapshot-list", "attachment-list", "type-list"):
        assert house.show(words) == []
        assert house.ok(words, "-f", "value").out == ""


def test_value_prints_bare_values_one_row_a_line(db: House) -> None:
    ids = [row["id"] for row in db.show("list")]
    assert db.ok("list", "-f", "value", "-c", "id").out == "".join(f"{one}\n" for one in ids)
    assert db.ok("show", "db-0", "-f", "value", "-c", "name", "-c", "size").out.split() == ["db-0", "0.000977"]


def test_yaml_and_csv_say_what_json_says(db: House) -> None:
    assert yaml.safe_load(db.ok("group-show", "db", "-f", "yaml").out)["id"] == db.show("group-show", "db")["id"]
    rows = list(csv.DictReader(io.StringIO(db.ok("list", "-f", "csv", "-c", "id", "-c", "name").out)))
    assert [list(row.values()) for row in rows] == [[row["id"], row["name"]] for row in db.show("list")]


def test_options_stand_before_or_after_the_arguments(db: House) -> None:
    db.ok("group-create", "--name", "before", "consistent", "gold")
    db.ok("group-create", "consistent", "--name", "between", "gold")
    db.ok("group-create", "consistent", "gold", "--name", "after")
    assert {row["name"] for row in db.show("group-list")} == {"db", "before", "between", "after"}


def test_an_object_answers_to_id_name_and_a_unique_beginning_of_its_id(db: House) -> None:
    group_id = db.show("group-list")[0]["id"]
    for reference in ("db", group_id, group_id[:8], group_id[:20]):
        assert db.show("group-show", reference)["id"] == group_id
    for reference in (group_id[:7], group_id[1:], group_id.upper(), "d", "%", "_" * 36):
        assert db.run("group-show", reference).code == 4


def test_a_name_that_looks_like_the_beginning_of_an_id_is_the_name(db: House) -> None:
    beginning = db.show("show", "db-0")["id"][:8]
    other = db.make("create", "1M", "--volume-type", "gold", "--name", beginning)
    assert db.show("show", beginning)["id"] == other


def test_some_of_several_that_failed_exit_with_10_and_the_rest_is_done(db: House) -> None:
    for name in ("a", "b"):
        db.ok("create", "1M", "--volume-type", "gold", "--name", name)
    ran = db.run("delete", "a", "nothing", "db-0", "b")
    assert ran.code == 10
    assert ran.err.count("error: ") == 3
    assert {row["name"] for row in db.show("list")} == {"db-0", "db-1"}


def test_several_that_all_failed_alike_exit_with_that_code(db: House) -> None:
    assert db.run("delete", "nothing", "neither").code == 4
    assert db.run("delete", "db-0", "db-1").code == 5
    assert db.run("delete", "db-0", "nothing").code == 10


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ["list"]),
        (2, ["create", "--no-such-option"]),
        (2, ["no-such-command"]),
        (3, ["group-create", "consistent", "gold", "--config", "/nowhere/config.yaml"]),
        (3, ["list", "--state", "mysql://localhost/x"]),
        (4, ["show", "nothing"]),
        (5, ["delete", "db-0"]),
    ],
)
def test_exit_codes(db: House, code: int, words: list[str]) -> None:
    assert db.run(*words).code == code


def test_a_pool_that_is_missing_is_the_servers_failure(db: House) -> None:
    (db.root / "alpha").rename(db.root / "unmounted")
    for words in (["group-snapshot-create", "db"], ["group-delete", "db", "--delete-volumes"]):
        ran = db.run(*words)
        assert ran.code == 6
        assert "backend-check" in ran.err
    (db.root / "unmounted").rename(db.root / "alpha")
    db.ok("group-delete", "db", "--delete-volumes")


def test_a_server_that_is_not_reached_exits_with_8(db: House) -> None:
    hosts = db.root / "known_hosts"
    hosts.touch()
    ssh = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": str(hosts)}
    db.add_backend("alpha", ssh=ssh)
    assert db.run("group-delete", "db", "--delete-volumes").code == 8
    assert db.show("group-show", "db")["status"] == "available"


# Spellings of the seeds


def test_seed_000_is_spelled_as_it_is_written(db: House) -> None:
    group = db.show("consisgroup-create", "--volume-type", "gold,silver", "mycg1")
    assert group["name"] == "mycg1"
    assert len(group["volume_types"]) == 2
    volume = db.show("create", "--volume-type", "gold", "--consisgroup-id", "mycg1", "1M", "--name", "v1")
    assert volume["consistencygroup_id"] == group["id"]
    snapshot = db.show("cgsnapshot-create", "mycg1")
    assert snapshot["consistencygroup_id"] == group["id"]
    clone = db.show("consisgroup-create-from-src", "--consistencygroup", "mycg1", "--name", "clone")
    assert clone["source_group_id"] == group["id"]
    assert [row["name"] for row in db.show("consisgroup-list")] == ["mycg1", "clone"]
    db.ok("cgsnapshot-delete", snapshot["id"])
    db.ok("consisgroup-delete", "--force", "mycg1", "clone")


def test_todays_client_is_spelled_as_it_is_written(db: House) -> None:
    group = db.show("consisgroup-create", "gold,silver", "--name", "mycg1")
    db.ok("create", "1M", "--volume-type", "gold", "--consisgroup-id", group["id"])
    taken = db.show("cgsnapshot-create", "mycg1", "--name", "s1")
    for words in (("--source-cg", "mycg1"), ("--cgsnapshot", taken["id"])):
        db.ok("consisgroup-create-from-src", *words, "--name", "clone")
    assert db.show("list", "--group_id", "mycg1")[0]["group_id"] == group["id"]
    assert db.show("group-list", "--all-tenants", "1", "--filters", "name=mycg1")[0]["id"] == group["id"]
    assert db.ok("group-show", "mycg1", "--list-volume", "True").out


def test_a_cgsnapshot_works_on_any_group(db: House) -> None:
    taken = db.show("cgsnapshot-create", "db")
    assert db.show("group-snapshot-show", taken["id"])["group_id"] == taken["consistencygroup_id"]


def test_nothing_but_the_result_is_on_stdout(fresh: Callable[[], House]) -> None:
    house = fresh()
    for words in (["extend", "spare", "2M"], ["rename", "spare", "other"], ["delete", "other"]):
        assert house.ok(*words).out == ""
    assert house.ok("snapshot-delete", "snap", "--quiet").err == ""
