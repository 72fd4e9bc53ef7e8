"""`history` and `recover`: what happened, and what is left to settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.result import Column, Listing

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

COLUMNS = (
    Column("At", "at"),
    Column("Subject", "subject"),
    Column("Kind", "kind"),
    Column("Message", "message"),
)
RECOVERED = (
    Column("Operation", "id"),
    Column("Subject", "subject"),
    Column("Kind", "kind"),
    Column("Result", "result"),
    Column("Reason", "reason"),
)


@command("history")
def history(
    env: Env,
    reference: Annotated[str | None, typer.Argument(metavar="OBJECT", help="Object, by name or id.")] = None,
    newest: Annotated[int, typer.Option("--newest", min=1, max=1_000_000, help="How many events at most.")] = 100,
) -> Listing:
    """Tell what happened, to an object or to all.

    Oldest first; also of an object that is gone."""
    return Listing(manager.reads.history(env, reference, newest), COLUMNS)


@command("recover", changes=True)
def recover_all(env: Env) -> Listing:
    """Settle what interrupted operations left behind.

    Creations are undone, deletions, moves and extensions completed. With nothing to settle, cron need not hear of it:
    no table is printed then."""
    rows, failure = manager.recover.recover(env)
    return Listing(rows, RECOVERED, when_empty="nothing is left to settle", failure=failure)
