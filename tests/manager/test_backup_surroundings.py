"""Backups when something around them is not what it was: the repository, the source's server, the state."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.manager import faulty, gated
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import KILLED, MIB, STRIDE, chunks, ended, held, hidden, vault

__all__ = ["vault"]


def test_a_backup_is_not_forgotten_while_its_repository_is_not_mounted(vault: House) -> None:
    """Nobody would ever remove what is on it."""
    key = vault.make("backup-create", "single", "--name", "b")
    repository = vault.root / "vault"
    repository.rename(vault.root / "unmounted")
    repository.mkdir()
    refused = vault.run("backup-delete", "b")
    assert (refused.code, "is its file system mounted" in refused.err) == (6, True), refused
    assert f"cgctl backup-delete --repository-is-gone {key}" in refused.err
    assert vault.status("backup-show", "b") == "available"
    for words in (("backup-list", "--repository", "vault"), ("backup-import", "cgctl", "vault")):
        assert "is its file system mounted" in vault.run(*words).err
    repository.rmdir()
    (vault.root / "unmounted").rename(repository)
    vault.ok("backup-delete", "b")
    assert held(vault) == set()


@pytest.mark.parametrize("how", ["empty", "missing", "not configured"])
def test_a_backup_whose_repository_is_gone_for_good_is_given_up_on_the_operators_word(vault: House, how: str) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    shutil.rmtree(vault.root / "vault")
    if how == "empty":
        (vault.root / "vault").mkdir()
    if how == "not configured":
        vault.configuration["backup_repositories"] = {}
        vault.configure()
    refused = vault.run("backup-delete", "b")
    assert refused.code == (3 if how == "not configured" else 6)
    way = refused.err.split("gone for good: cgctl ")[1].split()
    assert vault.status("backup-show", "b") == "available"
    assert "is left" in vault.ok(*way).err
    assert vault.show("backup-list") == []
    assert disagreements(vault) == []


@pytest.mark.parametrize("how", ["missing", "not configured"])
def test_a_deletion_that_was_killed_before_its_repository_went_for_good_can_be_ended(vault: House, how: str) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    assert vault.forked("backup-delete", "b", prepare=faulty.Killer(2).arm) == KILLED
    assert vault.status("backup-show", "b") == "deleting"
    shutil.rmtree(vault.root / "vault")
    if how == "not configured":
        vault.configuration["backup_repositories"] = {}
        vault.configure()
    for words in (("recover",), ("backup-delete", "b")):
        assert f"cgctl backup-delete --repository-is-gone {key}" in vault.run(*words).err
    assert "recover" in vault.run("backup-delete", "--repository-is-gone", "b", "--dry-run").out
    assert "is left" in vault.ok("backup-delete", "--repository-is-gone", "b").err
    assert vault.show("backup-list") == []
    assert vault.show("recover") == []
    assert disagreements(vault) == []


@pytest.mark.usefixtures("apart")
def test_a_backup_can_be_restored_although_the_server_of_its_source_died_before_its_end(vault: House) -> None:
    """Just then it is wanted; what is left of it there is removed when that server is back, or never."""
    key = vault.make("backup-create", "single", "--name", "b", "--detach")
    alpha, away = vault.root / "alpha", vault.root / "away"
    while not any(name.startswith("backup-") for name in held(vault)):
        time.sleep(0.05)
    alpha.rename(away)
    assert vault.run("activity-wait", key).code == 6
    assert vault.status("backup-show", "b") == "available"
    vault.ok("backup-restore", "b", "--name", "again", "--availability-zone", "elsewhere")
    assert vault.read("again", 5) == b"first"
    assert vault.run("backup-delete", "b").code == 5
    with vault.forced(""):
        vault.ok("activity-forget", "--server-is-down", key)
        assert vault.status("backup-show", "b") == "available"
        vault.ok("backup-delete", "b", "--dry-run")
    away.rename(alpha)
    ended(vault)
    assert (hidden(vault), disagreements(vault)) == ([], [])
    assert vault.status("backup-show", "b") == "available"


def test_what_an_older_copy_of_the_state_takes_for_unfinished_stays(
    vault: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been written to ever since."""
    vault.ok("backup-create", "single", "--name", "b")
    vault.ok("group-backup-create", "db", "--name", "g")
    gate = gated.close_for_all(monkeypatch, vault)
    keys = [
        vault.make("backup-restore", "b", "--name", "again", "--availability-zone", "nova", "--detach"),
        vault.make("group-backup-restore", "g", "--name", "group", "--detach"),
    ]
    with vault.forced(""):
        gate.touch()
        vault.ok("activity-wait", *keys)
        vault.write("again", b"newer")
        vault.ok("activity-forget", *keys)
    vault.ok("recover")
    assert (vault.status("show", "again"), vault.read("again", 5)) == ("available", b"newer")
    assert (vault.status("group-show", "group"), len(vault.members("group"))) == ("available", 2)
    assert disagreements(vault) == []


def test_what_takes_the_place_of_old_data_is_not_copied_once_more(
    vault: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy takes as long as the restore did, with no progress; what takes an hour would be ended, and begun anew."""
    image = chunks(vault, "single")
    vault.ok("backup-create", "single", "--name", "b")
    vault.write("single", b"other")
    vault.ok("extend", "single", "12M")
    called: list[str] = []

    def noted(name: str, call: faulty.Call) -> object:
        called.append(name)
        return call()

    with monkeypatch.context() as watched:
        faulty.install(watched, noted)
        vault.ok("backup-restore", "b", "--volume", "single")
    assert called == ["delete_volume", "create_cloned_volume", "delete_volume"]
    assert chunks(vault, "single") == image + bytes(3 * MIB)
    assert disagreements(vault) == []


def test_one_that_has_done_its_work_before_it_is_cancelled_says_so(vault: House) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    vault.write("single", b"other")
    key = vault.make("backup-restore", "b", "--volume", "single", "--detach")
    (place,) = vault.root.glob(f"*/.cgctl/activities/{key}")
    while not (place / "state").read_text().startswith("succeeded"):
        time.sleep(0.05)
    assert "had succeeded before" in vault.ok("activity-cancel", key).err
    assert vault.ok("activity-cancel", key).err.count("had succeeded before") == 0
    assert vault.read("single", 5) == b"first"


CREATE = (("backup-create", "single"), ("group-backup-create", "db"))


@pytest.mark.parametrize("words", CREATE)
@pytest.mark.parametrize("how", ["missing", "not mounted"])
def test_a_backup_into_a_repository_that_is_not_there_leaves_no_trace(
    vault: House, words: tuple[str, ...], how: str
) -> None:
    vault.ok("backup-create", "single", "--name", "first")
    (vault.root / "vault").rename(vault.root / "away")
    if how == "not mounted":
        (vault.root / "vault").mkdir()
    failed = vault.run(*words, "--name", "b")
    assert (failed.code, "what was begun" in failed.err) == (6, False), failed
    assert [one["name"] for one in vault.show("backup-list") + vault.show("group-backup-list")] == ["first"]
    assert (hidden(vault), disagreements(vault)) == ([], [])


@pytest.mark.parametrize("fixtures", [(), ("apart",)])
@pytest.mark.parametrize(
    ("words", "then"), [(CREATE[0], "snapshot-create single"), (CREATE[1], "group-snapshot-create db")]
)
def test_a_backup_that_was_killed_and_whose_repository_is_gone_holds_nobody_up(
    vault: House, request: pytest.FixtureRequest, words: tuple[str, ...], then: str, fixtures: tuple[str, ...]
) -> None:
    """Its source is snapshotted on, and is no longer said to be backed up; the backup stays to be settled."""
    for one in fixtures:
        request.getfixturevalue(one)
    left = 0
    for point in range(2, 12, 1 if STRIDE == 1 else 4):
        assert vault.forked(*words, "--name", "b", prepare=faulty.Killer(point).arm) == KILLED
        (vault.root / "vault").rename(vault.root / "away")
        first = vault.ok(*then.split())
        left += "it stays unsettled" in first.err
        again = vault.ok(*then.split())
        assert "stays" not in again.err
        statuses = {one["status"] for one in vault.show("list")}
        assert statuses == {"available"}, point
        (vault.root / "away").rename(vault.root / "vault")
        vault.ok("recover")
        ended(vault)
        assert disagreements(vault) == [], point
        assert list(vault.root.glob("*/.cgctl/activities/known-*")) == []
        for one in vault.show("backup-list") + vault.show("group-backup-list"):
            vault.ok("backup-delete", str(one["id"]))
    assert left


@pytest.mark.parametrize(
    "words", [("backup-create", "single"), ("snapshot-replicate", "s", "beta"), ("snapshot-replicate", "g", "beta")]
)
def test_a_server_that_is_not_reached_at_the_beginning_leaves_no_trace(vault: House, words: tuple[str, ...]) -> None:
    vault.ok("snapshot-create", "single", "--name", "s")
    vault.ok("group-snapshot-create", "db", "--name", "g")
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": "/dev/null"}
    lost = "beta" if "beta" in words else "alpha"
    vault.configure(backends={lost: {**vault.configuration["backends"][lost], "ssh": nowhere}})
    failed = vault.run(*words)
    assert (failed.code, "what was begun" in failed.err) == (8, False), failed
    assert vault.rows("SELECT 1 FROM operations WHERE state NOT IN ('done', 'failed')") == []
    assert vault.rows("SELECT 1 FROM locks") + vault.rows("SELECT 1 FROM activities") == []
    assert {one["status"] for one in vault.show("snapshot-list")} == {"available"}
    assert vault.show("backup-list") == []
