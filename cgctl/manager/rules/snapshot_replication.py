"""Snapshots to another backend: which ones."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused
from cgctl.manager.rules.status import called, check_status
from cgctl.model.tables import GroupSnapshot, Snapshot

AVAILABLE = ("available",)


def check_replication(whole: Snapshot | GroupSnapshot, members: Sequence[Snapshot], destination: str) -> None:
    """Whole and well, no single member of a group snapshot, and to another backend."""
    kind = "snapshot" if isinstance(whole, Snapshot) else "group snapshot"
    subject = called(kind, whole)
    check_status(kind, whole, AVAILABLE)
    if isinstance(whole, Snapshot) and whole.group_snapshot_id:
        way = f"the whole: cgctl snapshot-replicate {whole.group_snapshot_id} {destination}"
        raise Refused(subject, f"is a member of group snapshot {whole.group_snapshot_id}", way)
    if whole.host is None or not members:
        raise Refused(subject, "has nothing on a server", f"cgctl history {whole.id}")
    if whole.host == destination:
        raise Refused(subject, f"is on backend {destination} already", "see the others: cgctl backend-list")
