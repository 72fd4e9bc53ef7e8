"""Finding rows by what people write: id, unique name, or the unique beginning of an id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import JSON, type_coerce
from sqlmodel import Session, col, or_, select, update

from cgctl.errors import NotFound
from cgctl.model.names import candidates_hint, looks_like_prefix
from cgctl.model.states import TRANSITIONAL
from cgctl.model.tables import (
    Attachment,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    Operation,
    Snapshot,
    Volume,
    VolumeType,
    utc_now,
)

if TYPE_CHECKING:  # their tables would cost each command 5 ms (G5)
    from cgctl.model.activities import Activity
    from cgctl.model.backups import Backup

Named = TypeVar("Named", Group, Volume, Snapshot, GroupSnapshot, GroupType, VolumeType, "Backup")
Nameless = TypeVar("Nameless", Attachment, Message, "Activity")
Row = TypeVar("Row", Group, Volume, Snapshot, GroupSnapshot, GroupType, VolumeType, Attachment, Operation, "Backup")

_WORDS = {
    "Group": ("group", "cgctl group-list"),
    "Volume": ("volume", "cgctl list"),
    "Snapshot": ("snapshot", "cgctl snapshot-list"),
    "GroupSnapshot": ("group snapshot", "cgctl group-snapshot-list"),
    "GroupType": ("group type", "cgctl group-type-list"),
    "VolumeType": ("volume type", "cgctl type-list"),
    "Attachment": ("attachment", "cgctl attachment-list"),
    "Operation": ("operation", "cgctl history"),
    "Backup": ("backup", "cgctl backup-list"),
    "Message": ("message", "cgctl message-list"),
    "Activity": ("activity", "cgctl activity-list"),
}


def words_of(kind: type) -> tuple[str, str]:
    """How messages call a table's rows, and the command that lists them."""
    return _WORDS[kind.__name__]


def subject(kind: type, reference: str) -> str:
    """`group db1`: how an error names an object."""
    return f"{words_of(kind)[0]} {reference if reference.strip() else repr(reference)}"


def find(session: Session, kind: type[Named], reference: str) -> Named:
    """The one row that a reference means. Raises NotFound: none, or several (the hint lists them)."""
    rows = session.exec(select(kind).where(or_(col(kind.id) == reference, col(kind.name) == reference)).limit(6)).all()
    by_id = [row for row in rows if row.id == reference]
    if not rows and looks_like_prefix(reference):
        rows = session.exec(select(kind).where(col(kind.id).startswith(reference, autoescape=True)).limit(6)).all()
    return _only(kind, reference, by_id or rows)


def find_attachment(session: Session, reference: str) -> Attachment:
    """Attachments have no name: an id, or its beginning."""
    return find_nameless(session, Attachment, reference)


def find_nameless(session: Session, kind: type[Nameless], reference: str) -> Nameless:
    """The one row whose id this is, or begins with. Raises NotFound."""
    matching = col(kind.id).startswith(reference, autoescape=True)
    wanted = matching if looks_like_prefix(reference) else col(kind.id) == reference
    rows = session.exec(select(kind).where(wanted).limit(6)).all()
    if len(rows) == 1:
        return rows[0]
    raise _not_one(kind, reference, [(row.id, None) for row in rows])


def _only(kind: type[Named], reference: str, rows: Sequence[Named]) -> Named:
    if len(rows) == 1:
        return rows[0]
    raise _not_one(kind, reference, [(row.id, row.name) for row in rows])


def _not_one(kind: type, reference: str, candidates: Sequence[tuple[str, str | None]]) -> NotFound:
    word, listing = words_of(kind)
    if candidates:
        return NotFound(subject(kind, reference), f"several {word}s answer to this name", candidates_hint(candidates))
    return NotFound(subject(kind, reference), "does not exist", f"see what is there: {listing}")


def find_many(session: Session, kind: type[Named], references: Iterable[str]) -> list[Named]:
    """One row per reference, in the given order."""
    return [find(session, kind, reference) for reference in references]


def get(session: Session, kind: type[Row], row_id: str) -> Row:
    """A row that must be there, by its id."""
    row = session.get(kind, row_id)
    if row is None:
        raise NotFound(subject(kind, row_id), "does not exist", f"see what is there: {words_of(kind)[1]}")
    return row


def fresh(session: Session, row: Row) -> Row:
    """The row as it is now, to be changed: another command may have renamed it since."""
    return session.get_one(type(row), row.id)


def members(session: Session, group_id: str) -> list[Volume]:
    """The volumes of a group, oldest first."""
    ordered = select(Volume).where(Volume.group_id == group_id).order_by(col(Volume.created_at), col(Volume.id))
    return list(session.exec(ordered))


def group_with(session: Session, key: str, value: str) -> str | None:
    """The id of the group that has this in its metadata."""
    found = type_coerce(Group.properties, JSON)[key].as_string()
    return session.exec(select(Group.id).where(found == value)).first()


def member_snapshots(session: Session, group_snapshot_id: str) -> list[Snapshot]:
    """The snapshots of a group snapshot, in the order of their volumes."""
    ordered = (
        select(Snapshot)
        .join(Volume, col(Volume.id) == Snapshot.volume_id)
        .where(Snapshot.group_snapshot_id == group_snapshot_id)
        .order_by(col(Volume.created_at), col(Volume.id))
    )
    return list(session.exec(ordered))


def attachments_of(session: Session, volume_ids: Sequence[str]) -> list[Attachment]:
    """All attachments of these volumes, oldest first."""
    wanted = select(Attachment).where(col(Attachment.volume_id).in_(volume_ids))
    return list(session.exec(wanted.order_by(col(Attachment.created_at))))


def set_status(
    session: Session, kind: type[Volume] | type[Snapshot], statuses: Mapping[str, str], *, changed: bool = True
) -> None:
    """Write many statuses: one statement per distinct status, not per row.

    changed: whether the objects are others than before. An intent is no change yet, nor is its taking back.
    """
    for status in sorted(set(statuses.values())):
        ids = [row_id for row_id, its in statuses.items() if its == status]
        values: dict[str, object] = {"status": status}
        if kind is Volume and changed and status not in TRANSITIONAL:
            values["updated_at"] = utc_now()
        session.exec(update(kind).where(col(kind.id).in_(ids)).values(**values))
