"""What happens when cgctl itself fails: a log for its makers, one line for the operator."""

from __future__ import annotations

import os
import re
import select
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cgctl.cli import report
from cgctl.config.places import state_directory
from cgctl.errors import CgctlError

_PARAMETERS = re.compile(r"\[parameters: .*\]")


def tell_crash(error: BaseException, words: list[str], *, debug: bool) -> None:
    """Write the traceback to a log that only the user can read and print its path; `--debug` prints the traceback."""
    text = _traceback(error, words)
    if debug and sys.stderr is not None:
        print(text, file=sys.stderr)
    name = type(error).__name__
    try:
        path = _write_log(text)
    except OSError as failure:
        report.tell(CgctlError("cgctl", f"unexpected {name}; no log: {failure}", "the same command with --debug"))
    else:
        report.tell(CgctlError("cgctl", f"unexpected {name}, a bug of cgctl", f"please report it with {path}"))


def _traceback(error: BaseException, words: list[str]) -> str:
    """Without local variables, SQL parameters and passwords of URLs."""
    text = "".join(traceback.format_exception(error))
    return report.masked(_PARAMETERS.sub("[parameters hidden]", f"words: {words}\n{text}"))


def _write_log(text: str) -> Path:
    folder = state_directory()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"error-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.log"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", errors="backslashreplace") as log:
        log.write(text)
    return path


def reader_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more (and not some other pipe that broke)."""
    try:
        waiting = select.poll()
        waiting.register(sys.stdout.fileno(), 0)
        return bool(waiting.poll(0))
    except (OSError, ValueError, AttributeError):
        return True


def silence_stdout() -> None:
    """Let nothing more be written, so that Python's own flush at the end stays silent."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
