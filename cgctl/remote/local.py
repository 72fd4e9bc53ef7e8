"""The runner for this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
from typing import IO

from cgctl.remote.local_stream import LocalStream
from cgctl.remote.trace import traced
from drivers import errors
from drivers.command import Command
from drivers.runner import Completed

GRACE_SECONDS = 2.0


class LocalRunner:
    """Runs commands as the user who runs cgctl.

    Each command is a session of its own, so Ctrl-C at the terminal ends cgctl, not a script half-way; like a script on
    a server it goes on to its end. Its output goes to unnamed files: it can neither block nor be killed by a pipe whose
    reader is gone, and a daemon that it leaves behind is not waited for.

    executions counts the commands that were started, connections stays 0; both are for tests of round trips.
    """

    server = "this machine"

    def __init__(self) -> None:
        self.executions = 0
        self.connections = 0

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        """As `drivers.runner.Runner.run`. TimedOut: the command and its process group have been killed."""
        return traced(self.server, command, lambda: self._run(command, timeout_seconds))

    def stream(self, command: Command, *, reads: bool, bulk: bool = False) -> LocalStream:  # noqa: ARG002 (no other way)
        """Begin a command that reads, or writes, a stream."""
        self.executions += 1
        return LocalStream(command, reads=reads)

    def close(self) -> None:
        """There is nothing to close."""

    def _run(self, command: Command, timeout_seconds: float) -> Completed:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            try:
                process = self._start(command, stdout, stderr)
            except OSError as error:
                return self._not_started(command, error)
            self._finish(process, command, timeout_seconds)
            return Completed(_exit_status(process.returncode), _text(stdout), _text(stderr))

    def _start(self, command: Command, stdout: IO[bytes], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [os.fsencode(argument) for argument in command.argv],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        self.executions += 1
        return process

    def _not_started(self, command: Command, error: OSError) -> Completed:
        """What a shell would say of it: 127 for what is not there, 126 for what cannot be run."""
        if error.errno == errno.E2BIG:
            raise errors.ServerRefused(f"{self.server}: the command is too long: name fewer objects at once") from error
        status = 127 if error.errno == errno.ENOENT else 126
        return Completed(status, "", f"{command.argv[0]}: {error.strerror}\n")

    def _finish(self, process: subprocess.Popen[bytes], command: Command, timeout_seconds: float) -> None:
        try:
            process.communicate(command.stdin_bytes, timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            message = f"{self.server}: no answer within {timeout_seconds:g} s, the command was ended"
            raise errors.TimedOut(message) from None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """TERM, and KILL for what is left of the group: also when its leader has ended and others have not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _exit_status(returncode: int) -> int:
    """As a shell has it: 128 and the number of the signal."""
    return returncode if returncode >= 0 else 128 - returncode


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
