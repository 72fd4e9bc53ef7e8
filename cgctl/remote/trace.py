"""One DEBUG line per command on a server. Standard input is never part of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from drivers.command import Command
from drivers.errors import DriverError
from drivers.runner import Completed

logger = logging.getLogger(__name__)


def traced(server: str, command: Command, execute: Callable[[], Completed]) -> Completed:
    """Run it, and log server, command, duration and how it ended."""
    began = time.monotonic()
    ending = "interrupted"
    try:
        completed = execute()
        ending = f"exit status {completed.exit_status}"
        return completed
    except DriverError as error:
        ending = type(error).__name__
        raise
    finally:
        logger.debug("%s: %s: %s after %.3f s", server, command.shown(), ending, time.monotonic() - began)
