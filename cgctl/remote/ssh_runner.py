"""The runner for a server that is reached over SSH."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from cgctl.remote import sudo
from cgctl.remote.framing import LINE_LIMIT_BYTES, Frame
from cgctl.remote.settings import SshSettings
from cgctl.remote.trace import logger, traced
from drivers import errors
from drivers.command import Command
from drivers.runner import Completed

if TYPE_CHECKING:
    from cgctl.remote.ssh import Connection, Ending
    from cgctl.remote.stream import Stream

Begun = TypeVar("Begun")


class SshRunner:
    """One connection, opened at the first command; a new one is opened only after the old one was lost.

    A command is sent once: it is never repeated after it may have arrived. executions counts the commands that were
    sent, connections the logins; both are for tests of round trips. Several threads take turns: backends of one server
    share its runner.
    """

    def __init__(self, settings: SshSettings) -> None:
        self.server = settings.server
        self.executions = 0
        self.connections = 0
        self._settings = settings
        self._connection: Connection | None = None
        self._turn = threading.Lock()

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        """As `drivers.runner.Runner.run`; timeout_seconds counts from when the server is connected.

        After TimedOut and ConnectionLost the command may still be running on the server.
        """
        with self._turn:
            return traced(self.server, command, lambda: self._run(command, timeout_seconds))

    def stream(self, command: Command, *, reads: bool, bulk: bool = False) -> Stream:
        """Begin a command that reads, or writes, a stream; it has a channel of its own and nobody waits for its end.

        bulk: over a connection of this machine's `ssh`, where that is to be had.
        """
        from cgctl.remote import openssh  # noqa: PLC0415
        from cgctl.remote.ssh_stream import OfConnection, SshStream  # noqa: PLC0415 - paramiko only when it is needed

        frame = Frame(command, self._settings.sudo)
        with self._turn:
            own = openssh.begun(self._settings, frame) if bulk else None
            channel = own or OfConnection(self._twice(lambda: self._connected().begin(frame.line)))
            self.executions += 1
        logger.debug("%s: %s: begun", self.server, command.shown())
        return SshStream(self.server, channel, frame, reads=reads)

    def close(self) -> None:
        """As `drivers.runner.Runner.close`; a later command connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, command: Command, timeout_seconds: float) -> Completed:
        frame = Frame(command, self._settings.sudo)
        if len(frame.line) > LINE_LIMIT_BYTES:
            message = f"{self.server}: the command is too long: {len(frame.line)} of {LINE_LIMIT_BYTES} bytes"
            raise errors.ServerRefused(message, "name fewer objects at once")
        ending = self._execute(frame, command.stdin_bytes, timeout_seconds)
        completed = frame.completed()
        if completed is None:
            self.close()
            raise self._unanswered(frame, ending, timeout_seconds)
        if not frame.began():
            raise sudo.refused(self._settings, frame.stderr.noise())
        return completed

    def _execute(self, frame: Frame, stdin: bytes, timeout_seconds: float) -> Ending:
        return self._twice(lambda: self._execute_once(frame, stdin, timeout_seconds))

    def _twice(self, begin: Callable[[], Begun]) -> Begun:
        """A kept connection may have died unnoticed; as nothing was sent then, one more is tried."""
        from cgctl.remote.ssh import NotSent  # noqa: PLC0415 - paramiko only when it is needed

        for _ in range(2):
            try:
                return begin()
            except NotSent:
                self.close()
        raise errors.HandshakeBroken(f"{self.server}: the connection is lost as soon as it is made")

    def _execute_once(self, frame: Frame, stdin: bytes, timeout_seconds: float) -> Ending:
        ending = self._connected().execute(frame, stdin, timeout_seconds)
        self.executions += 1
        return ending

    def _connected(self) -> Connection:
        from cgctl.remote.connecting import connect  # noqa: PLC0415 - paramiko only when it is needed

        if self._connection is None or not self._connection.is_alive():
            self.close()
            self._connection = connect(self._settings)
            self.connections += 1
        return self._connection

    def _unanswered(self, frame: Frame, ending: Ending, timeout_seconds: float) -> errors.DriverError:
        if ending.timed_out:
            return errors.TimedOut(
                f"{self.server}: no answer within {timeout_seconds:g} s; it may still be running there"
            )
        if ending.exit_status is not None and not frame.entered():
            return self._not_begun(frame)
        return errors.ConnectionLost(f"{self.server}: the connection was lost before the answer was complete")

    def _not_begun(self, frame: Frame) -> errors.LoginRefused:
        """The login shell ended, and the command's frame was never entered: nothing ran."""
        noise = f"{frame.stdout.noise()}\n{frame.stderr.noise()}".split("\n")
        said = next((line.strip() for line in reversed(noise) if line.strip()), "it says nothing")
        shell = shlex.join(
            ("ssh", "-p", str(self._settings.port), f"{self._settings.user}@{self._settings.host}", "true")
        )
        return errors.LoginRefused(
            f"{self.server}: the login ended before the command began: {said}",
            f"the user needs a login shell that runs commands, and a profile that does not exit; try: {shell}",
        )
