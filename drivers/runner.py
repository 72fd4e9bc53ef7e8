"""How a command reaches a server: the Protocol that `cgctl.remote` implements.

Retries, masking and time limits belong to the runner; drivers have none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drivers.command import Command


@dataclass(frozen=True)
class Completed:
    """What a command left: its own exit status (0-255) and its output, without the noise of login shells."""

    exit_status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """One server, one connection, opened at the first command and kept for the cgctl command's life."""

    @property
    def server(self) -> str:
        """How messages name the server: `cgctl@192.0.2.10:22`, or `this machine`."""
        ...

    def run(self, command: Command, timeout_seconds: float) -> Completed:
        """Run to the end, as root where the backend is configured with sudo.

        A non-zero exit status is a result, not an error. Raises ServerNotReached when nothing ran, OutcomeUnknown when
        the answer is missing, SudoRefused when the server refused to run it as root.
        """
        ...

    def close(self) -> None:
        """End the connection; safe to call twice."""
        ...
