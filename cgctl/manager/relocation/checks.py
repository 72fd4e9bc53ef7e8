"""What may move: the rules that hold when it is asked for, and again when its rows are locked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from cgctl.manager.activities.used import refuse_used
from cgctl.manager.dependents import dependents_of, has_snapshots
from cgctl.manager.objects import shown
from cgctl.manager.rules.group import check_group_migration
from cgctl.manager.rules.volume import check_migration
from cgctl.model.tables import Group, Volume
from cgctl.store.queries import find, members, subject


def volume_to_move(session: Session, reference: str, destination: str) -> Volume:
    """Alone, detached, without snapshots."""
    row = find(session, Volume, reference)
    refuse_used(session, subject(Volume, shown(row)), row.id)
    check_migration(row, destination, has_snapshots=has_snapshots(session, row))
    return row


def group_to_move(session: Session, reference: str, destination: str) -> tuple[Group, Sequence[Volume]]:
    """Well, detached, not replicated, without snapshots."""
    group = find(session, Group, reference)
    rows = members(session, group.id)
    refuse_used(session, subject(Group, shown(group)), group.id, *(one.id for one in rows))
    check_group_migration(group, rows, dependents_of(session, group, rows), destination)
    return group, rows
