"""What commands say at the edges: unknown names, places that cannot be written, locks, several objects."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cgctl.store.database import Store
from tests.manager.house import House

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system: needs root")


def test_the_history_of_what_never_was_is_not_found(db: House) -> None:
    ran = db.run("history", "nobody")
    assert (ran.code, ran.out) == (4, "")
    assert db.show("history", "db")
    db.ok("group-delete", "--delete-volumes", "db")
    assert db.show("history", "db")[-1]["kind"] == "group-delete"


def test_the_history_of_what_is_there_and_has_none_is_empty(db: House) -> None:
    with closing(sqlite3.connect(db.root / "state.db")) as connection:
        connection.execute("DELETE FROM events")
        connection.commit()
    assert db.show("history", "db") == []


def test_a_short_name_is_not_taken_for_the_beginning_of_ids(db: House) -> None:
    """`db` is the beginning of one in 256 ids; elsewhere eight characters of an id are wanted, too."""
    db.execute("UPDATE events SET subject_id = 'db' || substr(subject_id, 3) WHERE subject_kind = 'volume type'")
    assert {one["subject"] for one in db.show("history", "db")} == {"group db"}
    (started,) = db.rows("SELECT subject_id FROM events WHERE kind = 'type-create' AND subject_name = 'gold'")[0]
    assert [one["kind"] for one in db.show("history", started[:8])] == ["type-create"]
    assert db.run("history", "").code == 4


def test_recover_without_anything_to_settle_says_nothing_that_cron_would_mail(db: House) -> None:
    ran = db.ok("recover")
    assert (ran.out, ran.err) == ("", "")
    assert db.show("recover") == []


def test_a_configuration_that_is_named_has_to_be_there(db: House) -> None:
    ran = db.run("list", "--config", "/nowhere/config.yaml")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: /nowhere/config.yaml: no such file")


@pytest.fixture
def read_only(db: House, tmp_path: Path) -> Iterator[House]:
    """The state on a file system that is mounted read-only, with nothing left in its log."""
    place = tmp_path / "mounted"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)], check=True)
    try:
        Store(db.state).close()
        with closing(sqlite3.connect(db.root / "state.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (place / "state.db").write_bytes((db.root / "state.db").read_bytes())
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        db.state = f"sqlite:///{place / 'state.db'}"
        yield db
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@root_only
def test_a_state_that_is_read_only_can_be_looked_at_and_not_changed(read_only: House) -> None:
    assert [row["name"] for row in read_only.show("list")] == ["db-0", "db-1"]
    assert read_only.show("group-show", "db")["name"] == "db"
    for words in (("group-snapshot-create", "db"), ("type-create", "new"), ("rename", "db-0", "other")):
        ran = read_only.run(*words)
        assert ran.code == 3
        assert "is read-only: it can be looked at, not changed\nhint: " in ran.err


def test_a_lock_is_told_of_the_object_that_was_wanted(db: House) -> None:
    db.ok("create", "1M", "--volume-type", "gold", "--name", "alone")
    volume = db.show("list", "--name", "alone")[0]["id"]
    with closing(sqlite3.connect(db.root / "state.db")) as connection:
        row = connection.execute("SELECT * FROM operations LIMIT 1")
        columns = [one[0] for one in row.description]
        held = dict(zip(columns, row.fetchone(), strict=True)) | {
            "id": "other", "state": "running", "subject_kind": "group", "subject_id": "x", "subject_name": "elsewhere",
            "holder_pid": os.getppid(), "lease_until": "2099-01-01 00:00:00",
        }  # fmt: skip
        started = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[19]
        held["holder_started"] = started
        connection.execute(f"INSERT INTO operations VALUES ({','.join('?' * len(columns))})", list(held.values()))
        connection.execute("INSERT INTO locks VALUES (?, 'other')", [volume])
        connection.commit()
    ran = db.run("extend", "alone", "2M", "--lock-timeout", "0")
    assert ran.code == 9
    assert ran.err.startswith("error: volume alone: is locked by `")


def test_what_failed_of_several_is_named_for_the_next_run(db: House) -> None:
    db.ok("create", "1M", "--volume-type", "gold", "--name", "alone")
    ran = db.run("delete", "alone", "nobody", "no one")
    assert ran.code == 10
    assert ran.err.splitlines()[-1] == "hint: mend what is told above, then the same command for: nobody 'no one'"


@pytest.fixture
def small(db: House, tmp_path: Path) -> Iterator[House]:
    """With a backend `small` whose pool is a file system of 2 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=True)
    try:
        db.configure(backends={"small": {"driver": "file", "pool": str(place), "availability_zone": "small"}})
        yield db
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@root_only
def test_a_snapshot_that_a_full_pool_cannot_take_is_told_so_and_leaves_nothing(small: House, tmp_path: Path) -> None:
    small.ok("create", "1M", "--name", "tight", "--availability-zone", "small")
    subprocess.run(["dd", "if=/dev/zero", f"of={tmp_path / 'small' / 'fill'}"], stderr=subprocess.DEVNULL, check=False)
    full = small.run("snapshot-create", "tight")
    assert (full.code, small.show("snapshot-list")) == (6, [])
    assert "No space left on device" in full.err
    assert "cgctl get-pools" in full.err
    small.ok("delete", "tight")
