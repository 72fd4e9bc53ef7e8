"""Commands inside a guest, past sshd: lab-agent listens on a network card that is never cut."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.command import CommandFailed, LabError

PATIENCE_SECONDS = 600
"""With a guest on a machine that others use, too: one process of LVM took 30 s there."""
ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


@dataclass(frozen=True)
class Agent:
    """The agent behind a port of 127.0.0.1; it obeys whoever knows the image's token."""

    port: int
    token_file: Path

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        check: bool = True,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """As tests.lab.command.run, as root in the guest. Without input, stdin is empty."""
        try:
            answer = self._ask(argv, input or "", timeout_seconds)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(list(argv), timeout_seconds) from error
        if check and answer["code"]:
            raise CommandFailed(answer["code"], list(argv), answer["output"], answer["errors"])
        return subprocess.CompletedProcess(list(argv), answer["code"], answer["output"], answer["errors"])

    def is_answering(self) -> bool:
        try:
            return self.run(["true"], check=False, timeout_seconds=3).returncode == 0
        except (OSError, LabError, subprocess.TimeoutExpired):
            return False

    def _ask(self, argv: Sequence[str], input: str, timeout_seconds: float) -> dict[str, Any]:
        request = {
            "token": self.token_file.read_text(),
            "argv": list(argv),
            "input": input,
            "environment": ENVIRONMENT,
        }
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_seconds) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = connection.makefile("rb").readline()
        if not line:
            raise LabError(f"the guest's agent ended {argv[0]!r} without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer
