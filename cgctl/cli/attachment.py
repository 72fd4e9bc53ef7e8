"""`attachment-*`: access of one initiator to one volume."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import Filters, pairs
from cgctl.cli.result import Column, Listing, Several, Show
from cgctl.errors import UsageError

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Ignored = Annotated[str | None, typer.Option(hidden=True)]
"""A word of Cinder's about the client's connector, which no export server here asks for."""
SECRET_VARIABLE = "CGCTL_CHAP_SECRET"
COLUMNS = (
    Column("ID", "id"),
    Column("Volume ID", "volume_id"),
    Column("Status", "status"),
    Column("Server ID", "server_id"),
    Column("Initiator", "initiator"),
    Column("IP", "ip"),
)


@command("attachment-create", changes=True)
def attachment_create(
    env: Env,
    volume: Annotated[str, typer.Argument(help="Volume, by name or id.")],
    server_id: Annotated[str | None, typer.Argument(help="The client's name, for people.")] = None,
    initiator: Annotated[str | None, typer.Option("--initiator", metavar="IQN", help="The iSCSI initiator.")] = None,
    ip: Annotated[str | None, typer.Option("--ip", metavar="ADDRESS", help="The NFS client's address.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="The client's name, for people.")] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="rw", help="Access is always for reading and writing.")
    ] = None,
    connect: Ignored = None,  # noqa: ARG001
    platform: Ignored = "x86_64",  # noqa: ARG001
    ostype: Ignored = "linux2",  # noqa: ARG001
    multipath: Ignored = None,  # noqa: ARG001
    mountpoint: Ignored = None,  # noqa: ARG001
) -> Show:
    """Offer a volume to one initiator.

    Prints portal, IQN, LUN and the CHAP secret, which is shown this once. The secret is made up, or
    taken from the environment variable CGCTL_CHAP_SECRET (12 to 16 letters and digits).
    """
    if mode not in {None, "rw", "null"}:
        raise UsageError(f"mode '{mode}'", "is not offered: access is for reading and writing", "--mode rw, or none")
    client = manager.attachments.Client(initiator, ip, host or server_id, os.environ.get(SECRET_VARIABLE))
    row = manager.attachments.attach(env, volume, client)
    view = manager.reads.attachment(env, row.id) | {"secret": row.secret}
    return Show({key: value for key, value in view.items() if value is not None})


@command("attachment-complete")
def attachment_complete(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="ATTACHMENT...", help="Attachments, by id.")]
) -> Several:
    """Say that clients are connected; nothing is left to do, an attachment is complete when it is made."""
    return Several(references, lambda one: manager.attachments.check_complete(env, one), "complete")


@command("attachment-delete", changes=True)
def attachment_delete(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="ATTACHMENT...", help="Attachments, by id.")]
) -> Several:
    """Take access away; its sessions are ended."""
    return Several(references, lambda one: manager.attachments.detach(env, one), "deleted")


@command("attachment-list")
def attachment_list(
    env: Env,
    volume_id: Annotated[str | None, typer.Option("--volume-id", help="Only of this volume, by name or id.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only with this status.")] = None,
    filters: Filters = None,
) -> Listing:
    """List the attachments, without secrets."""
    wanted = {"volume_id": volume_id, "status": status, **pairs(filters)}
    return Listing(
        lambda keys: manager.reads.attachments(env, wanted, keys), COLUMNS, manager.views.ATTACHMENT.keys, "Attachment"
    )


@command("attachment-show")
def attachment_show(
    env: Env, reference: Annotated[str, typer.Argument(metavar="ATTACHMENT", help="Attachment, by id.")]
) -> Show:
    """Show an attachment, without its secret."""
    return Show(manager.reads.attachment(env, reference))
