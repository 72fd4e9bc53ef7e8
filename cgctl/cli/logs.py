"""What cgctl, the drivers and the libraries log, on stderr: no earlier than a command runs, for the Tab key's sake."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from cgctl.cli.cells import printable
from cgctl.cli.invocation import Invocation
from cgctl.cli.report import masked


class _Formatter(logging.Formatter):
    """`warning: text` and `error: text`; INFO and DEBUG as they are. One line each, passwords masked."""

    def format(self, record: logging.LogRecord) -> str:
        word = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return word + printable(masked(record.getMessage()))


class _OnStderr(logging.StreamHandler[TextIO]):
    """stderr as it is at the moment: bars on a terminal take its place, and put lines above themselves."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure_logging(invocation: Invocation) -> None:
    """cgctl's and the drivers' loggers to stderr; other libraries' only with `--debug`."""
    output = _OnStderr(sys.stderr)
    output.setFormatter(_Formatter())
    own = logging.ERROR if invocation.quiet else logging.WARNING
    if invocation.verbose or invocation.debug:
        own = logging.DEBUG
    logging.basicConfig(handlers=[output], level=logging.DEBUG if invocation.debug else logging.ERROR, force=True)
    for name in ("cgctl", "drivers"):
        logging.getLogger(name).setLevel(own)
