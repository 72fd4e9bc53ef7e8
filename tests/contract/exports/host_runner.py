"""Runs a driver's commands straight inside a lab host, and keeps what was run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field

from drivers.command import Command
from drivers.runner import Completed
from tests.lab.host import Host


@dataclass
class HostRunner:
    """kill_after_seconds: SIGKILL for everything that a command started, at that moment of its run."""

    host: Host
    kill_after_seconds: float | None = None
    commands: list[Command] = field(default_factory=list)

    @property
    def server(self) -> str:
        return self.host.name

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        self.commands.append(command)
        if self.kill_after_seconds is not None:
            return self.run_and_kill(command, self.kill_after_seconds)
        text = command.stdin_bytes.decode()
        done = self.host.run(command.argv, input=text, check=False, timeout_seconds=timeout_seconds)
        return Completed(done.returncode, done.stdout, done.stderr)

    def run_and_kill(self, command: Command, seconds: float) -> Completed:
        process = subprocess.Popen(
            self.host.command(command.argv),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(command.stdin_bytes)
        process.stdin.close()
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        return Completed(process.wait(), "", "killed")

    def close(self) -> None:
        """Nothing is open."""
