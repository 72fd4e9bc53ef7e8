"""Checks at the door of what becomes part of a name or a parameter on a server."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drivers import errors
from drivers.contract import Snapshot, Volume

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def checked_id(text: str) -> str:
    """An id; raises ServerRefused unless it is a UUID in its usual form."""
    if not _ID.fullmatch(text):
        raise errors.ServerRefused(f"{text!r} is not an id")
    return text


def checked_size(size_bytes: int) -> str:
    """A size as a parameter; raises ServerRefused unless it is positive."""
    if size_bytes <= 0:
        raise errors.ServerRefused(f"{size_bytes} bytes is not a size")
    return str(size_bytes)


def checked_pairs(volumes: Sequence[Volume], snapshots: Sequence[Snapshot]) -> list[tuple[str, str, str]]:
    """Each member with its size and its snapshot's; raises ServerRefused unless every one has its own snapshot."""
    if not volumes or [one.id for one in volumes] != [one.volume_id for one in snapshots]:
        raise errors.ServerRefused("a group goes back to a group snapshot of exactly its members")
    pairs = zip(volumes, snapshots, strict=True)
    return [(checked_id(one.id), checked_size(one.size_bytes), checked_size(then.size_bytes)) for one, then in pairs]


def container(volume: Volume | Snapshot) -> str:
    """The id of the container that the volume (the snapshot's volume) lives in: its group's, else its own."""
    own = volume.volume_id if isinstance(volume, Snapshot) else volume.id
    return checked_id(volume.group_id or own)
