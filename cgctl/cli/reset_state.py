"""`reset-state`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.result import Several
from cgctl.cli.wiring import Env


class Kind(StrEnum):
    """What is reset."""

    VOLUME = "volume"
    SNAPSHOT = "snapshot"
    GROUP = "group"
    GROUP_SNAPSHOT = "group-snapshot"


@command("reset-state", changes=True)
def reset_state(
    env: Env,
    references: Annotated[list[str], typer.Argument(metavar="ENTITY...", help="Objects, by name or id.")],
    state: Annotated[str, typer.Option("--state", help="The status that is right.")],
    kind: Annotated[Kind, typer.Option("--type", help="What they are.")] = Kind.VOLUME,
) -> Several:
    """Set the status of objects by hand.

    The last resort, after `cgctl history` and a look at the server: nothing but the state is changed.
    """
    return Several(references, lambda one: manager.reset_state.reset_state(env, kind.value, one, state), f"is {state}")
