"""Backups from begin to end: what comes back is what was there, of one point, also without the state; kills; damage."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.manager import faulty, gated
from tests.manager.agreement import disagreements
from tests.manager.house import House

KILLED = -9
MIB = 1024**2


@pytest.fixture
def vault(db: House) -> House:
    """The group `db`, a volume `single` of two chunks, and a repository on this machine."""
    with_vault(db)
    db.ok("create", "9M", "--volume-type", "gold", "--name", "single", "--availability-zone", "nova")
    db.write("single", b"first")
    return db


def with_vault(house: House) -> None:
    (house.root / "vault").mkdir()
    house.configure(backup_repositories={"vault": {"directory": str(house.root / "vault")}})


def chunks(house: House, volume: str) -> bytes:
    return house.disk(volume).read_bytes()


def held(house: House) -> set[str]:
    """What is in the repository, whole or not."""
    return {one.name for one in (house.root / "vault").iterdir()} - {"cgctl-repository"}


def hidden(house: House) -> list[str]:
    """Objects of the pools that the state does not know, and lists that nobody has used up."""
    known = {
        str(row[0]) for table in ("volumes", "groups", "snapshots") for row in house.rows(f"SELECT id FROM {table}")
    }
    lists = [str(path) for path in house.root.glob("*/.cgctl/activities/known-*")]
    return [one.id for one in house.objects() if one.id not in known] + lists


def ended(house: House) -> None:
    for _ in range(200):
        house.ok("recover")
        if not house.rows("SELECT 1 FROM activities WHERE state IN ('queued', 'running', 'cancelling')"):
            return
        time.sleep(0.05)
    raise AssertionError("an activity does not end")


def test_a_volume_comes_back_as_a_new_one_and_into_an_existing_one(vault: House) -> None:
    image = chunks(vault, "single")
    shown = vault.show("backup-create", "single", "--name", "monday")
    assert (shown["status"], shown["size"], shown["object_count"]) == ("available", 0.008789, 1)
    assert hidden(vault) == []
    vault.write("single", b"other")
    new = vault.show("backup-restore", "monday", "--name", "again")
    assert (new["status"], new["volume_type"], new["name"]) == ("available", "gold", "again")
    assert chunks(vault, "again") == image
    vault.ok("backup-restore", "monday", "--volume", "single")
    assert chunks(vault, "single") == image
    larger = vault.make("create", "--backup-id", "monday", "12M", "--name", "larger")
    assert chunks(vault, larger) == image + bytes(3 * MIB)
    assert hidden(vault) == []
    assert disagreements(vault) == []


def test_a_snapshot_is_backed_up_as_it_was(vault: House) -> None:
    vault.ok("snapshot-create", "single", "--name", "then")
    vault.write("single", b"later")
    vault.ok("backup-create", "single", "--snapshot-id", "then", "--name", "b")
    vault.ok("backup-restore", "b", "--name", "again")
    assert vault.read("again", 5) == b"first"


def test_a_group_comes_back_into_a_state_that_knows_nothing_of_it(vault: House, tmp_path: Path) -> None:
    vault.ok("group-backup-create", "db", "--name", "nightly")
    other = House(tmp_path, state=f"sqlite:///{tmp_path / 'fresh' / 'state.db'}")
    with_no_pools(other)
    other.types()
    assert [one["name"] for one in other.show("group-backup-list", "--repository", "vault")] == ["nightly"]
    assert [one["name"] for one in other.show("backup-import", "cgctl", "vault")] == ["nightly"]
    assert other.run("backup-import", "cgctl", "vault").code == 5
    group = other.show("group-backup-restore", "nightly", "--name", "again")
    members = other.show("list", "--filters", f"group_id={group['id']}")
    assert [one["name"] for one in members] == ["db-0", "db-1"]
    beginnings = {other.disk(one["id"]).read_bytes()[:8] for one in members}
    assert beginnings == {b"member 0", b"member 1"}


def with_no_pools(house: House) -> None:
    """Pools of its own: those of the other state are somebody else's."""
    for name in ("fresh", "gamma"):
        (house.root / name).mkdir()
    house.configuration["backends"] = {"gamma": {"driver": "file", "pool": str(house.root / "gamma")}}
    house.configure(backup_repositories={"vault": {"directory": str(house.root / "vault")}})


def test_without_the_types_a_restore_says_what_is_missing(vault: House) -> None:
    vault.ok("group-backup-create", "db", "--name", "nightly")
    vault.ok("group-delete", "db", "--delete-volumes")
    vault.ok("group-type-delete", "consistent")
    refused = vault.run("group-backup-restore", "nightly")
    assert refused.code == 4
    assert "cgctl group-type-create consistent" in refused.err


def test_an_incremental_backup_stores_what_has_changed_and_each_may_go_first(vault: House) -> None:
    with vault.disk("single").open("r+b") as disk:
        disk.seek(4 * MIB)
        disk.write(b"second chunk")
    vault.ok("backup-create", "single", "--name", "full")
    vault.write("single", b"FIRST")
    image = chunks(vault, "single")
    second = vault.show("backup-create", "single", "--name", "delta", "--incremental")
    assert (second["is_incremental"], second["object_count"]) == (True, 2)
    assert 0 < second["new_bytes"] < second["stored_bytes"]
    vault.ok("backup-delete", "full")
    vault.ok("backup-verify", "delta")
    vault.ok("backup-restore", "delta", "--name", "again")
    assert chunks(vault, "again") == image
    vault.ok("backup-delete", "delta")
    assert held(vault) == set()


def test_damage_is_found_named_told_by_the_exit_code_and_not_restored(vault: House) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    (chunk,) = (vault.root / "vault").glob("backup-*/chunks/??/*")
    chunk.write_bytes(chunk.read_bytes()[:-1])
    before = {one["id"] for one in vault.show("list")}
    refused = vault.run("backup-restore", "b", "--name", "again")
    assert refused.code == 6
    assert "offset 0" in refused.err
    vault.run("backup-restore", "b", "--volume", "single")
    found = vault.run("backup-verify", "b", "-f", "json")
    assert found.code == 6
    assert [(one["member"], one["offset"]) for one in found.json] == [("single", 0)]
    assert vault.show("backup-show", "b")["fail_reason"] == "1 damaged chunk(s)"
    assert vault.read("single", 5) == b"first"
    assert {one["id"] for one in vault.show("list")} == before
    assert hidden(vault) == []


def test_refusals_leave_no_trace(vault: House) -> None:
    vault.ok("group-backup-create", "db", "--name", "of-group")
    vault.ok("backup-create", "single", "--name", "of-volume")
    vault.ok("snapshot-create", "single", "--name", "snap")
    expected = [
        (("backup-create", "nothing"), 4),
        (("backup-create", "db-0", "--snapshot-id", "snap"), 5),
        (("backup-create", "single", "--container", "elsewhere"), 3),
        (("backup-restore", "of-group"), 5),
        (("group-backup-restore", "of-volume"), 5),
        (("backup-restore", "of-volume", "--volume", "db-0"), 5),
        (("create", "--backup-id", "of-volume", "1M"), 2),
        (("create", "--backup-id", "of-volume", "--group-id", "db"), 2),
        (("backup-import", "swift", "vault"), 2),
        (("backup-import", "cgctl", "vault/00000000"), 4),
        (("backup-update", "of-volume"), 2),
        (("backup-create", "single", "--dry-run"), 0),
        (("backup-restore", "of-volume", "--volume", "single", "--dry-run"), 0),
        (("backup-delete", "of-volume", "--dry-run"), 0),
    ]
    with vault.unchanged():
        codes = [(words, vault.run(*words).code) for words, _ in expected]
    assert codes == expected


def test_words_and_status_change_in_the_state_alone(vault: House) -> None:
    vault.ok("backup-create", "single", "--name", "b", "--metadata", "a=1")
    vault.ok("backup-update", "b", "--name", "c", "--description", "why", "--metadata", "b=2")
    vault.ok("backup-reset-state", "c", "--state", "error")
    shown = vault.show("backup-show", "c")
    assert (shown["status"], shown["description"], shown["metadata"]) == ("error", "why", {"a": "1", "b": "2"})
    assert vault.run("backup-restore", "c").code == 5
    vault.ok("reset-state", "--type", "backup", "--state", "available", "c")
    assert [one["name"] for one in vault.show("backup-list", "--volume-id", "single")] == ["c"]
    assert vault.show("backup-export", "c")["backup_url"] == f"vault/{shown['id']}"


@dataclass(frozen=True)
class Kind:
    """A command that is killed, and what may be there afterwards."""

    words: tuple[str, ...]
    backups: tuple[int, ...]
    first: tuple[bytes, ...] = (b"other",)


STRIDE = 1 if os.environ.get("CGCTL_SOAK") == "1" else 5
KINDS = {
    "create": Kind(("backup-create", "single", "--incremental", "--name", "new"), (1, 2)),
    "restore": Kind(("backup-restore", "b", "--volume", "single"), (1,), (b"first", b"other")),
    "delete": Kind(("backup-delete", "b"), (0, 1)),
    "group": Kind(("group-backup-restore", "g", "--name", "new"), (1,)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "create" else pytest.mark.soak) for name in KINDS]
)
def test_a_command_that_was_killed_anywhere_is_done_or_was_never_there(vault: House, name: str) -> None:
    kind = KINDS[name]
    vault.ok("backup-create", "single", "--name", "b")
    if name == "group":
        vault.ok("group-backup-create", "db", "--name", "g")
    vault.write("single", b"other")
    for point in itertools.count(1, STRIDE):
        code = vault.forked(*kind.words, prepare=faulty.Killer(point).arm)
        assert code in (0, KILLED), code
        ended(vault)
        rows = vault.show("backup-list")
        assert len(rows) in kind.backups, point
        assert {one["status"] for one in rows} <= {"available"}, point
        known = {one["id"] for one in (*rows, *vault.show("group-backup-list"))}
        assert held(vault) == {f"backup-{one}" for one in known}, point
        assert hidden(vault) == [], point
        assert disagreements(vault) == [], point
        assert vault.show("show", "single")["status"] == "available"
        assert vault.read("single", 5) in kind.first, point
        if code == 0:
            break
        tidy(vault, name)
    assert point > 4


def tidy(house: House, name: str) -> None:
    """As it was before the command."""
    if name == "create" and len(house.show("backup-list")) == 2:
        house.ok("backup-delete", "new")
    if name == "restore":
        house.write("single", b"other")
    if name == "delete" and not house.show("backup-list"):
        house.ok("backup-create", "single", "--name", "b")
    if name == "group" and [one for one in house.show("group-list") if one["name"] == "new"]:
        house.ok("group-delete", "new", "--delete-volumes")


def test_a_backup_that_is_read_cannot_be_deleted(vault: House, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    gated.close_for_all(monkeypatch, vault)
    key = vault.make("backup-restore", "b", "--name", "again", "--detach")
    assert vault.run("backup-delete", "b").code == 5
    assert f"cgctl activity-show {key}\n" in vault.ok("backup-show", "b").err
    vault.ok("activity-cancel", key)
    assert vault.ok("backup-show", "b").err == ""
    assert [one["name"] for one in vault.show("list") if one["name"] == "again"] == []
    assert hidden(vault) == []
    vault.ok("backup-delete", "b")


def test_a_backup_that_is_cancelled_leaves_nothing(vault: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.close_for_all(monkeypatch, vault)
    key = vault.make("backup-create", "single", "--detach")
    assert [one["status"] for one in vault.show("backup-list")] == ["creating"]
    vault.ok("activity-cancel", key)
    assert vault.show("backup-list") == []
    assert held(vault) == set()
    assert hidden(vault) == []
    assert disagreements(vault) == []


def test_work_that_says_it_is_done_and_is_not_leaves_nothing(vault: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.wrap(monkeypatch, "exit 0")
    assert vault.run("backup-create", "single").code == 6
    assert vault.show("backup-list") == []
    assert held(vault) == set()
    assert hidden(vault) == []
    assert vault.show("recover") == []
