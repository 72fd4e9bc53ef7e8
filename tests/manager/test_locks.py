"""Locks of the living and of the dead, and commands that race on one group in processes of their own (G11)."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.manager import faulty
from tests.manager.agreement import disagreements, shape
from tests.manager.house import House

_processes = multiprocessing.get_context("fork")


def waits_for(gate: Path, begun: Path, method: str) -> faulty.Fault:
    """A server that answers one method only when the gate is open."""

    def fault(name: str, call: faulty.Call) -> Any:
        if name == method:
            begun.touch()
            while not gate.exists():
                time.sleep(0.01)
        return call()

    return fault


@contextmanager
def busy(house: House, *words: str, method: str) -> Iterator[Any]:
    """A command in another process, inside its driver call for as long as the block lasts."""
    gate, begun = house.root / "gate", house.root / "begun"

    def run() -> None:
        faulty.install(pytest.MonkeyPatch(), waits_for(gate, begun, method))
        os._exit(house.run(*words).code)

    process = _processes.Process(target=run)
    process.start()
    while not begun.exists():
        assert process.is_alive()
        time.sleep(0.01)
    yield process
    gate.touch()
    process.join(30)
    assert process.exitcode in (0, -signal.SIGKILL)


def snapshotting(house: House) -> Any:
    return busy(house, "group-snapshot-create", "db", "--name", "slow", method="create_cgsnapshot")


def test_a_living_holder_is_named_by_command_process_host_and_time(db: House) -> None:
    with snapshotting(db) as holder, db.unchanged():
        ran = db.run("group-delete", "db", "--delete-volumes", "--lock-timeout", "0")
        assert ran.code == 9
        assert "group-snapshot-create" in ran.err
        assert f"pid {holder.pid} on {socket.gethostname()}" in ran.err
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", ran.err)
        assert "--lock-timeout" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("extend", "db-0", "2M"),
        ("snapshot-create", "db-0"),
        ("create", "1M", "--volume-type", "gold", "--group-id", "db"),
        ("create", "--source-volid", "db-0"),
        ("group-update", "db", "--remove-volumes", "db-0"),
        ("group-update", "db", "--name", "other"),
        ("group-create-from-src", "--source-group", "db"),
        ("group-snapshot-create", "db"),
        ("group-snapshot-delete", "slow"),
    ],
)
def test_whatever_touches_the_group_is_refused_while_it_is_held(db: House, words: tuple[str, ...]) -> None:
    with snapshotting(db), db.unchanged():
        assert db.run(*words, "--lock-timeout", "0").code == 9


def test_reading_goes_on_while_a_group_is_held_and_warns_of_nothing(db: House) -> None:
    with snapshotting(db):
        for words in (("group-show", "db"), ("list",), ("group-snapshot-show", "slow"), ("history",)):
            assert db.ok(*words).err == ""
        assert db.ok("recover", "-f", "json").json == []


def test_lock_timeout_waits_for_the_holder(db: House) -> None:
    with snapshotting(db):
        waiter = _processes.Process(
            target=lambda: os._exit(db.run("group-snapshot-create", "db", "--lock-timeout", "20").code)
        )
        waiter.start()
        time.sleep(0.3)
        assert waiter.is_alive()
    waiter.join(20)
    assert waiter.exitcode == 0
    assert len(db.show("group-snapshot-list")) == 2
    assert disagreements(db) == []


def test_lock_timeout_ends_with_the_refusal(db: House) -> None:
    with snapshotting(db):
        began = time.monotonic()
        assert db.run("group-snapshot-create", "db", "--lock-timeout", "0.5").code == 9
        assert 0.5 <= time.monotonic() - began < 5


def test_a_killed_holder_is_settled_by_the_next_command(db: House) -> None:
    with snapshotting(db) as holder:
        holder.kill()
        holder.join()
        (db.root / "gate").touch()
        ran = db.ok("group-snapshot-create", "db", "--name", "next", "--lock-timeout", "0")
    assert "slow" in ran.err
    assert "settled" in ran.err
    assert [one["name"] for one in db.show("group-snapshot-list")] == ["next"]
    assert disagreements(db) == []


def test_other_groups_are_free_while_one_is_held(db: House) -> None:
    db.group("web", members=1)
    with snapshotting(db):
        db.ok("group-snapshot-create", "web", "--lock-timeout", "0")


def run_at_once(house: House, commands: Sequence[tuple[str, ...]]) -> list[int]:
    """Each in a process of its own, begun together; their exit codes."""
    start = _processes.Event()
    codes = _processes.Array("i", len(commands))

    def run(number: int) -> None:
        start.wait()
        codes[number] = house.run(*commands[number]).code

    processes = [_processes.Process(target=run, args=(number,)) for number in range(len(commands))]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(commands)
    return [int(code) for code in codes.get_obj()]


def test_of_two_commands_at_once_exactly_one_wins_and_the_other_is_told(db: House) -> None:
    for number in range(5):
        words = ("group-snapshot-create", "db", "--name", f"s{number}", "--lock-timeout", "0")
        codes = run_at_once(db, [words, words])
        assert 0 in codes
        assert set(codes) <= {0, 9}
        assert len(db.rows("SELECT 1 FROM group_snapshots WHERE name = ?", f"s{number}")) == codes.count(0)
    assert disagreements(db) == []


def test_twenty_snapshots_and_a_deletion_race_without_a_mixed_state(db: House) -> None:
    snapshots = [("group-snapshot-create", "db", "--name", f"s{n}", "--lock-timeout", "60") for n in range(20)]
    codes = run_at_once(db, [*snapshots[:10], ("group-delete", "db", "--delete-volumes"), *snapshots[10:]])
    deleted = codes.pop(10)
    assert deleted in (0, 5, 9)
    made = codes.count(0)
    assert set(codes) <= {0, 4, 5}
    if deleted == 0:
        assert shape(db) == set()
        assert made == 0
    else:
        assert made == 20
    assert len(db.rows("SELECT 1 FROM group_snapshots")) == made
    assert disagreements(db) == []


def test_a_volume_goes_to_one_of_two_groups_that_want_it(db: House) -> None:
    db.group("web", members=0)
    db.ok("create", "1M", "--volume-type", "gold", "--name", "wanted", "--availability-zone", "nova")
    codes = run_at_once(db, [("group-update", one, "--add-volumes", "wanted") for one in ("db", "web")])
    assert sorted(codes) == [0, 5]
    assert disagreements(db) == []


def test_two_recoveries_at_once_settle_each_operation_once(db: House) -> None:
    for number in range(3):
        db.group(f"g{number}", members=1)
        killer = faulty.Killer(5)
        assert db.forked("group-snapshot-create", f"g{number}", prepare=killer.arm) == -signal.SIGKILL
    assert run_at_once(db, [("recover",), ("recover",)]) == [0, 0]
    assert disagreements(db) == []
    settled = db.rows("SELECT COUNT(*) FROM events WHERE message LIKE 'settled%'")
    assert settled == [(3,)]


def test_a_holder_on_another_host_is_believed_until_its_lease_runs_out(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert db.forked("group-snapshot-create", "db", prepare=faulty.Killer(5).arm) == -signal.SIGKILL
    _write(db, "UPDATE operations SET holder_space = 'another boot', holder_host = 'ops2' WHERE state = 'running'")
    ran = db.run("group-snapshot-create", "db", "--lock-timeout", "0")
    assert ran.code == 9
    assert "on ops2" in ran.err
    _write(db, "UPDATE operations SET lease_until = '2001-01-01 00:00:00.000000' WHERE state = 'running'")
    db.ok("group-snapshot-create", "db", "--lock-timeout", "0")
    assert disagreements(db) == []


def test_a_pid_that_is_used_again_is_not_the_holder(db: House) -> None:
    assert db.forked("group-snapshot-create", "db", prepare=faulty.Killer(5).arm) == -signal.SIGKILL
    _write(db, f"UPDATE operations SET holder_pid = {os.getpid()} WHERE state = 'running'")
    db.ok("group-snapshot-create", "db", "--lock-timeout", "0")
    assert disagreements(db) == []


def _write(house: House, statement: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(house.root / "state.db")) as connection:
        assert connection.execute(statement).rowcount > 0
        connection.commit()
