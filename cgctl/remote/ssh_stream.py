"""A streaming command on a server, over a channel of the server's one connection."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

import paramiko

from cgctl.remote.framing import Frame, PassedOn
from cgctl.remote.stream import PIECE_BYTES
from drivers import errors
from drivers.runner import Completed


class Channel(Protocol):
    """What a stream needs of a paramiko channel, or of an `ssh`."""

    def recv(self, count: int, /) -> bytes: ...
    def recv_stderr(self, count: int, /) -> bytes: ...
    def sendall(self, piece: bytes, /) -> None: ...
    def shutdown_write(self) -> None: ...
    def close(self) -> None: ...


class SshStream:
    """reads: its standard input is the stream; else its standard output is."""

    def __init__(self, server: str, channel: Channel, frame: Frame, *, reads: bool) -> None:
        self.server = server
        self._channel, self._frame = channel, frame
        self._stream = None if reads else PassedOn(frame.stdout)
        self._threads = [self._collect(channel.recv_stderr, frame.stderr.feed)]
        if reads:
            self._threads.append(self._collect(channel.recv, frame.stdout.feed))

    def _collect(self, receive: Callable[[int], bytes], feed: Callable[[bytes], bool]) -> threading.Thread:
        def collect() -> None:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                while (piece := receive(PIECE_BYTES)) and not feed(piece):
                    pass

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        return thread

    def read(self) -> bytes:
        assert self._stream
        while not self._stream.has_ended:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                received = self._channel.recv(PIECE_BYTES)
                if received:
                    if piece := self._stream.pass_on(received):
                        return piece
                    continue
            break
        return b""

    def write(self, piece: bytes) -> None:
        try:
            self._channel.sendall(piece)
        except (EOFError, paramiko.SSHException) as error:
            raise BrokenPipeError(str(error)) from error

    def finish(self) -> Completed:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()
        for thread in self._threads:
            thread.join()
        completed = self._frame.completed()
        self._channel.close()
        if completed is None:
            raise errors.ConnectionLost(f"{self.server}: the connection was lost before the transfer was complete")
        return completed

    def abort(self) -> None:
        self._channel.close()
