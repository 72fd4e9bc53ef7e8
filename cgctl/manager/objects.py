"""From rows to the value objects of the driver contract, and the keys under which rows are locked."""

from __future__ import annotations

from collections.abc import Sequence, Sized

from cgctl.model import tables
from drivers import contract

Stateful = tables.Group | tables.Volume | tables.Snapshot | tables.GroupSnapshot


def volume_object(row: tables.Volume) -> contract.Volume:
    """A volume as drivers see it."""
    return contract.Volume(row.id, row.size_bytes, row.group_id)


def volume_objects(rows: Sequence[tables.Volume]) -> list[contract.Volume]:
    """The same for many."""
    return [volume_object(row) for row in rows]


def snapshot_object(row: tables.Snapshot) -> contract.Snapshot:
    """A snapshot as drivers see it."""
    return contract.Snapshot(
        row.id, row.member_id or row.volume_id, row.size_bytes, row.group_id, row.group_snapshot_id
    )


def snapshot_objects(rows: Sequence[tables.Snapshot]) -> list[contract.Snapshot]:
    """The same for many."""
    return [snapshot_object(row) for row in rows]


def group_snapshot_object(row: tables.GroupSnapshot) -> contract.GroupSnapshot:
    """A group snapshot as drivers see it."""
    return contract.GroupSnapshot(row.id, row.group_id)


def lock_key(volume: tables.Volume) -> str:
    """Members share their group's lock; a volume alone has its own."""
    return volume.group_id or volume.id


def counted(things: int | Sized, word: str) -> str:
    """`1 member`, `2 members`."""
    number = things if isinstance(things, int) else len(things)
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shown(row: Stateful) -> str:
    """How messages call an object: its name, else its id."""
    return row.name or row.id
