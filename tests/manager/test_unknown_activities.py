"""Activities that a state which was restored from an older copy does not know: found, ended, and nothing is left."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from drivers.contract import HandleScope
from tests.manager import faulty, gated
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import KILLED, STRIDE, held, hidden, vault

__all__ = ["vault"]

BACKUP = ("backup-create", "single", "--name", "b")
COPY = ("snapshot-replicate", "then", "beta")


@contextmanager
def restored_after(house: House) -> Iterator[None]:
    """The state afterwards is a copy that was made before this block."""
    with closing(sqlite3.connect(":memory:")) as copy:
        with closing(sqlite3.connect(house.root / "state.db")) as state:
            state.backup(copy)
        yield
        with closing(sqlite3.connect(house.root / "state.db", timeout=30)) as state:
            copy.backup(state)


@pytest.fixture
def gate(vault: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What closes it lets no work go on."""
    gated.install(monkeypatch, vault, own_way=False)
    vault.ok("snapshot-create", "single", "--name", "then")
    vault.ok("create", "1M", "--name", "lone", "--availability-zone", "nova")
    vault.ok("backup-create", "single", "--name", "early")
    return gated.close_for_all(monkeypatch, vault)


def findings(house: House) -> list[str]:
    """The commands that mend what activities have left."""
    rows = house.run("backend-check", "-f", "json").json
    return [str(one["hint"]) for one in rows if one["check"] == "activities" and one["result"] == "failed"]


@pytest.mark.parametrize(
    "words",
    [
        BACKUP,
        ("group-backup-create", "db"),
        COPY,
        ("backup-restore", "early"),
        ("backup-restore", "early", "--volume", "single"),
        ("migrate", "lone", "beta"),
        ("group-migrate", "db", "beta"),
    ],
)
@pytest.mark.usefixtures("gate")
def test_one_that_runs_is_found_and_ended_and_nothing_is_left(vault: House, words: tuple[str, ...]) -> None:
    before = held(vault)
    with restored_after(vault):
        key = vault.make(*words, "--detach")
    assert set(findings(vault)) == {f"cgctl activity-cancel {key}"}
    assert "still runs" in vault.run("activity-forget", key).err
    vault.ok("activity-cancel", key)
    vault.ok("activity-cancel", key[:9])
    assert (hidden(vault), held(vault), findings(vault), disagreements(vault)) == ([], before, [], [])
    vault.ok("activity-forget", key)
    assert vault.show("activity-list", "--all-backends") == vault.show("activity-list")
    assert vault.run("activity-cancel", key).code == 4


@pytest.mark.parametrize("words", [BACKUP, pytest.param(COPY, marks=pytest.mark.soak)])
@pytest.mark.usefixtures("gate")
def test_an_ending_that_is_killed_anywhere_is_ended_by_the_same_command(vault: House, words: tuple[str, ...]) -> None:
    before = held(vault)
    for word in ("activity-cancel", "activity-forget"):
        for point in itertools.count(1, STRIDE):
            with restored_after(vault):
                key = vault.make(*words, "--detach")
            if word == "activity-forget":
                vault.ok("activity-cancel", key)
            code = vault.forked(word, key, prepare=faulty.Killer(point).arm)
            if code == KILLED:
                assert vault.run(word, key).code in (0, 4), point
            vault.ok("recover")
            assert (hidden(vault), held(vault), findings(vault), disagreements(vault)) == ([], before, [], []), point
            if code == 0:
                break
        assert point > 1


def test_what_cannot_be_looked_at_here_takes_no_other_finding_away(vault: House) -> None:
    (vault.root / "activities").write_text("in the way")
    (vault.root / "alpha" / ".cgctl" / "owner").unlink()
    checks = {one["check"] for one in vault.run("backend-check", "alpha", "-f", "json").json}
    assert checks - {"server", "activities"}


@pytest.mark.usefixtures("apart", "gate")
def test_one_that_runs_on_this_machine_is_found_by_what_it_occupies(vault: House) -> None:
    with restored_after(vault):
        key = vault.make("group-backup-create", "db", "--detach")
    assert key in [one["id"] for one in vault.show("activity-list", "--all-backends")]
    assert findings(vault) == [f"cgctl activity-cancel {key}"]
    vault.ok("activity-cancel", key)
    assert (hidden(vault), findings(vault), disagreements(vault)) == ([], [], [])


def test_the_hidden_clone_of_one_that_nobody_has_settled_goes_and_the_backup_stays(vault: House) -> None:
    with restored_after(vault):
        key = vault.make(*BACKUP, "--detach")
    while f"cgctl activity-cancel {key}" in findings(vault):
        time.sleep(0.05)
    assert findings(vault) == [f"cgctl activity-forget {key}"]
    told = vault.ok("activity-forget", key).err
    assert (hidden(vault), findings(vault)) == ([], [])
    vault.ok(*told.split("to know it: cgctl ")[1].split()[:3])
    assert vault.status("backup-show", "b") == "available"


def test_what_was_restored_and_used_since_stays(vault: House) -> None:
    vault.ok(*BACKUP)
    with restored_after(vault):
        key = vault.make("backup-restore", "b", "--name", "again")
        again = vault.disk("again")
        activity = vault.show("activity-list")[-1]["id"]
    assert findings(vault) == [f"cgctl activity-forget {activity}"]
    assert "stays there" in vault.ok("activity-cancel", activity).err
    assert f"stays there: {key}" in vault.ok("activity-forget", activity).err
    assert again.exists()
    assert findings(vault) == []


def test_what_is_left_of_a_restored_group_stays_though_its_server_lost_the_end_of_it(vault: House) -> None:
    """Settled as whole, used, one member deleted since; then the older copy."""
    vault.ok("group-backup-create", "db", "--name", "b")
    with restored_after(vault):
        vault.ok("group-backup-restore", "b", "--name", "again")
        activity = vault.show("activity-list")[-1]["id"]
        gone, used = vault.members("again")
        vault.ok("group-update", "again", "--remove-volumes", gone)
        vault.ok("delete", gone)
        disk = vault.disk(used)
    (state,) = vault.root.glob(f"*/.cgctl/activities/{activity}/state")
    state.write_text(state.read_text().replace("succeeded", "lost"))
    assert f"stays there: {used}" in vault.ok("activity-forget", activity).err
    assert disk.exists()


@pytest.mark.usefixtures("gate")
def test_one_of_another_states_is_never_touched(vault: House) -> None:
    with restored_after(vault):
        key = vault.make(*BACKUP, "--detach")
    (owner,) = vault.root.glob(f"*/.cgctl/activities/{key}/owner")
    mine = owner.read_text()
    owner.write_text("00000000-0000-4000-8000-000000000000\n")
    for word in ("activity-cancel", "activity-forget"):
        refused = vault.run(word, key)
        assert (refused.code, "belongs to another state store" in refused.err) == (5, True), refused
    assert findings(vault) == []
    assert (owner.parent / "state").read_text().startswith("running")
    owner.write_text(mine)
    vault.ok("activity-cancel", key)
    assert disagreements(vault) == []


@pytest.mark.parametrize(
    ("noted", "said"), [("started_user", "by somebody only"), ("started_host", "on somebody only")]
)
@pytest.mark.usefixtures("gate")
def test_its_handle_is_used_only_by_whom_its_scope_allows(vault: House, noted: str, said: str) -> None:
    scope = HandleScope.USER if noted == "started_user" else HandleScope.SOURCE
    with restored_after(vault):
        key = vault.make(*BACKUP, "--detach")
    (note,) = vault.root.glob(f"*/.cgctl/activities/{key}/note")
    text = note.read_text()
    changed = json.loads(text)
    changed["handle"] |= {noted: "somebody", "scope": scope.value}
    note.write_text(json.dumps(changed) + "\n")
    refused = vault.run("activity-cancel", key)
    assert (refused.code, said in refused.err) == (5, True), refused
    note.write_text(text)
    vault.ok("activity-cancel", key)
    assert disagreements(vault) == []


def test_what_a_server_kept_of_one_that_was_given_up_is_removed_when_it_is_back(vault: House, gate: Path) -> None:
    key = vault.make("group-backup-create", "db", "--detach")
    alpha, away = vault.root / "alpha", vault.root / "away"
    alpha.rename(away)
    vault.ok("activity-forget", "--server-is-down", key)
    away.rename(alpha)
    gate.touch()
    assert findings(vault) == [f"cgctl activity-cancel {key}"]
    vault.ok("activity-cancel", key)
    assert (hidden(vault), findings(vault), disagreements(vault)) == ([], [], [])
