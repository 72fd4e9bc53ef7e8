"""Exports as they shall be, derived from the attachments: one owner of that knowledge."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused
from cgctl.manager.environment import Environment
from cgctl.manager.objects import volume_object
from cgctl.model.tables import Attachment, Volume
from drivers import contract
from drivers.command import Secret
from drivers.contract import Access, Backend, Connection, Context, Exported, ExportServer


def export_of(backend: Backend, subject: str) -> ExportServer:
    """A backend's export server. Raises Refused where none is configured."""
    if backend.export is None:
        hint = f"add `export:` below `backends.{backend.id}:` of the configuration"
        raise Refused(subject, f"backend {backend.id} has no export", hint)
    return backend.export


def connection_of(backend: Backend, export: ExportServer, volume_id: str) -> Connection:
    """Where clients find a volume of this backend (pure)."""
    return export.connection(volume_id, backend.driver.source_form)


def exported(backend: Backend, volume: Volume, attachments: Sequence[Attachment]) -> Exported:
    """A volume with everyone who has access."""
    return exported_at(backend, volume_object(volume), attachments)


def exported_at(backend: Backend, volume: contract.Volume, attachments: Sequence[Attachment]) -> Exported:
    """The same of a volume at a place where it is not yet, or no longer."""
    accesses = tuple(_access(one) for one in attachments if one.volume_id == volume.id)
    return Exported(volume.id, backend.driver.volume_source(volume), volume.size_bytes, accesses)


def _access(attachment: Attachment) -> Access:
    secret = Secret(attachment.secret) if attachment.secret else None
    return Access(attachment.id, attachment.initiator, attachment.ip, attachment.username, secret)


def apply_exports(env: Environment, context: Context, volume: Volume, attachments: Sequence[Attachment]) -> None:
    """Make the server offer a volume to exactly these attachments; to nobody, where there are none."""
    backend = env.backends.get(volume.host or "")
    export = export_of(backend, f"volume {volume.id}")
    if attachments:
        export.ensure_exports(context, [exported(backend, volume, attachments)])
    else:
        export.remove_exports(context, [volume.id])
