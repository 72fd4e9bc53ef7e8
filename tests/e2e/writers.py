"""Applications that write to several volumes in a known order: what a consistent image of them looks like.

The programs (tests/e2e/writers/*.c) write round 1, 2, 3, ... to member A, then B, C, D, each write begun only
after the one before was acknowledged. The round stands in the first 8 bytes of each member.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.lab.command import LabError, run, wait_until

SOURCES = Path(__file__).with_name("writers")
STATUS = struct.Struct("<QQQQddddd")
RESET_AT_OFFSET = 56
Protocol = Literal["iscsi", "nfs"]


@dataclass(frozen=True)
class Status:
    """rounds.h: struct status."""

    issued: int
    acked: int
    errors: int
    paused: int
    max_stall_seconds: float
    last_stall_seconds: float
    write_began_at: float
    reset_at: float
    reset_seen_at: float

    def longest_stall(self, now: float) -> float:
        """Since the reset, the write in flight included."""
        finished = self.max_stall_seconds if self.reset_seen_at == self.reset_at else 0.0
        in_flight = now - max(self.write_began_at, self.reset_at) if self.write_began_at else 0.0
        return max(finished, in_flight)


@dataclass(frozen=True)
class Summary:
    """What a writer reports at its end."""

    rounds: int
    seconds: float
    errors: int
    max_stall_seconds: float


def build(protocol: Protocol, directory: Path) -> Path:
    """Compile a writer into a directory, once per state of its sources."""
    sources = [SOURCES / f"{protocol}_writer.c", SOURCES / "rounds.c"]
    content = b"".join(path.read_bytes() for path in [*sources, SOURCES / "rounds.h"])
    program = directory / f"{protocol}_writer-{hashlib.sha256(content).hexdigest()[:16]}"
    if not program.exists():
        directory.mkdir(parents=True, exist_ok=True)
        run(["gcc", "-O2", "-Wall", "-o", str(program), *map(str, sources), f"-l{protocol}"])
    return program


class Writer:
    """A writer that runs as long as the `with` block; the process must be in the client's network namespace.

    urls: `iscsi://[USER%SECRET@]IP/IQN/LUN` or `nfs://IP/EXPORT/FILE` (existing files of one server), one per
    member, in the order of writing; a member needs room for ring_blocks + 1 blocks of 4096 (NFS: 2048) bytes.
    """

    def __init__(
        self,
        protocol: Protocol,
        urls: Sequence[str],
        directory: Path,
        *,
        initiator: str | None = None,
        sync: Literal["none", "fsync", "osync"] = "none",
        first_round: int = 1,
        ring_blocks: int = 256,
    ) -> None:
        program = build(protocol, directory)
        self._status_path = directory / f"writer-{time.monotonic_ns()}.status"
        options = ["-f", str(self._status_path), "-s", sync, "-n", str(first_round), "-r", str(ring_blocks)]
        identity = ["-i", initiator] if initiator else []
        self._argv = [str(program), *options, *identity, *urls]
        self._process: subprocess.Popen[str] | None = None
        self.summary: Summary | None = None

    def __enter__(self) -> Self:
        """Start, and wait until the first round is acknowledged; raises LabError if it cannot log in."""
        self._status_path.write_bytes(bytes(STATUS.size))
        self._process = subprocess.Popen(self._argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with self._status_path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), STATUS.size)
        try:
            wait_until(lambda: self.acked > 0 or not self.is_running(), "the writer's first round")
            if not self.is_running():
                raise LabError(f"the writer ended: {self._process.communicate()[1]}")
        except LabError:
            self._clean_up()
            raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.summary is None:
            self.stop()

    def stop(self) -> Summary:
        """End it; what it was writing may or may not have arrived."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        status = self.status()
        self._clean_up()
        values = json.loads(output) if output else _without_report(status)
        self.summary = Summary(**values)
        return self.summary

    def _clean_up(self) -> None:
        process = self._running()
        process.kill()
        process.communicate()
        self._map.close()
        self._status_path.unlink(missing_ok=True)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise LabError("the writer was not started")
        return self._process

    def is_running(self) -> bool:
        return self._running().poll() is None

    @property
    def pid(self) -> int:
        """For hooks that pause it on their own: SIGUSR1 pauses, SIGUSR2 resumes."""
        return self._running().pid

    def status(self) -> Status:
        return Status(*STATUS.unpack(self._map[:]))

    @property
    def issued(self) -> int:
        """The round being written."""
        return self.status().issued

    @property
    def acked(self) -> int:
        """The last round that all members acknowledged: an image begun now must contain it."""
        return self.status().acked

    @property
    def max_stall_seconds(self) -> float:
        """The longest time that a write took since the start or reset_stall(), the one in flight included."""
        return self.status().longest_stall(time.monotonic())

    @property
    def is_paused(self) -> bool:
        return self.status().paused == 1

    def reset_stall(self) -> None:
        self._map[RESET_AT_OFFSET : RESET_AT_OFFSET + 8] = struct.pack("<d", time.monotonic())

    def pause(self) -> None:
        """As a quiesced application: returns when its round is complete and flushed, nothing in flight."""
        self._running().send_signal(signal.SIGUSR1)
        wait_until(lambda: self.is_paused, "the writer to pause")

    def resume(self) -> None:
        self._running().send_signal(signal.SIGUSR2)
        wait_until(lambda: not self.is_paused, "the writer to resume")

    def wait_for_rounds(self, count: int, timeout_seconds: float = 30) -> None:
        """Returns after so many more rounds."""
        goal = self.acked + count
        wait_until(lambda: self.acked >= goal, f"{count} more rounds", timeout_seconds)


def _without_report(status: Status) -> dict[str, float]:
    return {
        "rounds": status.acked,
        "seconds": 0.0,
        "errors": status.errors,
        "max_stall_seconds": status.max_stall_seconds,
    }


def read_counters(paths: Sequence[Path]) -> list[int]:
    """The round in each member's first block; 0 where nothing was written."""
    counters = []
    for path in paths:
        with path.open("rb") as file:
            counters.append(int.from_bytes(file.read(8), "little"))
    return counters


def is_ordered(counters: Sequence[int]) -> bool:
    """A ≥ B ≥ C ≥ D ≥ A-1: the members are from one point in time."""
    descending = all(earlier >= later for earlier, later in pairwise(counters))
    return descending and counters[-1] >= counters[0] - 1
