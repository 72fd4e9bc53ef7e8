"""A command whose standard input or output is a stream of bytes, on this machine or over SSH; and the relay of the two.

Decided 2026-11-21: bytes pass through this machine (it reaches both servers anyway), so that servers need neither each
other's keys nor a route to each other. A stream is whole when both sides say so: the sender by its exit status, the
receiver by its own proof (drivers/replication.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers import errors
from drivers.runner import Completed

STALL_SECONDS = 60.0
PIECE_BYTES = 256 * 1024
BROKEN_PIPE = 141


class Stream(Protocol):
    """A running command. Its methods end when it is aborted, with OSError or with nothing read."""

    @property
    def server(self) -> str: ...

    def read(self) -> bytes:
        """Some of its standard output; nothing at its end."""
        ...

    def write(self, piece: bytes) -> None:
        """All of it to its standard input. Raises OSError when nobody reads it any more."""
        ...

    def finish(self) -> Completed:
        """Close its standard input and wait for its end. Raises ConnectionLost when that is not known."""
        ...

    def abort(self) -> None:
        """End it, now. Safe at any time, from any thread."""
        ...


@dataclass(frozen=True)
class Relayed:
    """What passed, and how both commands ended."""

    stream_bytes: int
    seconds: float
    sent: Completed
    received: Completed


class Watch:
    """Aborts both ends when nothing has moved for a while."""

    def __init__(self, ends: tuple[Stream, Stream], stall_seconds: float) -> None:
        self._ends, self._stall_seconds = ends, stall_seconds
        self._moved_at = time.monotonic()
        self._over = threading.Event()
        self.stalled = False
        threading.Thread(target=self._watch, daemon=True).start()

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def be_patient(self) -> None:
        """The receiver puts on disk what came last: its disks may need longer than a network may."""
        self.moved()
        self._stall_seconds *= 5

    def refuse_stalled(self, way: str) -> None:
        """Raise TimedOut when it was this watch that ended the transfer."""
        if self.stalled:
            raise errors.TimedOut(f"{way}: nothing moved for {self._stall_seconds:g} s")

    def over(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._stall_seconds / 4)):
            if time.monotonic() - self._moved_at > self._stall_seconds:
                self.stalled = True
                for end in self._ends:
                    end.abort()
                return


def relay(
    sender: Stream,
    receiver: Stream,
    *,
    bytes_per_second: int | None = None,
    stall_seconds: float = STALL_SECONDS,
    progress: Callable[[int], None] = lambda _passed: None,
) -> Relayed:
    """Pass everything on. Raises TimedOut when the transfer stalls, ConnectionLost when an end is lost."""
    watch = Watch((sender, receiver), stall_seconds)
    began = time.monotonic()
    try:
        passed, is_cut = _pass_on(sender, receiver, watch, Pace(began, bytes_per_second), progress)
        watch.be_patient()
        received = receiver.finish()
        sent = Completed(BROKEN_PIPE, "", "") if is_cut else sender.finish()
    except errors.OutcomeUnknown:
        watch.refuse_stalled(f"{sender.server} to {receiver.server}")
        raise
    finally:
        watch.over()
        sender.abort()
        receiver.abort()
    watch.refuse_stalled(f"{sender.server} to {receiver.server}")
    return Relayed(passed, time.monotonic() - began, sent, received)


@dataclass(frozen=True)
class Pace:
    """A limit over the whole transfer."""

    began: float
    bytes_per_second: int | None

    def keep(self, passed: int) -> None:
        if self.bytes_per_second:
            time.sleep(max(0.0, self.began + passed / self.bytes_per_second - time.monotonic()))


def _pass_on(
    sender: Stream, receiver: Stream, watch: Watch, pace: Pace, progress: Callable[[int], None]
) -> tuple[int, bool]:
    """(bytes that passed, whether the receiver ended before the sender)."""
    passed = 0
    while piece := sender.read():
        watch.moved()
        try:
            receiver.write(piece)
        except OSError:
            sender.abort()  # the receiver's exit status says why
            return passed, True
        passed += len(piece)
        watch.moved()
        progress(passed)
        pace.keep(passed)
    return passed, False
