"""Bars for what takes long: on a terminal's stderr, and nowhere else. `--quiet` and a dumb terminal have none."""

from __future__ import annotations

import os
import sys
from threading import RLock
from typing import TYPE_CHECKING

from cgctl.manager.environment import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class TerminalProgress:
    """`ShowProgress`: a bar for each title, with bytes, rate and what is left of the time; from any thread."""

    def __init__(self, *, quiet: bool) -> None:
        on_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.is_shown = on_terminal and not quiet
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._turn = RLock()

    def __call__(self, progress: Progress) -> None:
        if self.is_shown:
            with self._turn:
                self._show(progress)

    def _show(self, progress: Progress) -> None:
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        if progress.title not in self._tasks:
            self._tasks[progress.title] = self._bars.add_task(progress.title, total=progress.expected_bytes)
        total = progress.expected_bytes
        if total is not None and progress.passed_bytes > total:
            total = None  # the estimate was too low
        self._bars.update(self._tasks[progress.title], completed=progress.passed_bytes, total=total)
        if progress.has_ended:
            self._bars.remove_task(self._tasks.pop(progress.title))
            if not self._tasks:
                self.close()

    def close(self) -> None:
        """The terminal is as it was."""
        with self._turn:
            if self._bars is not None:
                self._bars.stop()
            self._bars, self._tasks = None, {}


def _bars() -> Bars:
    from rich.console import Console  # noqa: PLC0415 (only on a terminal)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
