"""Reading the state: lists and shows. No server is asked, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, or_, select

from cgctl.errors import UsageError
from cgctl.manager import views
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import group_of
from cgctl.manager.views import View
from cgctl.model.tables import (
    Attachment,
    Event,
    Group,
    GroupSnapshot,
    GroupType,
    Snapshot,
    Volume,
    VolumeType,
)
from cgctl.store.journal import left_behind
from cgctl.store.queries import find, find_attachment

Filters = Mapping[str, str | None]


def _filtered(statement: Any, kind: type, filters: Filters, allowed: Mapping[str, str]) -> Any:
    """WHERE for the filters that have a value; a key ending in `~` looks for a part of the text."""
    for key, value in filters.items():
        word = key.removesuffix("~")
        if word not in allowed:
            raise UsageError(f"filter {key}", "is unknown", f"known: {', '.join(sorted(allowed))}")
        column = getattr(kind, allowed[word])
        if value is not None:
            statement = statement.where(column.contains(value, autoescape=True) if key != word else column == value)
    return statement


def _warn_left_behind(env: Environment, session: Session) -> None:
    for operation in left_behind(session):
        name = operation.subject_name or operation.subject_id
        env.warn(
            f"{operation.subject_kind} {name}: `{operation.command_line}` was interrupted and is not settled; "
            "the next command on it settles it, or: cgctl recover"
        )


def groups(env: Environment, filters: Filters) -> list[View]:
    """All groups that pass the filters, oldest first."""
    allowed = {"name": "name", "status": "status", "host": "host", "availability_zone": "availability_zone"}
    with env.store.read() as session:
        _warn_left_behind(env, session)
        statement = _filtered(select(Group), Group, filters, allowed)
        return views.group_views(session, session.exec(statement.order_by(col(Group.created_at))).all())


def group(env: Environment, reference: str, *, consistency_group: bool = False) -> View:
    """One group."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        return views.group_views(session, [group_of(session, reference, consistency_group=consistency_group)])[0]


VOLUME_FILTERS = {
    "name": "name",
    "status": "status",
    "group_id": "group_id",
    "availability_zone": "availability_zone",
    "host": "host",
}


def volumes(env: Environment, filters: Filters, metadata: Mapping[str, str] | None = None) -> list[View]:
    """All volumes that pass the filters, oldest first."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        known = dict(filters)
        if known.get("group_id"):
            known["group_id"] = find(session, Group, str(known["group_id"])).id
        statement = _filtered(select(Volume), Volume, known, VOLUME_FILTERS).order_by(col(Volume.created_at))
        rows = [row for row in session.exec(statement) if (metadata or {}).items() <= row.properties.items()]
        return views.volume_views(session, rows)


def volume(env: Environment, reference: str) -> View:
    """One volume."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        return views.volume_views(session, [find(session, Volume, reference)])[0]


def snapshots(env: Environment, filters: Filters) -> list[View]:
    """All snapshots that pass the filters, members of group snapshots among them."""
    allowed = {"name": "name", "status": "status", "volume_id": "volume_id", "group_snapshot_id": "group_snapshot_id"}
    with env.store.read() as session:
        known = dict(filters)
        if known.get("volume_id"):
            known["volume_id"] = find(session, Volume, str(known["volume_id"])).id
        statement = _filtered(select(Snapshot), Snapshot, known, allowed).order_by(col(Snapshot.created_at))
        return [views.snapshot_view(row) for row in session.exec(statement)]


def snapshot(env: Environment, reference: str) -> View:
    """One snapshot."""
    with env.store.read() as session:
        return views.snapshot_view(find(session, Snapshot, reference))


def group_snapshots(env: Environment, filters: Filters) -> list[View]:
    """All group snapshots that pass the filters, oldest first."""
    allowed = {"name": "name", "status": "status", "group_id": "group_id"}
    with env.store.read() as session:
        _warn_left_behind(env, session)
        known = dict(filters)
        if known.get("group_id"):
            known["group_id"] = find(session, Group, str(known["group_id"])).id
        statement = _filtered(select(GroupSnapshot), GroupSnapshot, known, allowed)
        rows = session.exec(statement.order_by(col(GroupSnapshot.created_at))).all()
        return views.group_snapshot_views(session, rows)


def group_snapshot(env: Environment, reference: str) -> View:
    """One group snapshot, with its receipt."""
    with env.store.read() as session:
        return views.group_snapshot_views(session, [find(session, GroupSnapshot, reference)])[0]


def attachments(env: Environment, filters: Filters) -> list[View]:
    """All attachments that pass the filters, without secrets."""
    with env.store.read() as session:
        known = dict(filters)
        if known.get("volume_id"):
            known["volume_id"] = find(session, Volume, str(known["volume_id"])).id
        statement = _filtered(select(Attachment), Attachment, known, {"volume_id": "volume_id", "status": "status"})
        return [views.attachment_view(row) for row in session.exec(statement.order_by(col(Attachment.created_at)))]


def attachment(env: Environment, reference: str) -> View:
    """One attachment, without its secret."""
    with env.store.read() as session:
        return views.attachment_view(find_attachment(session, reference))


def volume_types(env: Environment, filters: Filters) -> list[View]:
    """All volume types that pass the filters, by name."""
    with env.store.read() as session:
        statement = _filtered(select(VolumeType), VolumeType, filters, {"name": "name"})
        return [views.volume_type_view(row) for row in session.exec(statement.order_by(col(VolumeType.name)))]


def volume_type(env: Environment, reference: str) -> View:
    """One volume type."""
    with env.store.read() as session:
        return views.volume_type_view(find(session, VolumeType, reference))


def group_types(env: Environment, filters: Filters) -> list[View]:
    """All group types that pass the filters, by name."""
    with env.store.read() as session:
        statement = _filtered(select(GroupType), GroupType, filters, {"name": "name"})
        return [views.group_type_view(row) for row in session.exec(statement.order_by(col(GroupType.name)))]


def group_type(env: Environment, reference: str) -> View:
    """One group type."""
    with env.store.read() as session:
        return views.group_type_view(find(session, GroupType, reference))


def history(env: Environment, reference: str | None, limit: int) -> list[View]:
    """The newest events, oldest first; of one object where a reference is given, also of one that is gone."""
    statement = select(Event)
    if reference:
        by_id = col(Event.subject_id) == reference
        begins = col(Event.subject_id).startswith(reference, autoescape=True)
        statement = statement.where(or_(by_id, col(Event.subject_name) == reference, begins))
    with env.store.read() as session:
        _warn_left_behind(env, session)
        rows = session.exec(statement.order_by(col(Event.id).desc()).limit(limit)).all()
        return [views.event_view(row) for row in reversed(rows)]
