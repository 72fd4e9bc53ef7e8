"""Generations as the state knows them: the line that serves now, and how far each of its ancestors belongs to it.

Decided 2026-11-22: what an ancestor wrote behind the point with which the next generation began was given up with it,
also where another server has a recovery point of it. Promoting that point would bring back what was lost, or undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from sqlmodel import Session, select

from cgctl.model.replication import GroupGeneration
from drivers.replication import PointOnServer, RecoveryPoint

Line = Mapping[str, float]
"""By generation: the sequence of its last point that belongs to the line; infinite where all do, or nobody knows."""


def line(session: Session, group_id: str, generation_id: str, points: Iterable[PointOnServer]) -> Line:
    """Of a generation with all that it descends from. points: those that were seen, for their sequences."""
    rows = {one.id: one for one in _rows(session, group_id)}
    sequences = {one.point.id: one.point.sequence for one in points}
    found: dict[str, float] = {}
    step: str | None = generation_id
    end = inf
    while step and step not in found:
        found[step] = end
        row = rows.get(step)
        end = min(end, sequences.get(row.point_id or "", inf)) if row else end
        step = row.parent_id if row else None
    return found


def is_on(found: Line, point: RecoveryPoint) -> bool:
    """Whether a point is one of the line. Pure."""
    return point.sequence <= found.get(point.generation_id, -inf)


def generations_of(session: Session, group_id: str) -> list[str]:
    """All that the group ever had."""
    return [one.id for one in _rows(session, group_id)]


def _rows(session: Session, group_id: str) -> Iterable[GroupGeneration]:
    return session.exec(select(GroupGeneration).where(GroupGeneration.group_id == group_id))
