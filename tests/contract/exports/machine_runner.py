"""Runs a driver's commands as root inside a virtual machine of the lab, and keeps what was run."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.command import Command
from drivers.runner import Completed
from tests.lab.vm import Machine


@dataclass
class MachineRunner:
    """kill_after_seconds: SIGKILL for the command at that moment of its run (scripts that end in an `exec`)."""

    machine: Machine
    kill_after_seconds: float | None = None
    commands: list[Command] = field(default_factory=list)

    @property
    def server(self) -> str:
        return self.machine.name

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        self.commands.append(command)
        argv = list(command.argv)
        if self.kill_after_seconds is not None:
            argv = ["timeout", "-s", "KILL", str(self.kill_after_seconds), *argv]
        text = command.stdin_bytes.decode()
        done = self.machine.run(argv, input=text, check=False, timeout_seconds=timeout_seconds)
        return Completed(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """Nothing is open."""
