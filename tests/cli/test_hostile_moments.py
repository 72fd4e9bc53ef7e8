"""Ctrl-C in the middle, two terminals at once, clocks that go back: settled by the next command."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from tests.hostile import Station, ended, furnished, unchanged


@pytest.fixture
def place(tmp_path: Path) -> Station:
    return furnished(tmp_path)


@dataclass
class Slowed:
    """`sync` of the servers' scripts waits while the flag is there: the script stands in the middle of its work."""

    directory: Path

    def __post_init__(self) -> None:
        program = self.directory / "bin/sync"
        program.parent.mkdir()
        program.write_text(SLOW_SYNC)
        program.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self.directory / 'bin'}:{os.environ['PATH']}"

    def hold(self) -> None:
        (self.directory / "hold").touch()

    def release(self) -> None:
        (self.directory / "hold").unlink(missing_ok=True)

    def wait(self) -> None:
        """Until a script stands."""
        give_up_at = time.monotonic() + 30
        while not (self.directory / "stands").exists():
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        (self.directory / "stands").unlink()


SLOW_SYNC = """#!/bin/sh
here=${0%/*}/..
if [ -e "$here/hold" ]; then
    : >"$here/stands"
    while [ -e "$here/hold" ]; do sleep 0.05; done
fi
exec /usr/bin/env -i PATH=/usr/bin:/bin sync "$@"
"""


@pytest.fixture
def slowed(place: Station, tmp_path: Path) -> Iterator[Slowed]:
    slow = Slowed(tmp_path)
    place.variables["PATH"] = slow.path
    yield slow
    slow.release()


INTERRUPTED = {
    "create --name new 8M": "list",
    "create --name new --group-id g --volume-type t 8M": "list",
    "create --name new --source-volid v": "list",
    "create --name new --snapshot-id s": "list",
    "group-create --name new gt t": "group-list",
    "group-create-from-src --name new --group-snapshot gs": "group-list",
    "group-create-from-src --name new --source-group g": "group-list",
    "snapshot-create --name new v": "snapshot-list",
    "group-snapshot-create --name new g": "group-snapshot-list",
    "extend w 9M": "",
    "delete w": "",
    "group-update g --add-volumes w": "",
    "snapshot-delete s": "",
    "group-snapshot-delete gs": "",
}


@pytest.mark.parametrize("line", INTERRUPTED)
def test_ctrl_c_in_the_middle_is_settled_by_recover(place: Station, slowed: Slowed, line: str) -> None:
    assert place.run("create", "--name", "w", "8M").code == 0
    slowed.hold()
    running = place.start(*line.split())
    slowed.wait()
    running.send_signal(signal.SIGINT)
    answer = ended(running)
    slowed.release()
    answer.error(130, "interrupted", "cgctl recover")
    assert place.run("recover").code == 0
    listing = INTERRUPTED[line]
    if listing:
        assert "new" not in [row["name"] for row in place.run(listing, "-f", "json").json()]
    assert_settled(place)


def assert_settled(place: Station) -> None:
    """Nothing is in between, nothing is half-made, and state and pool hold the same volumes."""
    assert place.run("recover", "-f", "json").json() == []
    volumes = place.run("list", "-f", "json").json()
    others = [row for name in ("group-list", "snapshot-list") for row in place.run(name, "-f", "json").json()]
    assert {row["status"] for row in [*volumes, *others]} <= {"available"}
    for row in volumes:
        (disk,) = (place.directory / "a/live").glob(f"*/cgctl-{row['id']}/disk")
        assert disk.stat().st_size == row["size"] * 2**30 or abs(disk.stat().st_size - row["size"] * 2**30) < 1024
    assert len(list((place.directory / "a/live").glob("*/*/disk"))) == len(volumes)
    checks = place.run("backend-check", "-f", "json")
    assert checks.code == 0, checks.out


def test_next_command_settles_what_ctrl_c_left(place: Station, slowed: Slowed) -> None:
    slowed.hold()
    running = place.start("group-snapshot-create", "--name", "new", "g")
    slowed.wait()
    running.send_signal(signal.SIGINT)
    ended(running).error(130)
    slowed.release()
    answer = place.run("group-snapshot-create", "--name", "again", "g")
    assert answer.code == 0
    assert "interrupted and is settled" in answer.err
    assert_settled(place)


def test_second_terminal_is_told_who_holds_the_group(place: Station, slowed: Slowed) -> None:
    slowed.hold()
    first = place.start("group-snapshot-create", "--name", "first", "g")
    slowed.wait()
    with unchanged(place):
        for line in ("group-snapshot-create g", "group-update g --name x", "create 8M --group-id g --volume-type t"):
            second = place.run(*line.split(), "--lock-timeout", "0")
            second.error(9, "group", "group-snapshot-create --name first g", f"pid {first.pid}", "--lock-timeout")
    slowed.release()
    assert ended(first).code == 0


def test_terminals_that_wait_for_each_other_all_succeed(place: Station) -> None:
    running = [place.start("group-snapshot-create", "--name", f"at-{number}", "g") for number in range(4)]
    running += [
        place.start("create", "--name", f"v-{number}", "--group-id", "g", "--volume-type", "t", "8M")
        for number in range(2)
    ]
    for answer in map(ended, running):
        assert answer.code == 0, answer.err
    assert_settled(place)


def test_clock_that_goes_back_between_operations_changes_no_answer(place: Station) -> None:
    for days in (0, -30, 20_000, -1):
        clock = mock.Mock(wraps=datetime)
        clock.now.side_effect = lambda zone, days=days: datetime.now(zone) + timedelta(days=days)
        with (
            mock.patch("cgctl.model.tables.datetime", clock),
            mock.patch("drivers.backends.scripted.patience.datetime", clock),
        ):
            assert place.run("create", "--name", f"v{days}", "--group-id", "g", "--volume-type", "t", "8M").code == 0
            one = str(place.run("group-snapshot-create", "g", "-f", "json").json()["id"])
            assert place.run("group-create-from-src", "--group-snapshot", one).code == 0
            assert place.run("group-snapshot-delete", one).code == 0
            assert place.run("history").code == 0
    assert_settled(place)
