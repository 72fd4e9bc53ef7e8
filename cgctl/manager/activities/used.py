"""What activities work with, and nobody may delete meanwhile."""

from __future__ import annotations

from sqlmodel import Session, col, select

from cgctl.errors import Refused
from cgctl.manager.environment import Environment
from cgctl.model.activities import Activity
from cgctl.model.states import OperationState
from cgctl.model.tables import Operation
from drivers.activities.values import ActivityState

UNDER_WAY = tuple(one for one in ActivityState if not one.is_over)


def under_way(session: Session) -> list[Activity]:
    """All that are not over, as far as the state knows, oldest first."""
    wanted = select(Activity).where(col(Activity.state).in_(UNDER_WAY))
    return list(session.exec(wanted.order_by(col(Activity.created_at))))


def warn_left_alone(env: Environment, session: Session, row_id: str) -> None:
    """Of what is under way without a command that waits for it (`--detach`), and reads this row's object or makes it:
    a status stays as it is until somebody looks at the activity; reading asks no server."""
    detached = select(Operation.id).where(Operation.state == OperationState.DETACHED)
    wanted = select(Activity).where(col(Activity.state).in_(UNDER_WAY), col(Activity.operation_id).in_(detached))
    for one in session.exec(wanted.order_by(col(Activity.created_at))):
        if row_id in {one.subject_id, *one.source_ids.split(), *one.made_ids.split()}:
            env.warn(f"activity {one.id} ({one.kind}) works with it, or is over by now: cgctl activity-show {one.id}")


def refuse_used(session: Session, subject: str, *row_ids: str, or_unsettled: bool = True) -> None:
    """Raise Refused for what an activity reads, or is making: it goes when the activity is over.

    or_unsettled: also where its end could not be settled; its server may never come back.
    """
    for one in under_way(session):
        if not or_unsettled and session.get_one(Operation, one.operation_id).state == OperationState.UNSETTLED:
            continue
        held = {*one.source_ids.split(), *one.made_ids.split()} & set(row_ids)
        if held:
            way = f"cgctl activity-wait {one.id}; or end it: cgctl activity-cancel {one.id}"
            raise Refused(subject, f"activity {one.id} ({one.kind}) works with it", way)
