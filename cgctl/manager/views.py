"""Rows as the objects that JSON shows (cli.md, Output): a list and a show give the same keys.

Bulk: a listing costs a constant number of statements, whatever its length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, select

from cgctl.model.names import size_gib
from cgctl.model.tables import (
    Attachment,
    Event,
    Group,
    GroupSnapshot,
    GroupType,
    GroupVolumeType,
    Snapshot,
    Volume,
    VolumeType,
)

View = dict[str, object]
_ALL = 500
"""Above so many rows a listing asks for everything instead of naming each id."""


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return grouped


def group_views(session: Session, rows: Sequence[Group]) -> list[View]:
    """Groups with their types and members."""
    few = [row.id for row in rows] if len(rows) <= _ALL else None
    members = select(Volume.group_id, Volume.id).where(col(Volume.group_id).is_not(None))
    members = members.order_by(col(Volume.created_at), col(Volume.id))
    types = select(GroupVolumeType.group_id, GroupVolumeType.volume_type_id)
    if few is not None:
        members = members.where(col(Volume.group_id).in_(few))
        types = types.where(col(GroupVolumeType.group_id).in_(few))
    volumes = _grouped((str(group), volume) for group, volume in session.exec(members))
    volume_types = _grouped(session.exec(types).all())
    names = dict(session.exec(select(GroupType.id, GroupType.name)).all())
    return [_group_view(row, names[row.group_type_id], volume_types[row.id], volumes[row.id]) for row in rows]


def _group_view(row: Group, type_name: str, volume_types: list[str], volumes: list[str]) -> View:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "availability_zone": row.availability_zone,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "group_type": row.group_type_id,
        "group_type_name": type_name,
        "volume_types": volume_types,
        "group_snapshot_id": row.group_snapshot_id,
        "source_group_id": row.source_group_id,
        "replication_status": row.replication_status,
        "host": row.host,
        "volumes": volumes,
        "metadata": row.properties,
        "consistent_group_snapshot_enabled": True,  # every group's: by a hold, by atomicity, or by quiescing
    }


def volume_views(session: Session, rows: Sequence[Volume]) -> list[View]:
    """Volumes with their attachments."""
    wanted = select(Attachment).order_by(col(Attachment.created_at))
    if len(rows) <= _ALL:
        wanted = wanted.where(col(Attachment.volume_id).in_([row.id for row in rows]))
    attachments: dict[str, list[Attachment]] = defaultdict(list)
    for attachment in session.exec(wanted):
        attachments[attachment.volume_id].append(attachment)
    names: dict[str | None, str] = dict(session.exec(select(VolumeType.id, VolumeType.name)).all())
    return [_volume_view(row, names.get(row.volume_type_id), attachments.get(row.id, [])) for row in rows]


def _volume_view(row: Volume, type_name: str | None, attachments: Sequence[Attachment]) -> View:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "size": size_gib(row.size_bytes),
        "volume_type": type_name,
        "volume_type_id": row.volume_type_id,
        "group_id": row.group_id,
        "consistencygroup_id": row.group_id,
        "snapshot_id": row.snapshot_id,
        "source_volid": row.source_volid,
        "replication_status": row.replication_status,
        "host": row.host,
        "availability_zone": row.availability_zone,
        "attachments": [attachment_view(one) for one in attachments],
        "metadata": row.properties,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "export": attachments[0].connection if attachments else None,
    }


def attachment_view(row: Attachment, *, with_secret: bool = False) -> View:
    """An attachment; its secret only where it is shown the one time."""
    view: View = {
        "id": row.id,
        "volume_id": row.volume_id,
        "status": row.status,
        "initiator": row.initiator,
        "ip": row.ip,
        "host": row.client,
        "username": row.username,
        **{key: row.connection.get(key) for key in ("protocol", "portal", "iqn", "lun", "serial", "path", "file")},
        "created_at": row.created_at,
    }
    return {**view, "secret": row.secret} if with_secret else view


def snapshot_view(row: Snapshot) -> View:
    """A snapshot of one volume."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "volume_id": row.volume_id,
        "size": size_gib(row.size_bytes),
        "group_snapshot_id": row.group_snapshot_id,
        "metadata": row.properties,
        "created_at": row.created_at,
    }


def group_snapshot_views(session: Session, rows: Sequence[GroupSnapshot]) -> list[View]:
    """Group snapshots with their members' snapshots and the receipt of the hold."""
    wanted = select(Snapshot.group_snapshot_id, Snapshot.id).where(col(Snapshot.group_snapshot_id).is_not(None))
    if len(rows) <= _ALL:
        wanted = wanted.where(col(Snapshot.group_snapshot_id).in_([row.id for row in rows]))
    snapshots = _grouped((str(whole), member) for whole, member in session.exec(wanted))
    return [
        {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "status": row.status,
            "group_id": row.group_id,
            "consistencygroup_id": row.group_id,
            "group_type_id": row.group_type_id,
            "created_at": row.created_at,
            "host": row.host,
            "snapshots": snapshots[row.id],
            "hold": row.hold,
        }
        for row in rows
    ]


def volume_type_view(row: VolumeType) -> View:
    """A volume type, with Cinder's keys."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "is_public": row.is_public,
        "os-volume-type-access:is_public": row.is_public,
        "qos_specs_id": None,
        "extra_specs": row.extra_specs,
    }


def group_type_view(row: GroupType) -> View:
    """A group type."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "is_public": row.is_public,
        "group_specs": row.group_specs,
    }


def event_view(row: Event) -> View:
    """One line of the history."""
    return {
        "id": row.id,
        "at": row.at,
        "level": row.level,
        "subject": f"{row.subject_kind} {row.subject_name or row.subject_id}",
        "subject_id": row.subject_id,
        "operation_id": row.operation_id,
        "kind": row.kind,
        "message": row.message,
    }
