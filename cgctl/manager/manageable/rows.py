"""Rows of what is managed: volumes and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, delete

from cgctl.model.names import plain_name
from cgctl.model.tables import Snapshot, Volume
from cgctl.store.queries import fresh

Managed = Volume | Snapshot


def word_of(row: Managed) -> str:
    """Its kind, for messages and the journal."""
    return "volume" if isinstance(row, Volume) else "snapshot"


def name_of(row: Managed) -> str:
    """Under which its data are left in the pool."""
    return plain_name(row.name or word_of(row), row.id)


def get_managed(session: Session, plan: Mapping[str, Any]) -> Managed:
    """The row that a plan of the journal is about."""
    if plan["word"] == "volume":
        return session.get_one(Volume, plan["id"])
    return session.get_one(Snapshot, plan["id"])


def set_status(session: Session, row: Managed, status: str) -> None:
    """In this session's copy of the row."""
    if isinstance(row, Volume):
        fresh(session, row).status = status
    else:
        fresh(session, row).status = status


def drop(session: Session, row: Managed) -> None:
    """Forget it."""
    kind = type(row)
    session.exec(delete(kind).where(col(kind.id) == row.id))
