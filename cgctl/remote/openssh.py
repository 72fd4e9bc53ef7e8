"""This machine's own `ssh` as the carrier of bulk, where it is installed.

Decided 2026-11-21: paramiko spends three times the processor of OpenSSH on each byte, and a stream that ends while
keys are exchanged anew is lost with it. Commands stay with paramiko: its connection is kept, and its errors are told
apart. What does not get as far as the command's frame is left to paramiko, too, which says why.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import time

from cgctl.remote import host_keys
from cgctl.remote.direct import servers
from cgctl.remote.framing import Frame
from cgctl.remote.settings import SshSettings
from cgctl.remote.stream import Piece, widen
from drivers.errors import HostKeyUnknown

ENTRY_SECONDS = 60.0


class OpenSsh:
    """A running `ssh`, with the methods of a paramiko channel that streams use."""

    def __init__(self, settings: SshSettings, known_hosts: str, line: str) -> None:
        self._known_hosts = tempfile.NamedTemporaryFile("w", prefix="cgctl-known-hosts-")  # noqa: SIM115 (lives as long)
        self._known_hosts.write(f"{known_hosts}\n")
        self._known_hosts.flush()
        identity = str(settings.identity_file.expanduser()) if settings.identity_file else None
        words = servers.ssh_words(settings, None, self._known_hosts.name, identity, line)
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._in, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        self._seen = b""
        widen(self._in, self._out)

    def has_entered(self, frame: Frame) -> bool:
        """Wait for the frame's first mark. What was read meanwhile is kept for `recv`."""
        until = time.monotonic() + ENTRY_SECONDS
        while frame.stdout.begin_mark not in self._seen:
            readable, _, _ = select.select([self._out], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self._out.fileno(), 65536) if readable else b""
            if not piece:
                return False
            self._seen += piece
        self._forget_known_hosts()  # ssh reads them at its login only; whoever is killed from now on leaves no file
        return True

    def _forget_known_hosts(self) -> None:
        with contextlib.suppress(OSError):
            self._known_hosts.close()

    def recv(self, count: int) -> bytes:
        """Some of its standard output; nothing at its end."""
        seen, self._seen = self._seen[:count], self._seen[count:]
        return seen or os.read(self._out.fileno(), count)

    def recv_into(self, room: memoryview) -> int:
        """The same, without a copy; how many bytes there were."""
        if not self._seen:
            return os.readv(self._out.fileno(), [room])
        seen = self.recv(len(room))
        room[: len(seen)] = seen
        return len(seen)

    def recv_stderr(self, count: int) -> bytes:
        """The same of its standard error."""
        return os.read(self._err.fileno(), count)

    def sendall(self, piece: Piece) -> None:
        """To its standard input. Raises OSError when nobody reads it any more."""
        if self._in.closed:
            raise BrokenPipeError("nothing more is to come")
        view = memoryview(piece)
        while view:
            view = view[self._in.write(view) or 0 :]

    def shutdown_write(self) -> None:
        """Nothing more comes."""
        self._in.close()

    def close(self) -> None:
        """End it, from any thread: whoever waits for its bytes sees their end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._forget_known_hosts()


def begun(settings: SshSettings, frame: Frame) -> OpenSsh | None:
    """The frame's line on a server; None where `ssh` is missing, or does not get there."""
    try:
        trusted = host_keys.trusted_by(settings)
    except HostKeyUnknown:
        return None
    if trusted.revoked or not trusted.keys or shutil.which("ssh") is None:
        return None
    running = OpenSsh(settings, servers.known_hosts(settings), frame.line)
    if running.has_entered(frame):
        return running
    running.close()
    return None
