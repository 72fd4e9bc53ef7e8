"""What activities work with, and nobody may delete meanwhile."""

from __future__ import annotations

from sqlmodel import Session, col, select

from cgctl.errors import Refused
from cgctl.model.activities import Activity
from drivers.activities.values import ActivityState

UNDER_WAY = tuple(one for one in ActivityState if not one.is_over)


def under_way(session: Session) -> list[Activity]:
    """All that are not over, as far as the state knows, oldest first."""
    wanted = select(Activity).where(col(Activity.state).in_(UNDER_WAY))
    return list(session.exec(wanted.order_by(col(Activity.created_at))))


def refuse_used(session: Session, subject: str, *row_ids: str) -> None:
    """Raise Refused for what an activity reads, or is making: it goes when the activity is over."""
    for one in under_way(session):
        held = {*one.source_ids.split(), *one.made_ids.split()} & set(row_ids)
        if held:
            way = f"cgctl activity-wait {one.id}; or end it: cgctl activity-cancel {one.id}"
            raise Refused(subject, f"activity {one.id} ({one.kind}) works with it", way)
