"""The commands of a transfer with `carry.pl` around them, and the direct transfer itself."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator, Sequence

from cgctl.remote.direct import servers
from cgctl.remote.stream import BROKEN_PIPE, Follow, Relayed, Stream, Watch
from drivers import errors, refusals
from drivers.command import Command
from drivers.runner import Completed

SILENCE_SECONDS = 45
BEAT_SECONDS = 5.0
_PASSED = re.compile(rb"(\d+) -+\n")
_WAY = re.compile(r"^cgctl-way (none|lost): (.*)$", re.M)


class NoWay(Exception):
    """The source cannot deliver to the destination by itself; nothing has passed."""


def departing(
    send: Command, note: str, compression: str, bytes_per_second: int | None = None, ssh: Sequence[str] = ()
) -> Command:
    """A send whose stream goes out compressed, over ssh where there are words for it. It needs a lifeline."""
    words = ("depart", note, str(SILENCE_SECONDS), compression, str(bytes_per_second or 0), str(len(ssh)), *ssh)
    return _carried(words, send)


def arriving(receive: Command, note: str, compression: str, door: str = "-") -> Command:
    """A receive whose stream comes compressed, from standard input or through a door. A door needs a lifeline."""
    return _carried(("arrive", note, str(SILENCE_SECONDS), compression, door), receive)


def _carried(words: Sequence[str], command: Command) -> Command:
    program = ("perl", "-e", servers.text("carry.pl"), "--", *words, *command.argv)
    return Command(program, label=f"direct/carry.pl {words[0]}: {command.shown()}")


class Lifeline:
    """Tells servers every few seconds that cgctl is there."""

    def __init__(self, *ends: Stream) -> None:
        self._ends = ends
        self._over = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def end(self) -> None:
        """No more of it."""
        self._over.set()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.write(b".")


@contextlib.contextmanager
def lifeline(*ends: Stream) -> Iterator[Lifeline]:
    """A lifeline for the time of the block."""
    line = Lifeline(*ends)
    try:
        yield line
    finally:
        line.end()


def deliver(sender: Stream, receiver: Stream, stall_seconds: float, follow: Follow, source_id: str) -> Relayed:
    """A direct transfer to its end: the sender's output tells what has passed. Raises NoWay, and as `relay`.

    What the sender itself says is said by backend source_id: of the other side's fault it ends with BROKEN_PIPE.
    """
    watch = Watch((sender, receiver), stall_seconds, follow)
    began = time.monotonic()
    try:
        with lifeline(sender, receiver) as line:
            for passed in _told(sender):
                if passed > watch.passed:
                    watch.moved(passed)
            sent = _completed(sender, source_id)
            watch.be_patient()
            line.end()
            with contextlib.suppress(OSError):
                receiver.write(b"w")
            received = receiver.finish()
    except errors.OutcomeUnknown:
        watch.refuse_ended()
        raise
    finally:
        watch.over()
        sender.abort()
        receiver.abort()
    watch.refuse_ended()
    return Relayed(watch.passed, time.monotonic() - began, sent, received)


def _told(sender: Stream) -> Iterator[int]:
    """The numbers of bytes that the sender says have passed."""
    held = b""
    while piece := sender.read():
        held += piece
        for found in _PASSED.finditer(held):
            yield int(found[1])
        held = held[held.rfind(b"\n") + 1 :]


def _completed(sender: Stream, source_id: str) -> Completed:
    """How the sender ended. Raises NoWay, ConnectionLost where the way broke, and what the sender itself says."""
    sent = sender.finish()
    broken = _WAY.search(sent.stderr)
    if broken:
        said = [line for line in sent.stderr.splitlines() if line.strip() and not line.startswith("cgctl-way ")]
        reason = said[-1].strip() if said else broken[2]
        if broken[1] == "none":
            raise NoWay(reason)
        raise errors.ConnectionLost(f"{sender.server}: the way to the other server broke: {reason}")
    if sent.exit_status not in (0, BROKEN_PIPE):
        with errors.said_by(source_id):
            refusals.result(sent, sender.server)
    return sent
