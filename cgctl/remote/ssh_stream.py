"""A streaming command on a server, over a channel of the server's one connection."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

import paramiko

from cgctl.remote.framing import Frame, PassedOn
from cgctl.remote.stream import PIECE_BYTES, Piece
from drivers import errors
from drivers.runner import Completed


class Channel(Protocol):
    """What a stream needs of a paramiko channel, or of an `ssh`. recv_into: how many bytes were filled in."""

    def recv(self, count: int, /) -> bytes: ...
    def recv_into(self, room: memoryview, /) -> int: ...
    def recv_stderr(self, count: int, /) -> bytes: ...
    def sendall(self, piece: Piece, /) -> None: ...
    def shutdown_write(self) -> None: ...
    def close(self) -> None: ...


class OfConnection:
    """A paramiko channel as one."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.recv, self.recv_stderr = channel.recv, channel.recv_stderr
        self.shutdown_write, self.close = channel.shutdown_write, channel.close
        self._sendall = channel.sendall

    def recv_into(self, room: memoryview) -> int:
        piece = self.recv(len(room))
        room[: len(piece)] = piece
        return len(piece)

    def sendall(self, piece: Piece) -> None:
        self._sendall(bytes(piece))


class SshStream:
    """reads: its standard input is the stream; else its standard output is."""

    def __init__(self, server: str, channel: Channel, frame: Frame, *, reads: bool) -> None:
        self.server = server
        self._channel, self._frame = channel, frame
        self._stream = None if reads else PassedOn(frame.stdout, PIECE_BYTES)
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

    def read(self) -> Piece:
        assert self._stream
        while not self._stream.has_ended:
            piece = None
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                piece = self._stream.pass_on(self._channel.recv_into)
            if piece is None:
                break
            if piece:
                return piece
        return b""

    def write(self, piece: Piece) -> None:
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
