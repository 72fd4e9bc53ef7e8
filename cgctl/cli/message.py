"""`message-*`: what is left of failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import Filters, pairs
from cgctl.cli.result import Column, Listing, Several, Show

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

COLUMNS = (
    Column("ID", "id"),
    Column("Resource Type", "resource_type"),
    Column("Resource UUID", "resource_uuid"),
    Column("Event ID", "event_id"),
    Column("User Message", "user_message"),
)


@command("message-list")
def message_list(
    env: Env,
    level: Annotated[
        str | None, typer.Option("--level", help="Only of this level; all are ERROR.", metavar="LEVEL")
    ] = None,
    filters: Filters = None,
) -> Listing:
    """List the messages that failures have left.

    Each operation that a server failed, refused or did not answer leaves one for the object and one for each member
    that failed. They are kept for 30 days.
    """
    wanted = {"message_level": level.upper() if level else None, **pairs(filters)}
    return Listing(
        lambda keys: manager.reads.messages(env, wanted, keys), COLUMNS, manager.views.MESSAGE.keys, "Message"
    )


@command("message-show")
def message_show(
    env: Env, reference: Annotated[str, typer.Argument(metavar="MESSAGE", help="Message, by id.")]
) -> Show:
    """Show a message: object, backend, reason, and what to do."""
    return Show(manager.reads.message(env, reference))


@command("message-delete", changes=True)
def message_delete(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="MESSAGE...", help="Messages, by id.")]
) -> Several:
    """Delete messages."""
    return Several(references, lambda one: manager.messages.delete_message(env, one), "deleted")
