"""How the lab runs commands of the machine it lies on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence


class LabError(Exception):
    """The lab itself does not work; never a finding about cgctl."""


class CommandFailed(subprocess.CalledProcessError):
    """A command's non-zero exit status, with what it wrote."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stderr}{self.stdout}"


def run(
    argv: Sequence[str], *, input: str | None = None, check: bool = True, timeout_seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run to the end; raises CommandFailed for a non-zero exit status unless check is False."""
    done = subprocess.run(
        argv,
        input=input,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_seconds,
        check=False,
    )
    if check and done.returncode:
        raise CommandFailed(done.returncode, list(argv), done.stdout, done.stderr)
    return done


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float = 20) -> None:
    """Poll; raises LabError when the condition does not come true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout_seconds} s in vain for {what}")
        time.sleep(0.01)
