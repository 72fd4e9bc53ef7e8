"""Whether the sshd at the other end still speaks.

The kernel's keep-alive (`dial`) asks whoever holds the other end of the TCP connection: a port forward, a NAT box or a
jump host answers for a server that is gone, and a kernel for an sshd that stands still. So sshd itself is asked, by a
request that wants an answer (RFC 4254, 4); whatever is heard, be it of a transfer, counts as one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

SLICE_SECONDS = 5.0
ASKED_AFTER_SLICES = 2
LOST_AFTER_SLICES = 12
"""Slices, not a span: when this machine itself stood still (a paused virtual machine), only one of them is up. More
than the kernel's own limit: sshd on a starved server is slow to answer, and what runs there is not lost."""


class Listening(socket.socket):
    """A connected socket, taken over, that knows whether something was heard. (paramiko wants a real one.)"""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(fileno=connection.detach())
        self._has_heard = False

    def recv(self, count: int, flags: int = 0, /) -> bytes:
        received = super().recv(count, flags)
        self._has_heard = True
        return received

    def heard(self) -> bool:
        """Whether something came since this was asked last."""
        result, self._has_heard = self._has_heard, False
        return result


class Watch:
    """From `begin` to `end`: asks a peer that is silent, and gives it up when it stays so. Both are called once."""

    def __init__(self, heard: Callable[[], bool], ask: Callable[[], object], give_up: Callable[[], None]) -> None:
        """ask may block, and for ever: it has a thread of its own."""
        self._heard, self._ask, self._give_up = heard, ask, give_up
        self._ended = threading.Event()

    def begin(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _watch(self) -> None:
        silent = 0
        while not self._ended.wait(SLICE_SECONDS):
            silent = 0 if self._heard() else silent + 1
            if silent == ASKED_AFTER_SLICES:
                threading.Thread(target=self._ask, daemon=True).start()
            elif silent == LOST_AFTER_SLICES:
                self._give_up()
                return
