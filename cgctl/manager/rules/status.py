"""Rules of status, alike for all kinds of objects."""

from __future__ import annotations

from collections.abc import Collection

from cgctl.errors import Refused
from cgctl.manager.objects import Stateful, shown
from cgctl.model.states import ReplicationStatus
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume

ATTACHED = frozenset({"in-use", "attaching", "detaching"})
"""Statuses of a volume that somebody may be writing to."""

DETACH = "cgctl attachment-list; cgctl attachment-delete ID"


def called(kind: str, row: Stateful) -> str:
    """`volume db-0`: how an error names it."""
    return f"{kind} {shown(row)}"


def is_absent(volume: Volume) -> bool:
    """Whether a failover promoted a recovery point without this member: no server serves it, whatever `reset-state`
    says. A member that is in error otherwise has its data, and is replicated."""
    return volume.replication_status == ReplicationStatus.FAILOVER_ERROR


def check_status(kind: str, row: Stateful, allowed: Collection[str]) -> None:
    """The object itself is in one of these statuses."""
    if row.status not in allowed:
        raise Refused(called(kind, row), wrong_status(row, allowed), way_out(kind, row))


def check_source_status(subject: str, kind: str, row: Stateful, allowed: Collection[str]) -> None:
    """What the subject is made of is in one of these statuses."""
    if row.status not in allowed:
        raise Refused(subject, f"{called(kind, row)} {wrong_status(row, allowed)}", way_out(kind, row))


def check_same_side(
    subject: str, row: Volume | Group, source_name: str, source: Snapshot | GroupSnapshot, way_out: str
) -> None:
    """A snapshot stays on the backend where it was taken: after a failover it cannot become what serves elsewhere."""
    if source.host is not None and source.host != row.host:
        reason = f"{source_name} is on backend {source.host}, and backend {row.host} serves it now"
        raise Refused(subject, reason, way_out)


def wrong_status(row: Stateful, allowed: Collection[str]) -> str:
    """`is error, not available or in-use`."""
    return f"is {row.status}, not {' or '.join(allowed)}"


def way_out(kind: str, row: Stateful) -> str:
    """What helps an object that is in the wrong status: who uses it, or why it is so, and what sets it right."""
    if kind == "volume" and row.status in ATTACHED:
        return f"cgctl attachment-list --volume-id {row.id}; cgctl attachment-delete ID"
    if isinstance(row, Volume) and row.group_id and is_absent(row):
        return f"a failover left it behind; to give it up: cgctl group-update {row.group_id} --remove-volumes {row.id}"
    why = f"cgctl history {row.id}"
    if row.status.startswith("error"):
        word = kind.replace(" ", "-")
        if isinstance(row, Volume) and row.group_id:
            why += f"; when it was never made: cgctl group-update {row.group_id} --remove-volumes {row.id}"
        return f"why: {why}; when it is well again: cgctl reset-state --type {word} --state available {row.id}"
    return why
