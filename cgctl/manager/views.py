"""Rows as the objects that JSON shows (cli.md, Output): a list and a show give the same keys.

Bulk and lean: a listing costs a constant number of statements, reads only the columns that are asked for, and makes no
object per row but its dictionary (10,000 volumes as SQLModel objects took 170 ms more than the whole start-up).
Keys that Cinder has and that never differ here (one tenant, no quotas, no images) are constants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from cgctl.model.names import size_gib
from cgctl.model.tables import (
    Attachment,
    Event,
    Group,
    GroupSnapshot,
    GroupType,
    GroupVolumeType,
    Message,
    Snapshot,
    Volume,
    VolumeType,
)

View = dict[str, object]
Keys = Collection[str] | None
"""The keys that are wanted; None: all of them."""
_ALL = 500
"""Above so many rows a listing asks for everything instead of naming each id."""


_INTERNAL = frozenset({"connection", "resource_kind"})
"""Columns that something else is derived from, and that are not shown."""


@dataclass(frozen=True)
class Shape:
    """The objects of one kind. columns: key -> column; constants: the same for all; derived: from other rows, too."""

    columns: Mapping[str, Any]
    constants: Mapping[str, object] = field(default_factory=dict)
    derived: Collection[str] = ()
    by: Any = None

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, in the order of a JSON object."""
        return tuple(key for key in (*self.columns, *self.derived, *self.constants) if key not in _INTERNAL)

    def rows(self, session: Session, where: Sequence[Any], keys: Keys, needs: Mapping[str, str]) -> list[View]:
        """Objects with what columns and constants say. needs: derived key -> the column that it is made from."""
        wanted = {"id", *((*self.columns, *self.derived, *self.constants) if keys is None else keys)}
        wanted |= {needs[key] for key in wanted & needs.keys()}
        names = [key for key in self.columns if key in wanted]
        fixed = {key: value for key, value in self.constants.items() if key in wanted}
        statement = select(*(self.columns[key] for key in names)).where(*where).order_by(self.by, self.columns["id"])
        found = session.execute(statement)
        if fixed:
            return [dict(zip(names, row, strict=True)) | fixed for row in found]
        return [dict(zip(names, row, strict=True)) for row in found]


def _column(kind: type, keys: str, **others: str) -> dict[str, Any]:
    """Columns whose key is their name, and others: key -> name."""
    return {key: getattr(kind, name) for key, name in {**{key: key for key in keys.split()}, **others}.items()}


GROUP = Shape(
    {
        **_column(Group, "id name description status availability_zone created_at updated_at"),
        **_column(Group, "", group_type="group_type_id"),
        **_column(Group, "group_snapshot_id source_group_id replication_status host"),
        **_column(Group, "", metadata="properties", cgsnapshot_id="group_snapshot_id", source_cgid="source_group_id"),
    },
    {"consistent_group_snapshot_enabled": True, "project_id": None},  # every group's: by a hold, or by quiescing
    ("group_type_name", "volume_types", "volumes"),
    Group.created_at,
)
VOLUME = Shape(
    {
        **_column(Volume, "id name description status", size="size_bytes"),
        **_column(Volume, "volume_type_id group_id", consistencygroup_id="group_id"),
        **_column(Volume, "snapshot_id source_volid replication_status migration_status host availability_zone"),
        **_column(Volume, "created_at updated_at", metadata="properties"),
        "os-vol-host-attr:host": Volume.host,
    },
    {
        "bootable": "false",
        "consumes_quota": True,
        "encrypted": False,
        "multiattach": True,
        "provider_id": None,
        "service_uuid": None,
        "shared_targets": False,
        "user_id": None,
    },
    ("volume_type", "attachments", "attachment_ids", "attached_servers", "attached_to", "export"),
    Volume.created_at,
)
SNAPSHOT = Shape(
    {
        **_column(Snapshot, "id name description status volume_id", size="size_bytes"),
        **_column(Snapshot, "group_snapshot_id created_at", metadata="properties"),
    },
    {
        "updated_at": None,
        "consumes_quota": True,
        "user_id": None,
        "os-extended-snapshot-attributes:project_id": None,
    },
    ("os-extended-snapshot-attributes:progress",),
    Snapshot.created_at,
)
GROUP_SNAPSHOT = Shape(
    {
        **_column(GroupSnapshot, "id name description status group_id", consistencygroup_id="group_id"),
        **_column(GroupSnapshot, "group_type_id created_at host hold"),
    },
    {"project_id": None},
    ("snapshots",),
    GroupSnapshot.created_at,
)
ATTACHMENT = Shape(
    {
        **_column(Attachment, "id volume_id status initiator ip", host="client", server_id="client"),
        **_column(Attachment, "username created_at connection"),
    },
    {},
    ("protocol", "portal", "iqn", "lun", "serial", "path", "file"),
    Attachment.created_at,
)
VOLUME_TYPE = Shape(
    {
        **_column(VolumeType, "id name description is_public"),
        "os-volume-type-access:is_public": VolumeType.is_public,
        **_column(VolumeType, "extra_specs"),
    },
    {"qos_specs_id": None},
    by=VolumeType.name,
)
MESSAGE = Shape(
    {
        **_column(Message, "id", event_id="event", message_level="level", request_id="operation_id"),
        **_column(Message, "resource_kind resource_name", resource_uuid="resource_id"),
        **_column(Message, "host reason hint created_at", guaranteed_until="expires_at"),
    },
    derived=("resource_type", "user_message"),
    by=Message.created_at,
)
GROUP_TYPE = Shape(_column(GroupType, "id name description is_public group_specs"), by=GroupType.name)


def _wants(keys: Keys, *names: str) -> bool:
    return keys is None or any(name in keys for name in names)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return grouped


def _of(column: Any, views: Sequence[View]) -> list[Any]:
    """The condition that picks what belongs to these objects; none where they are many."""
    return [col(column).in_([view["id"] for view in views])] if len(views) <= _ALL else [col(column).is_not(None)]


def group_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Groups with their types and members, oldest first."""
    views = GROUP.rows(session, where, keys, {"group_type_name": "group_type"})
    if _wants(keys, "group_type_name"):
        names = dict(session.exec(select(GroupType.id, GroupType.name)).all())
        for view in views:
            view["group_type_name"] = names[str(view["group_type"])]
    if _wants(keys, "volume_types"):
        types = select(GroupVolumeType.group_id, GroupVolumeType.volume_type_id)
        _join(views, "volume_types", session.exec(types.where(*_of(GroupVolumeType.group_id, views))))
    if _wants(keys, "volumes"):
        members = select(Volume.group_id, Volume.id).order_by(col(Volume.created_at), col(Volume.id))
        _join(views, "volumes", session.exec(members.where(*_of(Volume.group_id, views))))
    return views


def _join(views: Iterable[View], key: str, pairs: Iterable[Any]) -> None:
    grouped = _grouped((owner, one) for owner, one in pairs)
    for view in views:
        view[key] = grouped.get(str(view["id"]), [])


def volume_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Volumes with their attachments, oldest first."""
    views = VOLUME.rows(session, where, keys, {"volume_type": "volume_type_id"})
    if _wants(keys, "size"):
        _sizes(views)
    if _wants(keys, "volume_type"):
        names: dict[object, str] = dict(session.exec(select(VolumeType.id, VolumeType.name)).all())
        for view in views:
            view["volume_type"] = names.get(view["volume_type_id"])
    if _wants(keys, *VOLUME.derived[1:]):  # type: ignore[index]
        _attach(views, attachment_views(session, _of(Attachment.volume_id, views)))
    return views


def _attach(views: Iterable[View], attachments: Iterable[View]) -> None:
    grouped: dict[object, list[View]] = defaultdict(list)
    for attachment in attachments:
        grouped[attachment["volume_id"]].append(attachment)
    none = _attached([])
    for view in views:
        mine = grouped.get(view["id"])
        view.update(_attached(mine) if mine else none)


def _attached(mine: list[View]) -> View:
    """What a volume's attachments are in its view."""
    return {
        "attachments": mine,
        "attachment_ids": [one["id"] for one in mine],
        "attached_servers": [one["host"] for one in mine],
        "attached_to": ",".join(str(one["initiator"] or one["ip"]) for one in mine) or None,
        "export": {k: mine[0][k] for k in ATTACHMENT.derived if mine[0][k] is not None} if mine else None,
    }


def _sizes(views: Iterable[View]) -> None:
    """Bytes to GiB, each different size calculated once."""
    known: dict[object, float] = {}
    for view in views:
        size = view["size"]
        if size not in known:
            known[size] = size_gib(size)  # type: ignore[arg-type]
        view["size"] = known[size]


def snapshot_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Snapshots of single volumes, oldest first."""
    progress = "os-extended-snapshot-attributes:progress"
    views = SNAPSHOT.rows(session, where, keys, {progress: "status"})
    if _wants(keys, "size"):
        _sizes(views)
    if _wants(keys, progress):
        for view in views:
            view[progress] = "0%" if view["status"] == "creating" else "100%"
    return views


def group_snapshot_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Group snapshots with their members' snapshots and the receipt of the hold, oldest first."""
    views = GROUP_SNAPSHOT.rows(session, where, keys, {})
    if _wants(keys, "snapshots"):
        members = select(Snapshot.group_snapshot_id, Snapshot.id).order_by(col(Snapshot.created_at), col(Snapshot.id))
        _join(views, "snapshots", session.exec(members.where(*_of(Snapshot.group_snapshot_id, views))))
    return views


def attachment_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Attachments, without their secrets, oldest first."""
    views = ATTACHMENT.rows(session, where, keys, dict.fromkeys(ATTACHMENT.derived, "connection"))
    for view in views:
        connection = view.pop("connection", None) or {}
        assert isinstance(connection, dict)
        view |= {key: connection.get(key) for key in ATTACHMENT.derived if _wants(keys, key)}
    return views


def message_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Messages, oldest first; user_message says all of it in a sentence, resource_type is Cinder's word."""
    needed = None if keys is None else {*keys, *MESSAGE.columns}
    views = MESSAGE.rows(session, where, needed, {})
    for view in views:
        kind = str(view.pop("resource_kind"))
        view["resource_type"] = {"snapshot": "VOLUME_SNAPSHOT"}.get(kind, kind.upper().replace(" ", "_"))
        view["user_message"] = f"{kind} {view['resource_name'] or view['resource_uuid']}: {view['reason']}"
    return views


def volume_type_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Volume types, by name."""
    return VOLUME_TYPE.rows(session, where, keys, {})


def group_type_views(session: Session, where: Sequence[Any] = (), keys: Keys = None) -> list[View]:
    """Group types, by name."""
    return GROUP_TYPE.rows(session, where, keys, {})


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
