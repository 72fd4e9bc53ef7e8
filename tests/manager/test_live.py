"""`group-replication-status --watch` on a terminal, and a bar while a transfer runs: real processes on a pty."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cgctl.cli.live import transfer_words
from cgctl.cli.progress import TerminalProgress
from cgctl.manager.environment import Progress
from cgctl.model.tables import utc_now
from tests.manager.house import House
from tests.manager.replicating import build


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build(tmp_path)
    house.ok("group-enable-replication", "db")
    return house


def test_the_live_view_follows_and_ends_cleanly_with_ctrl_c(house: House) -> None:
    ours, theirs = pty.openpty()
    words = ("group-replication-status", *house.words, "--watch")
    process = subprocess.Popen(
        [sys.executable, "-m", "cgctl", *words],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    while shown.count("Ctrl-C ends") < 3:
        shown += os.read(ours, 65536).decode()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert "beta" in shown
    assert "enabled" in shown
    assert "Traceback" not in shown
    os.close(ours)


def test_the_live_view_needs_a_terminal(house: House) -> None:
    ran = house.run("group-replication-status", "db", "--watch")
    assert ran.code == 2
    assert "needs a terminal" in ran.err
    assert "-f json" in ran.err


def test_a_running_transfer_is_told_with_rate_and_what_is_left() -> None:
    since = (utc_now() - timedelta(seconds=10)).isoformat()
    row = {"transferred_bytes": 10 * 1024**2, "transferring_since": since, "expected_bytes": 20 * 1024**2}
    words = transfer_words(row)
    assert words.startswith("10.0 MiB of 20.0 MiB, ")
    assert words.endswith(" left")
    assert transfer_words({**row, "expected_bytes": None}).count(",") == 1
    assert transfer_words({**row, "transferring_since": None}) == ""


def test_nothing_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bars = TerminalProgress(quiet=False)
    bars(Progress("db to beta", 1, 2))
    bars.close()
    assert not bars.is_shown
    assert capsys.readouterr() == ("", "")
