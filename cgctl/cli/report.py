"""stdout and stderr: the only module that writes to them.

stdout carries the result and nothing else. stderr: `error:` and `hint:` lines, messages, warnings; in colour on a
terminal unless NO_COLOR is set.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TextIO

from cgctl.cli.cells import printable
from cgctl.cli.invocation import Invocation
from cgctl.errors import CgctlError

_PASSWORD = re.compile(r"(?P<before>://[^:/@\s]*:)[^@\s]+(?P<after>@)")


def masked(text: str) -> str:
    """The text without the passwords of URLs."""
    return _PASSWORD.sub(r"\g<before>***\g<after>", text)


def write(text: str) -> None:
    """Put a result on stdout, at once. Raises BrokenPipeError when nobody reads it, CgctlError when it has no room."""
    if sys.stdout is None:
        return
    try:
        _write_all(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CgctlError(
            "standard output",
            (error.strerror or "cannot be written").lower(),
            "what the command did is done; see it with the show or list command",
        ) from error


def _write_all(stream: TextIO, text: str) -> None:
    """Every byte. Under PYTHONUNBUFFERED the stream itself would take a cut write (pipe, full disk) for a whole one."""
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(text)
    else:
        stream.flush()
        rest = memoryview(text.encode(stream.encoding, stream.errors or "backslashreplace"))
        while rest:
            written = binary.write(rest)
            if written is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[written:]
    stream.flush()


def say(message: str, invocation: Invocation) -> None:
    """Tell that something was done, unless `--quiet`."""
    if not invocation.quiet:
        _line(printable(message))


def note(message: str) -> None:
    """A line on stderr."""
    _line(printable(message))


def ask(question: str) -> None:
    """The question of a confirmation, without a line end."""
    print(printable(question), end="", file=sys.stderr, flush=True)


def tell(error: CgctlError) -> None:
    """`error: <subject>: <reason>`, one line per problem, then `hint: <what to do>`."""
    for reason in getattr(error, "problems", (error.reason,)):
        _line(f"{_coloured('error:', 31)} {printable(masked(f'{error.subject}: {reason}'))}")
    if error.hint:
        _line(f"{_coloured('hint:', 36)} {printable(masked(error.hint))}")


def _line(text: str) -> None:
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def _coloured(word: str, code: int) -> str:
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    if not on_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return word
    return f"\x1b[{code}m{word}\x1b[0m"
