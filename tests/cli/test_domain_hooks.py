"""Quiesce hooks of a group, from its metadata and from the configuration, around what is taken of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.manager.agreement import disagreements
from tests.manager.house import House

TAKING = {
    "group snapshot": ("group-snapshot-create", "db", "--name", "new"),
    "clone": ("group-create-from-src", "--source-group", "db", "--name", "new"),
}


def told(house: House) -> list[str]:
    """What the hooks wrote down, in order."""
    path = house.root / "told"
    return path.read_text().splitlines() if path.exists() else []


def hook(house: House, word: str, then: str = ":") -> str:
    return f'echo "{word} $CGCTL_HOOK $CGCTL_GROUP_ID $CGCTL_GROUP_NAME" >> {house.root}/told; {then}'


def by_metadata(house: House, pre: str, post: str) -> None:
    house.ok("group-update", "db", "--metadata", f"quiesce_pre={pre}", f"quiesce_post={post}")


def by_configuration(house: House, pre: str, post: str) -> None:
    house.configure(hooks={"db": {"pre": pre, "post": post, "timeout": "10s"}})


def by_configuration_under_the_id(house: House, pre: str, post: str) -> None:
    house.configure(hooks={house.show("group-show", "db")["id"]: {"pre": pre, "post": post}})


def by_type(house: House, pre: str, post: str) -> None:
    house.ok("group-type-key", "consistent", "set", f"quiesce_pre={pre}", f"quiesce_post={post}")


Giving = Callable[[House, str, str], None]
GIVINGS = [by_metadata, by_configuration, by_configuration_under_the_id, by_type]


@pytest.mark.parametrize("take", TAKING)
@pytest.mark.parametrize("give", GIVINGS)
def test_pre_and_post_run_around_it_and_know_the_group(db: House, give: Giving, take: str) -> None:
    give(db, hook(db, "one"), hook(db, "two"))
    db.ok(*TAKING[take])
    group_id = db.show("group-show", "db")["id"]
    assert told(db) == [f"one pre {group_id} db", f"two post {group_id} db"]
    assert disagreements(db) == []


@pytest.mark.parametrize("take", TAKING)
def test_a_pre_that_fails_changes_nothing_and_post_still_runs(db: House, take: str) -> None:
    by_metadata(db, hook(db, "pre", "echo no >&2; exit 3"), hook(db, "post"))
    groups, files = db.show("group-list"), db.files()
    ran = db.run(*TAKING[take])
    assert ran.code == 6
    assert "pre" in ran.err
    assert [line.split()[0] for line in told(db)] == ["pre", "post"]
    assert (db.show("group-list"), db.show("group-snapshot-list")) == (groups, [])
    assert {path: data for path, data in db.files().items() if "/told" not in path} == files
    assert disagreements(db) == []


@pytest.mark.parametrize("take", TAKING)
def test_a_post_that_fails_keeps_what_was_taken_and_is_told(db: House, take: str) -> None:
    by_metadata(db, hook(db, "pre"), hook(db, "post", "echo cannot >&2; exit 3"))
    ran = db.run(*TAKING[take])
    assert ran.code == 6
    assert "post" in ran.err
    assert "complete" in ran.err
    kept = db.show("group-snapshot-show" if take == "group snapshot" else "group-show", "new")
    assert kept["status"] == "available"
    assert disagreements(db) == []


def test_metadata_goes_before_the_configuration(db: House) -> None:
    by_configuration(db, hook(db, "configured"), hook(db, "configured"))
    by_metadata(db, hook(db, "own"), hook(db, "own"))
    db.ok("group-snapshot-create", "db")
    assert [line.split()[0] for line in told(db)] == ["own", "own"]


def test_metadata_is_removed_by_an_empty_value(db: House) -> None:
    by_metadata(db, hook(db, "own"), hook(db, "own"))
    by_metadata(db, "", "")
    db.ok("group-snapshot-create", "db")
    assert told(db) == []
    assert db.show("group-show", "db")["metadata"] == {}


def test_an_attached_member_needs_hooks_on_a_server_that_cannot_hold(fresh: Callable[[], House]) -> None:
    house = fresh()
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:db")
    with house.unchanged():
        ran = house.run("group-snapshot-create", "db")
    assert ran.code == 5
    assert "quiesce_pre" in ran.err
    by_metadata(house, hook(house, "pre"), hook(house, "post"))
    taken = house.show("group-snapshot-create", "db")
    assert taken["hold"]["members"] == 2
    assert len(told(house)) == 2
    assert disagreements(house) == []


def test_a_dry_run_runs_no_hook(db: House) -> None:
    by_metadata(db, hook(db, "pre"), hook(db, "post"))
    with db.unchanged():
        db.ok("group-snapshot-create", "db", "--dry-run")
    assert told(db) == []


def test_the_nearest_hook_to_the_group_wins(db: House) -> None:
    by_type(db, hook(db, "type"), hook(db, "type"))
    db.ok("group-update", "db", "--metadata", f"quiesce_post={hook(db, 'group')}")
    db.ok("group-snapshot-create", "db")
    assert [line.split()[:2] for line in told(db)] == [["type", "pre"], ["group", "post"]]
    db.ok("group-update", "db", "--metadata", "quiesce_post=")
    by_configuration(db, hook(db, "configuration"), hook(db, "configuration"))
    db.ok("group-snapshot-create", "db")
    assert [line.split()[0] for line in told(db)[2:]] == ["configuration", "configuration"]


def test_hooks_of_a_type_do_not_take_part_in_placement(db: House) -> None:
    by_type(db, "true", "true")
    db.ok("group-create", "consistent", "gold", "--name", "other")


@pytest.mark.parametrize("word", ["quiesce_before=true", "quiesce_timeout=soon"])
def test_a_wrong_hook_of_a_type_is_refused_when_it_is_written(db: House, word: str) -> None:
    with db.unchanged():
        assert db.run("group-type-key", "consistent", "set", word).code == 2


def test_post_of_a_type_runs_although_what_is_between_fails(db: House) -> None:
    by_type(db, hook(db, "stop"), hook(db, "go on"))
    db.disk("db-0").write_bytes(b"another size")
    assert db.run("group-snapshot-create", "db").code == 6
    assert [line.split()[0] for line in told(db)] == ["stop", "go"]
