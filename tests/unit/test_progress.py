"""Progress bars of several transfers at the same time, on a terminal that is none."""

from __future__ import annotations

import io
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cgctl.cli.invocation import Invocation
from cgctl.cli.logs import configure_logging
from cgctl.cli.progress import TerminalProgress
from cgctl.manager.environment import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test itself: pytest has a stderr of its own for what comes before."""
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_transfers_that_begin_and_end_at_any_time_disturb_no_others_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    progress = TerminalProgress(quiet=False)

    def transfer(number: int) -> None:
        for passed in range(30):
            progress(Progress(f"group {number}", passed, 30, has_ended=passed % 3 == 2))

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(transfer, range(8)))
    progress.close()
    assert sys.stderr is terminal


def test_a_warning_stands_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    configure_logging(Invocation())
    progress = TerminalProgress(quiet=False)
    progress(Progress("db to beta", 1, 2))
    terminal.truncate(0)
    logging.getLogger("cgctl").warning("nobody answers")
    progress.close()
    before, _, _ = terminal.getvalue().partition("warning: nobody answers")
    assert before.endswith("\x1b[2K"), repr(before)  # the bar's line was taken away before
