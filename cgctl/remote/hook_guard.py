"""cgctl's end of the guard: see `hook_guard.sh` for the other."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import TracebackType
from typing import IO, Self

KILL_SECONDS = 2.0
TIMED_OUT = ("124", "137")
PATIENCE_SECONDS = 10.0
"""How much longer than the hooks' own time-out the guard may take to answer."""


@dataclass(frozen=True)
class Ending:
    """Why the hold ended (`released`, `bound`, `gone`, `pre-failed`, or a sentence) and what `post` failed with."""

    reason: str
    failure: str | None


class Guard:
    """A running guard. Leaving its context closes the pipe: what has not run by then, it runs by itself."""

    def __init__(
        self, pre: str, post: str, timeout_seconds: float, bound_seconds: float, environment: Mapping[str, str]
    ) -> None:
        self._post = post
        self._timeout_seconds = timeout_seconds
        self._environment = environment
        self._received = b""
        # A file and not a pipe, which could block or kill a hook; to append, because the hooks share its position.
        self._stderr = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _script(), "cgctl-hook-guard", f"{timeout_seconds:.3f}", f"{bound_seconds:.3f}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **environment, "CGCTL_PRE_COMMAND": pre, "CGCTL_POST_COMMAND": post},
            start_new_session=True,
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it without waiting; safe to call twice."""
        for file in (self._process.stdin, self._process.stdout, self._stderr):
            if file is not None:
                file.close()

    def await_pre(self) -> str | None:
        """Wait until `pre` has ended; what it failed with, or None."""
        return self._hook_failure("pre", 0)

    def end(self) -> Ending:
        """Let `post` run now, if it has not yet, and wait until it has ended."""
        began = os.fstat(self._stderr.fileno()).st_size
        with contextlib.suppress(OSError):
            os.write(_descriptor(self._process.stdin), b"release\n")
        reason = self._await("post-begins")
        if reason is None:
            return self._end_without_guard()
        failure = self._hook_failure("post", began)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)
        return Ending(reason, failure)

    def _end_without_guard(self) -> Ending:
        """The guard is dead, or as good as dead, and has not begun `post`: another guard does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with Guard("", self._post, self._timeout_seconds, KILL_SECONDS, self._environment) as successor:
            successor.await_pre()
            return Ending("the guard of the hooks has ended", successor.end().failure)

    def _hook_failure(self, phase: str, began: int) -> str | None:
        """None when it succeeded, else how it ended, with the last line of what it wrote to stderr since began."""
        status = self._await(phase)
        if status == "0":
            return None
        if status is None:
            ended = "its guard has ended without a word of it"
        elif status in TIMED_OUT:
            ended = f"it did not end within {self._timeout_seconds:g} s"
        else:
            ended = f"exit status {status}"
        return ": ".join((ended, *self._last_line(began)))

    def _last_line(self, began: int) -> list[str]:
        descriptor = self._stderr.fileno()
        size = os.fstat(descriptor).st_size
        text = os.pread(descriptor, min(size - began, 4096), max(began, size - 4096)).decode(errors="replace")
        return [line.strip() for line in text.splitlines() if line.strip()][-1:]

    def _await(self, word: str) -> str | None:
        """What the guard reports under this word; None when it ends, or does not answer, before."""
        deadline = time.monotonic() + self._timeout_seconds + KILL_SECONDS + PATIENCE_SECONDS
        while True:
            for line in self._received.split(b"\n")[:-1]:
                reported, _, value = line.decode().partition(" ")
                if reported == word:
                    return value
            chunk = self._read(deadline)
            if not chunk:
                return None
            self._received += chunk

    def _read(self, deadline: float) -> bytes:
        descriptor = _descriptor(self._process.stdout)
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        return os.read(descriptor, 4096) if ready else b""


def _descriptor(file: IO[bytes] | None) -> int:
    assert file is not None  # Popen was told to make a pipe
    return file.fileno()


def _script() -> str:
    """As text, not as a path: an upgrade of cgctl must not change the script under a running guard."""
    return resources.files("cgctl.remote").joinpath("hook_guard.sh").read_text()
