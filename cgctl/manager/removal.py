"""Removing objects from a server and from the state: what deletions do, and what undoes a creation.

The same functions serve both, and recovery: a driver's delete of what is gone succeeds, so each can run again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, delete, select

from cgctl.errors import CgctlError, Part, ServerFailure
from cgctl.manager.dependents import snapshots_of
from cgctl.manager.environment import Environment
from cgctl.manager.objects import (
    counted,
    shown,
    snapshot_object,
    snapshot_objects,
    volume_object,
    volume_objects,
)
from cgctl.manager.updates import Reading, read_updates
from cgctl.model.tables import Group, GroupSnapshot, GroupVolumeType, Snapshot, Volume
from cgctl.store.queries import fresh, member_snapshots, members, set_status, subject, words_of
from drivers import contract
from drivers.contract import Context
from drivers.errors import PoolUnmarked, ServerFailed, ServerNotReached, ServerRefused

DELETED = "deleted"
WITH_SNAPSHOTS = " with its snapshots"
CASCADE = f"volume{WITH_SNAPSHOTS}"
Removable = Group | Volume | Snapshot | GroupSnapshot


@dataclass
class Doomed:
    """What is to go: one row, and its members."""

    row: Removable
    volumes: list[Volume] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    def told(self, kind: str) -> str:
        """What it is and how much goes with it: `volume db-0 with 2 snapshots`. kind: its word, or CASCADE."""
        name = f"{kind.removesuffix(WITH_SNAPSHOTS)} {shown(self.row)}"
        word = "snapshot" if kind == CASCADE else "member"
        return f"{name} with {counted(self.member_ids, word)}" if self.member_ids else name

    @property
    def members(self) -> list[Volume | Snapshot]:
        rows: list[Volume | Snapshot] = [*self.volumes, *self.snapshots]
        return rows

    @property
    def member_ids(self) -> list[str]:
        return [row.id for row in self.members]


def load(session: Session, word: str, row_id: str) -> Doomed | None:
    """What an operation was about to remove or to create; None when no row is left of it."""
    row: Removable | None
    if word == "group":
        row = session.get(Group, row_id)
    elif word == "group snapshot":
        row = session.get(GroupSnapshot, row_id)
    elif word in ("volume", CASCADE):
        row = session.get(Volume, row_id)
    else:
        row = session.get(Snapshot, row_id)
    if isinstance(row, Volume) and word == CASCADE:
        return Doomed(row, snapshots=snapshots_of(session, row))
    return None if row is None else doomed(session, row)


def doomed(session: Session, row: Removable) -> Doomed:
    """A row with its members."""
    volumes = members(session, row.id) if isinstance(row, Group) else []
    snapshots = member_snapshots(session, row.id) if isinstance(row, GroupSnapshot) else []
    return Doomed(row, volumes, snapshots)


def remove_from_server(env: Environment, context: Context, what: Doomed) -> Reading:
    """One driver call; what has never been placed has nothing on a server."""
    host = what.row.host
    if host is None:
        return Reading(DELETED, dict.fromkeys(what.member_ids, DELETED))
    try:
        model_update, member_updates = _delete_call(env.backends.get(host).driver, context, what)
    except PoolUnmarked:
        if others_in_pool(env, host, {what.row.id, *what.member_ids}):
            raise  # the pool was used: most likely it is not mounted
        model_update, member_updates = None, None
    return read_updates(what.member_ids, model_update, member_updates, DELETED)


def others_in_pool(env: Environment, host: str, mine: Collection[str]) -> bool:
    """Whether the state has anything else in the pool: then its mark was there once."""
    with env.store.read() as session:
        ids = [
            row_id
            for kind in (Group, Volume, Snapshot)
            for row_id in session.exec(select(kind.id).where(kind.host == host))
        ]
    return any(row_id not in mine for row_id in ids)


def _delete_call(driver: contract.Driver, context: Context, what: Doomed) -> contract.Updates:
    row = what.row
    if isinstance(row, Group):
        return driver.delete_consistencygroup(context, contract.Group(row.id), volume_objects(what.volumes))
    if isinstance(row, GroupSnapshot):
        group_snapshot = contract.GroupSnapshot(row.id, row.group_id)
        return driver.delete_cgsnapshot(context, group_snapshot, snapshot_objects(what.snapshots))
    if isinstance(row, Snapshot):
        return driver.delete_snapshot(context, snapshot_object(row)), None
    if what.snapshots:
        return _delete_cascade(driver, context, row, what.snapshots)
    return driver.delete_volume(context, volume_object(row)), None


def _delete_cascade(
    driver: contract.Driver, context: Context, row: Volume, snapshots: Sequence[Snapshot]
) -> contract.Updates:
    """The snapshots one by one, then the volume, as far as it goes; what is gone is told also when the rest fails."""
    updates: list[contract.ModelUpdate] = []
    try:
        for one in snapshots:
            driver.delete_snapshot(context, snapshot_object(one))
            updates.append({"id": one.id, "status": DELETED})
        return driver.delete_volume(context, volume_object(row)), updates
    except (ServerRefused, ServerNotReached, ServerFailed) as error:
        if not updates:
            raise
        left: list[contract.ModelUpdate] = [
            {"id": one.id, "status": "error_deleting", "reason": error.message} for one in snapshots[len(updates) :]
        ]
        return {"status": "error", "reason": error.message}, [*updates, *left]


def forget(session: Session, what: Doomed, reading: Reading) -> CgctlError | None:
    """Drop the rows of what is gone; what is left gets its status, and the error that says so."""
    gone = [member for member, status in reading.members.items() if status == DELETED]
    member_kind = Volume if what.volumes else Snapshot
    session.exec(delete(member_kind).where(col(member_kind.id).in_(gone)))
    left = {member: status for member, status in reading.members.items() if status != DELETED}
    set_status(session, member_kind, left)
    if not reading.failed and not left:
        _drop(session, what.row)
        return None
    fresh_row(session, what.row).status = "error"
    names = [reading.told(row.id, shown(row)) for row in what.members if row.id in left]
    reason = f"the server could not delete {', '.join(names) or 'it'}"
    if reading.reason and not names:
        reason = f"{reason}: {reading.reason}"
    return ServerFailure(
        subject(type(what.row), shown(what.row)),
        reason,
        "mend the cause on the server, then run the same command again",
        parts(what.members, reading),
    )


def never_was(session: Session, what: Doomed) -> None:
    """Drop the rows of what has not come to be."""
    forget(session, what, Reading(DELETED, dict.fromkeys(what.member_ids, DELETED)))


def parts(members: Sequence[Volume | Snapshot], reading: Reading) -> list[Part]:
    """The members that failed, where some did, for their messages."""
    failed = set(reading.failed_members)
    return [
        Part(words_of(type(row))[0], row.id, _called(row), reading.reasons.get(row.id, "the server failed it"))
        for row in members
        if row.id in failed
    ]


def _called(row: Volume | Snapshot) -> str | None:
    """A member's name; a snapshot in a group snapshot has the whole's, so its volume tells it apart."""
    return row.name if isinstance(row, Volume) else f"{row.name or ''} of volume {row.volume_id}".strip()


def _drop(session: Session, row: Removable) -> None:
    if isinstance(row, Group):
        session.exec(delete(GroupVolumeType).where(col(GroupVolumeType.group_id) == row.id))
    kind = type(row)
    session.exec(delete(kind).where(col(kind.id) == row.id))


def fresh_row(session: Session, row: Removable) -> Removable:
    """The row as it is now, to be changed."""
    if isinstance(row, Group):
        return fresh(session, row)
    if isinstance(row, GroupSnapshot):
        return fresh(session, row)
    if isinstance(row, Volume):
        return fresh(session, row)
    return fresh(session, row)


def mark(session: Session, what: Doomed, status: str) -> None:
    """Write one status on the whole and its members, in a constant number of statements."""
    _write(session, what, dict.fromkeys([what.row.id, *what.member_ids], status))


def restore(session: Session, what: Doomed, before: Mapping[str, str]) -> None:
    """Give the whole and its members the statuses back that they had."""
    _write(session, what, before, changed=False)


def _write(session: Session, what: Doomed, statuses: Mapping[str, str], *, changed: bool = True) -> None:
    fresh_row(session, what.row).status = statuses[what.row.id]
    set_status(session, Volume, {row.id: statuses[row.id] for row in what.volumes}, changed=changed)
    set_status(session, Snapshot, {row.id: statuses[row.id] for row in what.snapshots}, changed=changed)


def statuses(what: Doomed) -> dict[str, str]:
    """The statuses as they are now, by id."""
    return {what.row.id: what.row.status, **{row.id: row.status for row in what.members}}
