"""Attachments: one initiator's access to one volume."""

from __future__ import annotations

import secrets
import string
from contextlib import suppress
from dataclasses import asdict, dataclass

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, Refused, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.exports import apply_exports, connection_of, export_of
from cgctl.manager.fenced import refuse_where_fenced
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.offering import offer_key
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.model.clients import checked_address, checked_initiator, checked_secret
from cgctl.model.states import AttachmentStatus, VolumeStatus
from cgctl.model.tables import Attachment, Volume
from cgctl.store.queries import attachments_of, find, find_attachment, fresh, get
from drivers.contract import Connection, Context, ExportServer

SECRET_LENGTH = 16
"""CHAP secrets of 12 to 16 characters work with every initiator."""

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Client:
    """Who wants access: an iSCSI initiator's IQN, or an NFS client's address; name is for people."""

    initiator: str | None = None
    ip: str | None = None
    name: str | None = None
    secret: str | None = None


@dataclass(frozen=True)
class Access:
    """The subject of attach and detach: one attachment, its volume, and the volume's other attachments.

    before: the volume's status, was: the attachment's, as they were.
    """

    attachment: Attachment
    volume: Volume
    others: list[Attachment]
    before: str
    was: str = AttachmentStatus.ATTACHED


@dataclass(frozen=True)
class Attach:
    """The operation `attachment-create`."""

    env: Environment
    reference: str
    client: Client
    kind: str = "attachment-create"

    def intend(self, intent: Intent) -> Access:
        volume = find(intent.session, Volume, self.reference)
        intent.lock(lock_key(volume), offer_key(volume.id))
        others = attachments_of(intent.session, [volume.id])
        backend = self.env.backends.get(volume.host or "")
        export = export_of(backend, f"volume {shown(volume)}")
        _check(volume, others, export, self.client)
        connection = connection_of(backend, export, volume.id)
        row = _row(volume, connection, self.client)
        access = Access(row, volume, others, volume.status)
        intent.add(row)
        intent.about("volume", volume.id, volume.name)
        intent.settled_by("detach", id=row.id)
        intent.will(
            f"{self.env.backends.server(volume.host or '')}: export volume {shown(volume)} by {export.protocol}"
        )
        volume.status = VolumeStatus.ATTACHING if not others else volume.status
        return access

    def work(self, context: Context, subject: Access) -> None:
        refuse_where_fenced(self.env, subject.volume)
        apply_exports(self.env, context, subject.volume, [*subject.others, subject.attachment])

    def finish(self, session: Session, subject: Access, outcome: None) -> CgctlError | None:  # noqa: ARG002
        fresh(session, subject.attachment).status = AttachmentStatus.ATTACHED
        fresh(session, subject.volume).status = VolumeStatus.IN_USE
        subject.attachment.status = AttachmentStatus.ATTACHED
        return None

    def refuse(self, session: Session, subject: Access) -> None:
        forget(session, subject)

    def fail(self, session: Session, subject: Access) -> None:
        fresh(session, subject.attachment).status = AttachmentStatus.ERROR_ATTACHING
        fresh(session, subject.volume).status = VolumeStatus.IN_USE


@dataclass(frozen=True)
class Detach:
    """The operation `attachment-delete`."""

    env: Environment
    reference: str
    kind: str = "attachment-delete"

    def intend(self, intent: Intent) -> Access:
        row = find_attachment(intent.session, self.reference)
        volume = get(intent.session, Volume, row.volume_id)
        intent.lock(lock_key(volume), offer_key(volume.id))
        access = access_of(intent.session, row, volume)
        intent.about("volume", volume.id, volume.name)
        intent.settled_by("detach", id=row.id)
        intent.will(f"{self.env.backends.server(volume.host or '')}: end attachment {row.id} of volume {shown(volume)}")
        row.status = AttachmentStatus.DETACHING
        return access

    def work(self, context: Context, subject: Access) -> None:
        apply_exports(self.env, context, subject.volume, subject.others)

    def finish(self, session: Session, subject: Access, outcome: None) -> CgctlError | None:  # noqa: ARG002
        forget(session, subject)
        return None

    def refuse(self, session: Session, subject: Access) -> None:
        fresh(session, subject.attachment).status = subject.was

    def fail(self, session: Session, subject: Access) -> None:
        fresh(session, subject.attachment).status = AttachmentStatus.ERROR_DETACHING


def attach(env: Environment, volume: str, client: Client) -> Attachment:
    """Offer a volume to one initiator. The returned row holds the secret: the one time that it is shown."""
    return perform(env, Attach(env, volume, client)).attachment


def detach(env: Environment, reference: str) -> None:
    """Take one initiator's access away; its sessions are ended."""
    with suppress(GoneMeanwhile):
        perform(env, Detach(env, reference))


def check_complete(env: Environment, reference: str) -> None:
    """Raise Refused for an attachment that the server did not make."""
    with env.store.read() as session:
        row = find_attachment(session, reference)
        if row.status != AttachmentStatus.ATTACHED:
            hint = f"cgctl attachment-delete {row.id}, then attach it again"
            raise Refused(f"attachment {row.id}", f"is {row.status}, not attached", hint)


def access_of(session: Session, row: Attachment, volume: Volume) -> Access:
    """An attachment with what surrounds it."""
    others = [one for one in attachments_of(session, [volume.id]) if one.id != row.id]
    return Access(row, volume, others, volume.status, row.status)


def forget(session: Session, access: Access) -> None:
    """Drop the attachment's row; the volume is available again when it was the last."""
    session.exec(delete(Attachment).where(col(Attachment.id) == access.attachment.id))
    volume = fresh(session, access.volume)
    volume.status = VolumeStatus.IN_USE if access.others else VolumeStatus.AVAILABLE


def _check(volume: Volume, others: list[Attachment], export: ExportServer, client: Client) -> None:
    word = f"volume {shown(volume)}"
    if volume.status not in {"available", "in-use"}:
        raise Refused(word, f"is {volume.status}, not available or in-use", f"cgctl history {volume.id}")
    if export.protocol == "iscsi" and not client.initiator:
        raise UsageError(
            word,
            "is offered by iscsi, which needs the initiator's IQN",
            "--initiator IQN (see /etc/iscsi/initiatorname.iscsi)",
        )
    if export.protocol == "nfs" and not client.ip:
        raise UsageError(word, "is offered by nfs, which needs the client's address", "--ip ADDRESS")
    wanted = _checked_client(export, client)
    for other in others:
        if wanted == (other.initiator if export.protocol == "iscsi" else other.ip):
            raise Refused(word, f"{wanted} has access already", f"cgctl attachment-show {other.id}")


def _checked_client(export: ExportServer, client: Client) -> str:
    if export.protocol == "nfs":
        return checked_address(client.ip or "")
    if client.secret:
        checked_secret(client.secret)
    return checked_initiator(client.initiator or "")


def _row(volume: Volume, connection: Connection, client: Client) -> Attachment:
    row = Attachment(volume_id=volume.id, status=AttachmentStatus.ATTACHING, client=client.name)
    if connection.protocol == "iscsi":
        row.initiator = client.initiator
        row.username = f"cgctl-{row.id[:8]}{row.id[9:13]}"
        row.secret = client.secret or "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    else:
        row.ip = checked_address(client.ip or "")
    row.connection = {key: value for key, value in asdict(connection).items() if value is not None}
    return row
