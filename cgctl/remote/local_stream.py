"""A streaming command of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile

from cgctl.remote.stream import PIECE_BYTES, Piece, widen
from drivers.command import Command
from drivers.runner import Completed


class LocalStream:
    """A session of its own, as every command (`cgctl.remote.local`). What it says goes to an unnamed file."""

    server = "this machine"

    def __init__(self, command: Command, *, reads: bool) -> None:
        """reads: its standard input is the stream; else its standard output is."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the stream)
        self._complained = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [os.fsencode(argument) for argument in command.argv],
            stdin=subprocess.PIPE,  # of a sender: its lifeline, where it looks for one
            stdout=self._said if reads else subprocess.PIPE,
            stderr=self._complained,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
            bufsize=0,
        )
        self._room = memoryview(bytearray(PIECE_BYTES))
        widen(*(pipe for pipe in (self._process.stdin, self._process.stdout) if pipe))

    def read(self) -> Piece:
        assert self._process.stdout
        return self._room[: os.readv(self._process.stdout.fileno(), [self._room])]

    def write(self, piece: Piece) -> None:
        assert self._process.stdin
        view = memoryview(piece)
        while view:
            view = view[self._process.stdin.write(view) or 0 :]

    def finish(self) -> Completed:
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self._process.stdout:
            self._process.stdout.close()
        status = self._process.wait()
        outputs = []
        for file in (self._said, self._complained):
            file.seek(0)
            outputs.append(file.read().decode(errors="replace"))
        return Completed(status if status >= 0 else 128 - status, *outputs)

    def abort(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
