"""Reading the state: lists and shows. No server is asked, nothing is written.

A list takes the keys that will be printed (None: all of them), so that it reads no more than those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, or_, select

from cgctl.errors import NotFound
from cgctl.manager import views
from cgctl.manager.activities.used import warn_left_alone
from cgctl.manager.cg_type import group_of
from cgctl.manager.environment import Environment
from cgctl.manager.filters import Filters, conditions, entries, having
from cgctl.manager.views import Keys, View
from cgctl.model.names import CG_TYPE, looks_like_prefix
from cgctl.model.tables import (
    Attachment,
    Event,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    Snapshot,
    Volume,
    VolumeType,
)
from cgctl.store.journal import left_behind
from cgctl.store.queries import find, find_attachment, find_nameless


def _warn_left_behind(env: Environment, session: Session) -> None:
    for operation in left_behind(session):
        name = operation.subject_name or operation.subject_id
        env.warn(
            f"{operation.subject_kind} {name}: `{operation.command_line}` was interrupted and is not settled; "
            "the next command on it settles it, or: cgctl recover"
        )


def _having(
    session: Session,
    kind: type,
    load: Callable[[Session, Sequence[Any], Keys], list[View]],
    filters: Filters,
    keys: Keys,
    metadata: Mapping[str, str] | None = None,
) -> list[View]:
    """The rows of a kind that pass the filters, its dictionary's entries among them."""
    where = conditions(session, kind, filters)
    return having(kind, entries(kind, filters, metadata), lambda need: load(session, where, need), keys)


def groups(env: Environment, filters: Filters, keys: Keys = None, *, consistency_groups: bool = False) -> list[View]:
    """All groups that pass the filters, oldest first; or the consistency groups alone."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        where = conditions(session, Group, filters)
        if consistency_groups:
            its_type = select(GroupType.id).where(GroupType.name == CG_TYPE)
            where.append(col(Group.group_type_id).in_(its_type))
        return having(Group, entries(Group, filters), lambda need: views.group_views(session, where, need), keys)


def group(env: Environment, reference: str, *, consistency_group: bool = False) -> View:
    """One group."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        row = group_of(session, reference, consistency_group=consistency_group)
        warn_left_alone(env, session, row.id)
        return views.group_views(session, [col(Group.id) == row.id])[0]


def volumes(
    env: Environment, filters: Filters, metadata: Mapping[str, str] | None = None, keys: Keys = None
) -> list[View]:
    """All volumes that pass the filters, oldest first."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        return _having(session, Volume, views.volume_views, filters, keys, metadata)


def volume(env: Environment, reference: str) -> View:
    """One volume."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        row = find(session, Volume, reference)
        warn_left_alone(env, session, row.id)
        return views.volume_views(session, [col(Volume.id) == row.id])[0]


def summary(env: Environment) -> View:
    """Number and size (GiB) of all volumes, and every metadata key with its values."""
    with env.store.read() as session:
        found = views.volume_views(session, (), {"size", "metadata"})
    metadata: dict[str, set[str]] = {}
    for one in found:
        for key, value in dict(one["metadata"]).items():  # type: ignore[call-overload]
            metadata.setdefault(key, set()).add(value)
    total = round(sum(float(str(one["size"])) for one in found), 6)
    return {
        "total_count": len(found),
        "total_size": int(total) if total == int(total) else total,
        "metadata": {key: sorted(values) for key, values in sorted(metadata.items())},
    }


def snapshots(
    env: Environment, filters: Filters, metadata: Mapping[str, str] | None = None, keys: Keys = None
) -> list[View]:
    """All snapshots that pass the filters, members of group snapshots among them."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        return _having(session, Snapshot, views.snapshot_views, filters, keys, metadata)


def snapshot(env: Environment, reference: str) -> View:
    """One snapshot."""
    with env.store.read() as session:
        row = find(session, Snapshot, reference)
        warn_left_alone(env, session, row.id)
        return views.snapshot_views(session, [col(Snapshot.id) == row.id])[0]


def group_snapshots(env: Environment, filters: Filters, keys: Keys = None) -> list[View]:
    """All group snapshots that pass the filters, oldest first."""
    with env.store.read() as session:
        _warn_left_behind(env, session)
        return views.group_snapshot_views(session, conditions(session, GroupSnapshot, filters), keys)


def group_snapshot(env: Environment, reference: str) -> View:
    """One group snapshot, with its receipt."""
    with env.store.read() as session:
        row = find(session, GroupSnapshot, reference)
        warn_left_alone(env, session, row.id)
        return views.group_snapshot_views(session, [col(GroupSnapshot.id) == row.id])[0]


def attachments(env: Environment, filters: Filters, keys: Keys = None) -> list[View]:
    """All attachments that pass the filters, without secrets."""
    with env.store.read() as session:
        return views.attachment_views(session, conditions(session, Attachment, filters), keys)


def attachment(env: Environment, reference: str) -> View:
    """One attachment, without its secret."""
    with env.store.read() as session:
        row = find_attachment(session, reference)
        return views.attachment_views(session, [col(Attachment.id) == row.id])[0]


def volume_types(env: Environment, filters: Filters, keys: Keys = None) -> list[View]:
    """All volume types that pass the filters, by name."""
    with env.store.read() as session:
        return _having(session, VolumeType, views.volume_type_views, filters, keys)


def volume_type(env: Environment, reference: str) -> View:
    """One volume type."""
    with env.store.read() as session:
        return views.volume_type_views(session, [col(VolumeType.id) == find(session, VolumeType, reference).id])[0]


def group_types(env: Environment, filters: Filters, keys: Keys = None) -> list[View]:
    """All group types that pass the filters, by name."""
    with env.store.read() as session:
        return _having(session, GroupType, views.group_type_views, filters, keys)


def group_type(env: Environment, reference: str) -> View:
    """One group type."""
    with env.store.read() as session:
        return views.group_type_views(session, [col(GroupType.id) == find(session, GroupType, reference).id])[0]


def messages(env: Environment, filters: Filters, keys: Keys = None) -> list[View]:
    """All messages that pass the filters, oldest first."""
    with env.store.read() as session:
        return views.message_views(session, conditions(session, Message, filters), keys)


def message(env: Environment, reference: str) -> View:
    """One message, by its id."""
    with env.store.read() as session:
        row = find_nameless(session, Message, reference)
        return views.message_views(session, [col(Message.id) == row.id])[0]


def _require_any(session: Session, reference: str) -> None:
    """Raise NotFound where nothing has this name or id; what is there and has no history yet is no mistake."""
    for kind in (Group, Volume, Snapshot, GroupSnapshot, VolumeType, GroupType):
        matching = or_(col(kind.id) == reference, col(kind.name) == reference)
        if session.exec(select(kind.id).where(matching).limit(1)).first():
            return
    called = reference if reference.strip() else repr(reference)
    raise NotFound(f"object {called}", "is not there, and has no history", "see what happened to all: cgctl history")


def history(env: Environment, reference: str | None, limit: int) -> list[View]:
    """The newest events, oldest first; of one object where a reference is given, also of one that is gone."""
    statement = select(Event)
    if reference is not None:
        begins = col(Event.subject_id).startswith(reference, autoescape=True)
        by_id = begins if looks_like_prefix(reference) else col(Event.subject_id) == reference
        statement = statement.where(or_(by_id, col(Event.subject_name) == reference))
    with env.store.read() as session:
        _warn_left_behind(env, session)
        rows = session.exec(statement.order_by(col(Event.id).desc()).limit(limit)).all()
        if reference is not None and not rows:
            _require_any(session, reference)
        return [views.event_view(row) for row in reversed(rows)]
