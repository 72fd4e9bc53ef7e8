"""What is meant by the name of a snapshot, and the rows and the plan of what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlmodel import Session, col, select

from cgctl.errors import NotFound
from cgctl.manager.objects import snapshot_object
from cgctl.manager.snapshot_replication.plan import Member, Replicating
from cgctl.model.states import GroupSnapshotStatus, SnapshotStatus
from cgctl.model.tables import GroupSnapshot, Snapshot, Volume, new_id
from cgctl.store.queries import find


def find_either(session: Session, reference: str) -> Snapshot | GroupSnapshot:
    """A snapshot of one volume, or a group snapshot. Raises NotFound, also when both answer to the name."""
    found: list[Snapshot | GroupSnapshot] = []
    with suppress(NotFound):  # the members of a group snapshot have its name: there may be several
        found.append(find(session, Snapshot, reference))
    with suppress(NotFound):
        found.append(find(session, GroupSnapshot, reference))
    singles = [one for one in found if not (isinstance(one, Snapshot) and one.group_snapshot_id and len(found) > 1)]
    if len(singles) == 1:
        return singles[0]
    if singles:
        raise NotFound(f"snapshot {reference}", "a snapshot and a group snapshot have this name", "name it by its id")
    hint = "see what is there: cgctl snapshot-list; cgctl group-snapshot-list"
    raise NotFound(f"snapshot {reference}", "no snapshot and no group snapshot answers to this name", hint)


def new_rows(
    whole: Snapshot | GroupSnapshot, members: Sequence[Snapshot], destination: str, name: str | None
) -> list[Snapshot | GroupSnapshot]:
    """Of what is made: the group snapshot first, where it is one, then its members."""
    rows: list[Snapshot | GroupSnapshot] = []
    if isinstance(whole, GroupSnapshot):
        rows.append(
            GroupSnapshot(
                name=name or whole.name,
                description=whole.description,
                status=GroupSnapshotStatus.CREATING,
                group_id=whole.group_id,
                group_type_id=whole.group_type_id,
                host=destination,
                replicates_id=whole.id,
                created_at=whole.created_at,
            )
        )
    rows += [
        Snapshot(
            name=name or one.name,
            description=one.description,
            status=SnapshotStatus.CREATING,
            volume_id=one.volume_id,
            member_id=new_id(),
            size_bytes=one.size_bytes,
            group_snapshot_id=rows[0].id if rows and isinstance(rows[0], GroupSnapshot) else None,
            group_id=one.group_id,
            host=destination,
            properties=dict(one.properties),
            created_at=one.created_at,
        )
        for one in members
    ]
    return rows


def planned(
    source: str, destination: str, members: Sequence[Snapshot], rows: Sequence[Snapshot | GroupSnapshot]
) -> Replicating:
    """rows: of what is made, as new_rows has them."""
    made = [one for one in rows if isinstance(one, Snapshot)]
    sets = [one.id for one in rows if isinstance(one, GroupSnapshot)]
    pairs = zip([snapshot_object(one) for one in members], made, strict=True)
    return Replicating(
        source=source,
        destination=destination,
        members=[
            Member(
                snapshot_id=one.id,
                volume_id=one.volume_id,
                size_bytes=one.size_bytes,
                group_id=one.group_id,
                group_snapshot_id=one.group_snapshot_id,
                clone_id=new_id(),
                copy_id=str(new.member_id),
                new_id=new.id,
            )
            for one, new in pairs
        ],
        set_id=sets[0] if sets else None,
        anonymous_group_id=new_id() if sets else None,
    )


def volumes_of(session: Session, members: Sequence[Snapshot]) -> list[Volume]:
    """Those that the snapshots are of."""
    ids = [one.volume_id for one in members]
    return list(session.exec(select(Volume).where(col(Volume.id).in_(ids))))
