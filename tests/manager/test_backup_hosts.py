"""Several hosts with one state: a repository that no server has is another directory on each."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.manager import faulty
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import KILLED, held, hidden, vault

__all__ = ["vault"]

FROM_ELSEWHERE = "UPDATE backups SET kept_on = 'elsewhere'"


def not_here(house: House) -> None:
    """There is no such directory on this machine."""
    (house.root / "vault").rename(house.root / "of-elsewhere")


def another_one(house: House) -> None:
    """What has this name here is a repository, too."""
    not_here(house)
    (house.root / "vault").mkdir()
    shutil.copy(house.root / "of-elsewhere" / "cgctl-repository", house.root / "vault")


def not_configured(house: House) -> None:
    house.configuration["backup_repositories"] = {}
    house.configure()


def test_lists_say_on_which_machine_a_repository_is_that_no_server_has(vault: House) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    vault.configure(backup_repositories={"served": {"directory": str(vault.root / "served"), "backend": "beta"}})
    (vault.root / "served").mkdir()
    vault.ok("backup-create", "single", "--name", "s", "--container", "served")
    hosts = {one["name"]: one["repository_host"] for one in vault.show("backup-list")}
    assert hosts == {"b": socket.gethostname(), "s": None}
    shown = vault.show("backup-show", "b")
    assert shown["repository_host"] == socket.gethostname()
    assert socket.gethostname() in vault.ok("backup-list").out
    assert "kept_on" not in (vault.root / "vault" / f"backup-{key}" / "manifest").read_text()
    vault.execute("DELETE FROM backups")
    vault.ok("backup-import", "cgctl", "vault")
    assert vault.show("backup-show", "b")["repository_host"] == socket.gethostname()


@pytest.mark.parametrize("here", [not_here, another_one, not_configured])
def test_on_another_machine_it_is_refused_and_the_right_one_is_named(
    vault: House, here: Callable[[House], None]
) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    group = vault.make("group-backup-create", "db", "--name", "g")
    vault.execute(FROM_ELSEWHERE)
    here(vault)
    for words in (
        ("backup-restore", "b"),
        ("backup-restore", "b", "--volume", "single"),
        ("create", "--backup-id", "b"),
        ("group-backup-restore", "g"),
        ("backup-verify", "b"),
        ("backup-verify", "b", "--detach"),
        ("backup-delete", "b"),
        ("backup-delete", "b", "--dry-run"),
    ):
        ran = vault.run(*words)
        if "--dry-run" in words and here is not not_configured:
            continue  # it looks at no server
        assert (ran.code, "is in vault on elsewhere" in ran.err) == (5, True), ran
        assert "run it on elsewhere" in ran.err
    rows = {one["id"]: one["status"] for kind in ("backup-list", "group-backup-list") for one in vault.show(kind)}
    assert rows == {key: "available", group: "available"}
    assert (hidden(vault), vault.status("show", "single"), disagreements(vault)) == ([], "available", [])
    vault.ok("backup-delete", "--repository-is-gone", key)


def test_a_deletion_that_was_killed_there_is_not_ended_here(vault: House) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    assert vault.forked("backup-delete", "b", prepare=faulty.Killer(2).arm) == KILLED
    vault.execute(FROM_ELSEWHERE)
    another_one(vault)
    assert "is in vault on elsewhere" in vault.run("recover").err + vault.run("backup-delete", "b").err
    assert vault.show("backup-list")[0]["id"] == key
    shutil.rmtree(vault.root / "vault")
    (vault.root / "of-elsewhere").rename(vault.root / "vault")
    vault.ok("recover")
    assert (vault.show("backup-list"), held(vault)) == ([], set())


def test_a_directory_that_machines_share_is_here_too(vault: House) -> None:
    vault.ok("backup-create", "single", "--name", "b")
    vault.execute(FROM_ELSEWHERE)
    vault.ok("backup-verify", "b")
    assert vault.show("backup-restore", "b")["status"] == "available"
    vault.ok("backup-delete", "b")
    assert held(vault) == set()


def test_rows_of_an_older_cgctl_are_as_they_were(vault: House) -> None:
    key = vault.make("backup-create", "single", "--name", "b")
    vault.execute("UPDATE backups SET kept_on = NULL")
    assert vault.show("backup-show", "b")["repository_host"] is None
    shutil.rmtree(Path(vault.root / "vault" / f"backup-{key}"))
    assert vault.run("backup-verify", "b").code == 6
    assert json.loads(vault.rows("SELECT members FROM backups")[0][0])[0]["name"] == "single"
