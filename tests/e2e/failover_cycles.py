"""Failovers to and fro under a writer, with cgctl or a server killed in each, and what must hold after every one."""

from __future__ import annotations

import itertools
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cgctl.remote import trace
from tests.e2e.replicated import Moves, Server

Killing = Callable[[Server], AbstractContextManager[None]]
"""Kills a server at some moment of what is done meanwhile."""


def interrupt_and_go_on(pair: Moves, directory: Path, cycles: int, seconds: tuple[float, float]) -> None:
    """Failovers that are killed after these seconds at the earliest and the latest; the same command goes on."""
    draw = random.Random(23)
    acked = 0
    for number in range(cycles):
        source = pair.active
        to = pair.other(source)
        with pair.writing(source, directory, acked + 1) as writer:
            writer.wait_for_rounds(10)
            pair.interrupted(to, draw.uniform(*seconds))
            pair.fail_over(to)
            acked = writer.acked
        assert min(pair.counters(to)) >= acked, number
        assert pair.left_behind() == [], number


def kill_at_any_moment(pair: Moves, directory: Path, cycles: int, seconds: float) -> None:
    """Cycles in which either server is killed after these seconds at the latest, or after those that the quickest
    failover so far took: a kill after the end is a restart of a server. In every third one the receiver is killed in
    the transfer of the sync, too, and the sync made again.
    """
    draw = random.Random(int(os.environ.get("CGCTL_SEED", "41")))
    cycles_of = Cycles(pair, directory)
    for number in range(cycles):
        victim = draw.choice(("alpha", "beta"))
        if number % 3 == 2:
            cycles_of.kills_in_sync = draw.random() * seconds / 2
        after = draw.random() * seconds
        took = cycles_of.run(victim, lambda server, after=after: killed(server, after), draw.random() < 0.5)  # type: ignore[misc]
        seconds = min(seconds, took or seconds)


def kill_behind_each_step(pair: Moves, directory: Path, stride: int) -> int:
    """Cycles in which a server is killed as soon as so many commands on servers have ended: 1, 1 + stride, …

    Each in a failover and in a failback, each with either server as the victim, up to the number that none of them
    takes. Returns how many kills there were.
    """
    cycles_of = Cycles(pair, directory)
    kills = 0
    for step in itertools.count(1, stride):
        before = kills
        for of in ("source", "other", "other", "source"):  # an even number: the next step begins at the same side
            moment = Moment(step)
            victim = pair.active if of == "source" else pair.other(pair.active)
            cycles_of.run(victim, moment.killing)
            kills += moment.has_come
        if kills == before:
            return kills
    raise AssertionError("no end")


@dataclass
class Cycles:
    """Failovers to and fro under a writer, a server killed in each. kills_in_sync: that soon in the next one's sync."""

    pair: Moves
    directory: Path
    acked: int = 0
    number: int = 0
    kills_in_sync: float | None = None

    def run(self, victim: str, killing: Killing, source_is_down: bool = False) -> float | None:
        """Write, sync, write, fail over while a server is killed, the same again until it is done, verify.

        source_is_down: what the operator says then of a source that was killed. Returns the seconds of the failover,
        if none of it was in vain.
        """
        pair, began = self.pair, time.monotonic()
        source = pair.active
        to = pair.other(source)
        with pair.writing(source, self.directory, self.acked + 1) as writer:
            writer.wait_for_rounds(10)
            synced = writer.acked
            self.sync(to)
            writer.wait_for_rounds(10)
            with killing(pair.server(victim)):
                asked = time.monotonic()
                first = pair.fail_over(to, expect=None)
                took = time.monotonic() - asked
            acked = writer.acked
        if first.exit_code != 0 and victim == source and source_is_down:
            first = pair.fail_over(to, "--source-is-down")
        if not pair.server(victim).is_running():
            pair.server(victim).start()
        result = first if first.exit_code == 0 else pair.fail_over(to)
        if (victim, first.exit_code) == (to, 0):
            pair.cluster.run("backend-check", "--repair", to)  # the new active side was started anew: tgtd forgets
        shown = result.json
        counters = pair.counters(to)
        assert min(counters) >= (acked if shown["is_planned"] else synced), (self.number, shown, counters, acked)
        pair.sync()
        point = pair.last_point()
        assert pair.set_digests(source, point) == pair.set_digests(to, point), self.number
        assert pair.left_behind() == [], self.number
        how = "planned" if shown["is_planned"] else "unplanned"
        cycle = f"cycle {self.number}: {source} to {to}, {victim} killed, {first.exit_code}, {how}"
        print(f"{cycle}, {time.monotonic() - began:.0f} s")
        self.acked, self.number = max(acked, *counters), self.number + 1
        return took if first.exit_code == 0 else None

    def sync(self, to: str) -> None:
        """The receiver killed in it, where that is wished."""
        if self.kills_in_sync is not None:
            with killed(self.pair.server(to), self.kills_in_sync):
                self.pair.cluster.cgctl("group-sync-replication", "db")
            self.pair.server(to).start()
            self.kills_in_sync = None
        self.pair.sync()


@contextmanager
def killed(server: Server, seconds: float) -> Iterator[None]:
    """After so many seconds of what is done meanwhile, or of waiting."""
    killer = threading.Timer(seconds, server.kill)
    killer.start()
    yield
    killer.join()


class Moment(logging.Handler):
    """When so many commands on servers have ended (cgctl.remote.trace)."""

    def __init__(self, commands: int) -> None:
        super().__init__()
        self._left = commands
        self._killer: threading.Thread | None = None
        self._server: Server | None = None

    @property
    def has_come(self) -> bool:
        return self._killer is not None

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 (whatever it was)
        """The server dies while cgctl goes on to its next command."""
        self._left -= 1
        if self._left == 0 and self._server:
            self._killer = threading.Thread(target=self._server.kill)
            self._killer.start()

    @contextmanager
    def killing(self, server: Server) -> Iterator[None]:
        self._server = server
        level = trace.logger.level
        trace.logger.addHandler(self)
        trace.logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            trace.logger.removeHandler(self)
            trace.logger.setLevel(level)
            if self._killer:
                self._killer.join()
