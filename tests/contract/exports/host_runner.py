"""Runs a driver's commands straight inside a lab host, and keeps what was run."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.command import Command
from drivers.runner import Completed
from tests.lab.host import Host


@dataclass
class HostRunner:
    host: Host
    commands: list[Command] = field(default_factory=list)

    @property
    def server(self) -> str:
        return self.host.name

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        self.commands.append(command)
        text = command.stdin_bytes.decode()
        done = self.host.run(command.argv, input=text, check=False, timeout_seconds=timeout_seconds)
        return Completed(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """Nothing is open."""
