"""What the story is told with: commands that are really run, files behind volumes, checks that are remembered."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from cgctl.demo.place import Place
from cgctl.manager.environment import Environment
from cgctl.manager.objects import volume_object
from cgctl.model.tables import Group
from cgctl.store.queries import find, members

_SETTLING_SECONDS = 10.0


class CommandFailed(Exception):
    """A command of the story ended with an error; what follows makes no sense."""


@dataclass(frozen=True)
class Stage:
    """One demo. tell: prints one paragraph or line. failures: the checks that did not hold, in their words."""

    place: Place
    env: Environment
    tell: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def cgctl(self, *words: str) -> str:
        """Run one command as an operator types it, show it with its output, and return its stdout.

        Raises CommandFailed.
        """
        line = shlex.join(["cgctl", *words])
        self.tell(f"$ {line}")
        status, stdout, stderr = _run([sys.executable, "-m", "cgctl", *words], self._environment())
        for text in (stdout, stderr):
            if text:
                self.tell(text.rstrip("\n"))
        if status:
            self.check(False, f"`{line}` ends with 0, not {status}")
            raise CommandFailed
        return stdout

    def check(self, holds: bool, what: str) -> None:
        """Say whether it holds, and remember it."""
        (self.held if holds else self.failures).append(what)
        self.tell(f"{'[ ok ]' if holds else '[FAILED]'} {what}")

    def images(self, group: str) -> dict[str, Path]:
        """The files that hold a group's volumes, by the volumes' names: what a client reads and writes."""
        with self.env.store.read() as session:
            rows = members(session, find(session, Group, group).id)
            return {
                str(row.name): Path(self.env.backends.get(row.host or "").driver.volume_source(volume_object(row)))
                for row in rows
            }

    def backend(self, group: str) -> str:
        """The backend that holds a group."""
        with self.env.store.read() as session:
            return find(session, Group, group).host or ""

    def objects(self, backend: str) -> int:
        """How many objects of cgctl are in a pool, as its driver finds them without the state."""
        return len(self.env.backends.get(backend).driver.list_objects(self.env.context("demo")))

    def _environment(self) -> dict[str, str]:
        """The caller's, with the demo's configuration and without a state of the caller's."""
        kept = {key: value for key, value in os.environ.items() if key != "CGCTL_STATE"}
        return kept | {"CGCTL_CONFIG": str(self.place.configuration)}


def checksums(images: dict[str, Path]) -> dict[str, str]:
    """SHA-256 of each file."""
    found = {}
    for name, path in images.items():
        with path.open("rb") as file:
            found[name] = file_digest(file, "sha256").hexdigest()
    return found


def _run(argv: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit status, stdout, stderr. An interrupt is passed on, and the command may settle what it began."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=_SETTLING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return process.returncode, stdout, stderr
