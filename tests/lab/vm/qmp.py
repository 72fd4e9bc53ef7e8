"""The monitor of a qemu process (QMP): JSON over a Unix socket."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.command import LabError, wait_until

Answer = Any
"""What a command returns: the shape is the command's own."""


class Channel:
    """Commands and answers, one after another."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rwb")

    def read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise LabError("qemu closed the connection")
        message: dict[str, Any] = json.loads(line)
        return message

    def send(self, command: str, **arguments: object) -> None:
        message = {"execute": command, **({"arguments": arguments} if arguments else {})}
        self._file.write(json.dumps(message).encode() + b"\n")
        self._file.flush()

    def call(self, command: str, **arguments: object) -> Answer:
        """Raises LabError when the command is refused."""
        self.send(command, **arguments)
        while True:
            message = self.read()
            if "error" in message:
                raise LabError(f"qemu: {command}: {message['error'].get('desc')}")
            if "return" in message:
                return message["return"]


@contextmanager
def connected(path: Path, timeout_seconds: float = 60) -> Iterator[socket.socket]:
    """Waits for the socket to appear, and for whoever uses it at the moment."""
    deadline = time.monotonic() + timeout_seconds
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_seconds)
        while True:
            try:
                connection.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"no answer at {path}: {error}") from error
                time.sleep(0.02)
        yield connection


@contextmanager
def monitor(path: Path, timeout_seconds: float = 60) -> Iterator[Channel]:
    """The monitor of one machine."""
    with connected(path, timeout_seconds) as connection:
        channel = Channel(connection)
        channel.read()
        channel.call("qmp_capabilities")
        yield channel


def resume_saved_state(path: Path) -> None:
    """Wait until the state is read in, and let the machine run: it was saved while it stood still."""
    with monitor(path) as channel:
        wait_until(lambda: _migration(channel) == "completed", "the saved state to be read", 60)
        channel.call("cont")


def save_state(path: Path, destination: Path) -> None:
    """Stop the machine, write its state, and end qemu."""
    with monitor(path) as channel:
        channel.call("stop")
        channel.call("migrate-set-parameters", **{"max-bandwidth": 10**10})
        channel.call("migrate", uri=f"exec:cat > '{destination}'")
        wait_until(lambda: _migration(channel) == "completed", "the state to be written", 120)
        channel.call("quit")


def _migration(channel: Channel) -> str:
    status: str = channel.call("query-migrate").get("status", "")
    if status == "failed":
        raise LabError("qemu could not move the machine's state")
    return status
