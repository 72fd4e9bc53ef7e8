"""`reset-state`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.result import Several

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env
from cgctl.errors import UsageError

State = Annotated[str, typer.Option("--state", help="The status that is right.")]


class Kind(StrEnum):
    """What is reset."""

    VOLUME = "volume"
    SNAPSHOT = "snapshot"
    GROUP = "group"
    GROUP_SNAPSHOT = "group-snapshot"
    BACKUP = "backup"


class AttachStatus(StrEnum):
    """What Cinder's users set with `--attach-status`."""

    ATTACHED = "attached"
    DETACHED = "detached"


def resetting(env: Env, kind: Kind, references: list[str], state: str) -> Several:
    """Set the status of objects of one kind."""
    return Several(references, lambda one: manager.reset_state.reset_state(env, kind.value, one, state), f"is {state}")


@command("reset-state", changes=True)
def reset_state(
    env: Env,
    references: Annotated[list[str], typer.Argument(metavar="ENTITY...", help="Objects, by name or id.")],
    state: Annotated[str | None, typer.Option("--state", help="The status that is right.")] = None,
    kind: Annotated[Kind, typer.Option("--type", help="What they are.")] = Kind.VOLUME,
    attach_status: Annotated[
        AttachStatus | None, typer.Option("--attach-status", help="Refused unless it is so: attachments decide.")
    ] = None,
    reset_migration_status: Annotated[
        bool, typer.Option("--reset-migration-status", help="Forget how a migration ended.")
    ] = False,
) -> Several:
    """Set the status of objects by hand.

    The last resort, after `cgctl history` and a look at the server: nothing but the state is changed.
    """
    if state is None and attach_status is None and not reset_migration_status:
        raise UsageError("reset-state", "no status was given", "cgctl reset-state --state available VOLUME")

    def reset(reference: str) -> None:
        if attach_status:
            manager.reset_state.check_attach_status(env, reference, attached=attach_status is AttachStatus.ATTACHED)
        if state is not None:
            manager.reset_state.reset_state(env, kind.value, reference, state)
        if reset_migration_status:
            manager.reset_state.reset_migration_status(env, reference)

    return Several(references, reset, f"is {state or attach_status or 'not migrating'}")
