"""`--filters key=value` as conditions: which rows of a kind a listing shows. Words are Cinder's (A.1).

A key that ends in `~` (`name~=db`) looks for a part of the text, whatever its case. Times may have an operator before
them: `created_at=gte:2026-11-01`. What is never true here (a bootable volume) is a filter all the same: nothing passes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, false, true

from cgctl.errors import NotFound, UsageError
from cgctl.manager.views import Keys, View
from cgctl.model.names import parse_size
from cgctl.model.tables import (
    Attachment,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    Snapshot,
    Volume,
    VolumeType,
)
from cgctl.store.queries import find

Filters = Mapping[str, str | None]
Condition = Callable[[Session, str, bool], Any]
"""(session, value, whether a part is enough) -> WHERE."""


def text(column: Any) -> Condition:
    """The column's text, or with `~` a part of it."""
    return lambda _, value, part: col(column).icontains(value, autoescape=True) if part else col(column) == value


def refers_to(column: Any, kind: Any) -> Condition:
    """Another object, by its name or id. Raises NotFound."""
    return lambda session, value, _: col(column) == find(session, kind, value).id


def outlived(column: Any, kind: Any) -> Condition:
    """Another object, by its name or id; or one that is gone, by its id."""

    def condition(session: Session, value: str, _part: bool) -> Any:
        try:
            return col(column) == find(session, kind, value).id
        except NotFound:
            return col(column) == value

    return condition


def size(column: Any) -> Condition:
    """A size as on the command line."""
    return lambda _, value, __: col(column) == parse_size(value)


def time(column: Any) -> Condition:
    """`2026-11-05`, `2026-11-05T10:00:00Z`, with `gt: gte: lt: lte: eq: neq:` before it or not."""
    return lambda _, value, __: _compared(column, value)


def always(constant: str) -> Condition:
    """What is the same for all."""
    return lambda _, value, __: true() if value.casefold() == constant else false()


def migration_status(session: Session, value: str, part: bool) -> Any:
    """Cinder's `none` is no status at all."""
    column = Volume.migration_status
    return col(column).is_(None) if value.casefold() == "none" else text(column)(session, value, part)


def truth(column: Any) -> Condition:
    """A boolean word."""
    return lambda _, value, __: col(column) == (value.casefold() in {"1", "t", "true", "on", "y", "yes"})


_TIMES = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


def _compared(column: Any, value: str) -> Any:
    word, separator, rest = value.partition(":")
    compare, written = (_TIMES[word], rest) if separator and word in _TIMES else (operator.eq, value)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(f"time '{value}'", "is not a time", "for example gte:2026-11-05T10:00:00Z") from None
    return compare(col(column), moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _kind_of(resource_type: str) -> str:
    """`GROUP_SNAPSHOT` as the table has it."""
    return resource_type.lower().removeprefix("volume_").replace("_", " ")


def table(kind: Any, texts: str, **others: Condition) -> dict[str, Condition]:
    """Columns whose texts can be asked for, and others: what one kind can be filtered by."""
    return {word: text(getattr(kind, word)) for word in texts.split()} | others


def _group_ids(column: Any) -> dict[str, Condition]:
    """A group, under both of its words."""
    return dict.fromkeys(("group_id", "consistencygroup_id"), refers_to(column, Group))


ALLOWED: dict[type, Mapping[str, Condition]] = {
    Group: table(Group, "id name status host availability_zone replication_status description")
    | {"group_type": refers_to(Group.group_type_id, GroupType)},
    Volume: table(
        Volume,
        "id name status host availability_zone replication_status description",
        **_group_ids(Volume.group_id),
        volume_type=refers_to(Volume.volume_type_id, VolumeType),
        size=size(Volume.size_bytes),
        created_at=time(Volume.created_at),
        updated_at=time(Volume.updated_at),
        bootable=always("false"),
        migration_status=migration_status,
        consumes_quota=always("true"),
    ),
    Snapshot: table(
        Snapshot,
        "id name status host description",
        volume_id=refers_to(Snapshot.volume_id, Volume),
        group_snapshot_id=refers_to(Snapshot.group_snapshot_id, GroupSnapshot),
        created_at=time(Snapshot.created_at),
        consumes_quota=always("true"),
    ),
    GroupSnapshot: table(GroupSnapshot, "id name status host description", **_group_ids(GroupSnapshot.group_id)),
    Attachment: table(Attachment, "id status initiator ip", volume_id=refers_to(Attachment.volume_id, Volume))
    | {"host": text(Attachment.client), "server_id": text(Attachment.client)},
    Message: {
        "id": text(Message.id),
        "event_id": text(Message.event),
        "message_level": text(Message.level),
        "request_id": text(Message.operation_id),
        "resource_uuid": text(Message.resource_id),
        "resource_name": text(Message.resource_name),
        "host": text(Message.host),
        "resource_type": lambda _, value, __: col(Message.resource_kind) == _kind_of(value),
        "created_at": time(Message.created_at),
    },
    VolumeType: table(VolumeType, "id name description", is_public=truth(VolumeType.is_public)),
    GroupType: table(GroupType, "id name description", is_public=truth(GroupType.is_public)),
}
"""What each kind can be filtered by."""


ENTRIES: dict[type, str] = {
    Group: "metadata",
    Volume: "metadata",
    Snapshot: "metadata",
    VolumeType: "extra_specs",
    GroupType: "group_specs",
}
"""The dictionary of each kind, by its key; filtered by one entry, `metadata=key:value`, by `having` and not in SQL:
databases differ in what they take for a path, and keys are people's."""


def allow(kind: type, allowed: Mapping[str, Condition], dictionary: str) -> None:
    """What a table can be filtered by that not every list has to load (G5); said where its lists are."""
    ALLOWED[kind], ENTRIES[kind] = allowed, dictionary


def conditions(session: Session, kind: type, filters: Filters) -> list[Any]:
    """WHERE for the filters that have a value. Raises UsageError for an unknown one, NotFound for an unknown object."""
    found = []
    for key, value in filters.items():
        word = key.removesuffix("~")
        if word == ENTRIES.get(kind):
            continue
        if word not in ALLOWED[kind]:
            known = sorted({*ALLOWED[kind], *filter(None, [ENTRIES.get(kind)])})
            raise UsageError(f"filter {key}", "is unknown", f"known: {', '.join(known)}")
        if value is not None:
            found.append(ALLOWED[kind][word](session, value, word != key))
    return found


def entries(kind: type, filters: Filters, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a kind's dictionary has to hold: as the filters say, `{'key': 'value'}` or `key:value`, and more."""
    written = filters.get(ENTRIES.get(kind, ""))
    if not written:
        return dict(more or {})
    key, _, value = written.strip("{}").partition(":")
    return {key.strip(" '\""): value.strip(" '\""), **(more or {})}


def having(kind: type, wanted: Mapping[str, str], load: Callable[[Keys], list[View]], keys: Keys) -> list[View]:
    """The loaded objects whose dictionary holds all that is wanted."""
    if not wanted:
        return load(keys)
    word = ENTRIES[kind]
    found = load(None if keys is None else {*keys, word})
    return [one for one in found if wanted.items() <= dict(one[word]).items()]  # type: ignore[call-overload]
