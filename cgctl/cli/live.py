"""Views that follow what they show: on a terminal, until Ctrl-C, which is their regular end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cgctl.cli.cells import printable
from cgctl.cli.result import Column
from cgctl.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

EVERY_SECONDS = 1.0
Row = Mapping[str, object]


def follow(command: str, read: Callable[[], Sequence[Row]], columns: Sequence[Column]) -> None:
    """Show the rows anew every second. Raises UsageError where there is no terminal, and what `read` raises."""
    if not (sys.stdout is not None and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise UsageError(f"{command} --watch", "needs a terminal", f"for scripts: cgctl {command} -f json")
    from rich.console import Console  # noqa: PLC0415 (only on a terminal)
    from rich.live import Live  # noqa: PLC0415

    try:
        with Live(_table(read(), columns), console=Console(), auto_refresh=False, screen=False) as live:
            while True:
                time.sleep(EVERY_SECONDS)
                live.update(_table(read(), columns), refresh=True)
    except KeyboardInterrupt:
        return


def transfer_words(row: Row) -> str:
    """How far a running transfer of a row of group-replication-status is; nothing where none runs."""
    passed, since, expected = (row[key] for key in ("transferred_bytes", "transferring_since", "expected_bytes"))
    if not isinstance(passed, int) or not isinstance(since, str):
        return ""
    seconds = max((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds(), 0.001)
    rate = passed / seconds
    words = [
        f"{_size(passed)} of {_size(expected)}" if isinstance(expected, int) else _size(passed),
        f"{_size(rate)}/s",
    ]
    if isinstance(expected, int) and rate and expected > passed:
        words.append(f"{timedelta(seconds=round((expected - passed) / rate))} left")
    return ", ".join(words)


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    from rich.box import ASCII  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(
        *(column.heading for column in columns), box=ASCII, caption=f"{datetime.now(UTC):%H:%M:%S} UTC; Ctrl-C ends"
    )
    for row in rows:
        cells = (row.get(column.key) for column in columns)
        table.add_row(*(Text(printable("" if cell is None else str(cell))) for cell in cells))
    return table
