"""A command whose standard input or output is a stream of bytes, on this machine or over SSH; and the relay of the two.

Decided 2026-11-21: bytes pass through this machine (it reaches both servers anyway), so that servers need neither each
other's keys nor a route to each other. A stream is whole when both sides say so: the sender by its exit status, the
receiver by its own proof (drivers/replication.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol

from drivers import errors
from drivers.runner import Completed

STALL_SECONDS = 45.0
"""So that a stall is told, and the transfer begun anew, within a minute."""
PIECE_BYTES = 256 * 1024
PIPE_BYTES = 1024 * 1024
BROKEN_PIPE = 141


def widen(*pipes: IO[bytes]) -> None:
    """Let pipes hold more, so that their two ends wait less for each other. Smaller ones do as well."""
    for pipe in pipes:
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


Piece = bytes | memoryview


class Stream(Protocol):
    """A running command. Its methods end when it is aborted, with OSError or with nothing read."""

    @property
    def server(self) -> str: ...

    def read(self) -> Piece:
        """Some of its standard output, good until the next call; nothing at its end."""
        ...

    def write(self, piece: Piece) -> None:
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


Follow = Callable[[int], str | None]
"""Called about every second with the bytes that have passed, also while none do; a reason ends the transfer."""


def nobody_follows(_passed: int) -> None:
    """Nothing."""


class Watch:
    """Aborts both ends when nothing has moved for a while, or when who follows the transfer wants it ended.

    Until the first byte and after the last one more patience is due: a sender looks for what has changed, a receiver
    puts on disk what came. That a server is lost is seen by its connection, not here.
    """

    PATIENCE = 5

    def __init__(self, ends: tuple[Stream, Stream], stall_seconds: float, follow: Follow = nobody_follows) -> None:
        self._ends, self._usual_seconds, self._follow = ends, stall_seconds, follow
        self._stall_seconds = stall_seconds * self.PATIENCE
        self._moved_at = time.monotonic()
        self._over = threading.Event()
        self.passed = 0
        self._why: str | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def moved(self, passed: int) -> None:
        self.passed = passed
        self._moved_at = time.monotonic()
        self._stall_seconds = self._usual_seconds

    def be_patient(self) -> None:
        """Everything has passed."""
        self._moved_at = time.monotonic()
        self._stall_seconds = self._usual_seconds * self.PATIENCE

    def refuse_ended(self) -> None:
        """Raise TimedOut when it was this watch that ended the transfer."""
        if self._why is not None:
            way = f"{self._ends[0].server} to {self._ends[1].server}"
            raise errors.TimedOut(f"{way}: {self._why}")

    def over(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._usual_seconds / 4)):
            self._why = self._follow(self.passed)
            if time.monotonic() - self._moved_at > self._stall_seconds:
                self._why = f"nothing moved for {self._stall_seconds:g} s"
            if self._why is not None:
                for end in self._ends:
                    end.abort()
                return


def relay(
    sender: Stream,
    receiver: Stream,
    *,
    bytes_per_second: int | None = None,
    stall_seconds: float = STALL_SECONDS,
    follow: Follow = nobody_follows,
) -> Relayed:
    """Pass everything on. Raises TimedOut when the transfer stalls, ConnectionLost when an end is lost."""
    watch = Watch((sender, receiver), stall_seconds, follow)
    began = time.monotonic()
    try:
        is_cut = _pass_on(sender, receiver, watch, Pace(bytes_per_second))
        watch.be_patient()
        received = receiver.finish()
        sent = Completed(BROKEN_PIPE, "", "") if is_cut else sender.finish()
    except errors.OutcomeUnknown:
        watch.refuse_ended()
        raise
    finally:
        watch.over()
        sender.abort()
        receiver.abort()
    watch.refuse_ended()
    return Relayed(watch.passed, time.monotonic() - began, sent, received)


class Pace:
    """A limit that is kept from piece to piece: what a stall has left unused is not made up for."""

    def __init__(self, bytes_per_second: int | None) -> None:
        self._bytes_per_second = bytes_per_second
        self._free_at = time.monotonic()

    def keep(self, piece_bytes: int) -> None:
        if self._bytes_per_second:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - 0.1) + piece_bytes / self._bytes_per_second
            time.sleep(max(0.0, self._free_at - now))


def _pass_on(sender: Stream, receiver: Stream, watch: Watch, pace: Pace) -> bool:
    """Whether the receiver ended before the sender."""
    while piece := sender.read():
        try:
            receiver.write(piece)
        except OSError:
            sender.abort()  # the receiver's exit status says why
            return True
        watch.moved(watch.passed + len(piece))
        pace.keep(len(piece))
    return False
