"""Group snapshots of a group that an ordered writer writes to all the time, by cgctl's own command line."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e.cluster import INITIATOR, ISCSI, Attached, CommandLine, Members
from tests.e2e.writers import Writer, is_ordered

BATCH = 20
"""Snapshots are read and deleted so many at a time: an 8 GiB pool must not fill up."""


@dataclass(frozen=True)
class Taken:
    """One group snapshot under load. counters: of its members, read on the server."""

    counters: tuple[int, ...]
    acked_before: int
    hold_seconds: float
    stall_seconds: float
    command_seconds: float

    @property
    def is_torn(self) -> bool:
        return not is_ordered(self.counters)

    @property
    def has_all_acknowledged(self) -> bool:
        return min(self.counters) >= self.acked_before


@contextmanager
def writing(members: Members, attached: Sequence[Attached], directory: Path, **options: Any) -> Iterator[Writer]:
    """An ordered writer through the exports of these members."""
    protocol = "iscsi" if members.volume_type == ISCSI else "nfs"
    with Writer(protocol, [one.url for one in attached], directory, initiator=INITIATOR, **options) as writer:  # type: ignore[arg-type]
        yield writer


def take_group_snapshots(cluster: CommandLine, members: Members, writer: Writer, count: int) -> list[Taken]:
    """Take, read and delete so many."""
    result: list[Taken] = []
    while len(result) < count:
        batch = [_take(cluster, members, writer) for _ in range(min(BATCH, count - len(result)))]
        result += [_read(cluster, members, *one) for one in batch]
        cluster.run("group-snapshot-delete", *(str(shown["id"]) for shown, *_ in batch))
    return result


Measured = tuple[dict[str, Any], int, float, float]


def _take(cluster: CommandLine, members: Members, writer: Writer) -> Measured:
    writer.wait_for_rounds(2)
    acked_before, began = writer.acked, time.monotonic()
    writer.reset_stall()
    shown = cluster.run("group-snapshot-create", members.group_id, "-f", "json").json
    return shown, acked_before, writer.max_stall_seconds, time.monotonic() - began


def _read(
    cluster: CommandLine, members: Members, shown: dict[str, Any], acked_before: int, stall: float, seconds: float
) -> Taken:
    counters = cluster.snapshot_counters(members, shown["id"])
    return Taken(tuple(counters), acked_before, hold_seconds(shown), stall, seconds)


def hold_seconds(shown: dict[str, Any]) -> float:
    """Of a group snapshot's receipt."""
    began_at, ended_at = (datetime.fromisoformat(shown["hold"][word]) for word in ("began_at", "ended_at"))
    return (ended_at - began_at).total_seconds()


def baseline_stalls(writer: Writer, count: int, seconds: float) -> list[float]:
    """The longest write of each of so many intervals without a snapshot."""
    result = []
    for _ in range(count):
        writer.reset_stall()
        time.sleep(seconds)
        result.append(writer.max_stall_seconds)
    return result


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and maximum, in milliseconds."""
    return {"median_ms": round(statistics.median(values) * 1000, 1), "max_ms": round(max(values) * 1000, 1)}
