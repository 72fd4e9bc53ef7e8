"""Where the objects of a pool stand, as paths relative to the pool; checks at the door what becomes part of a path."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from drivers import errors
from drivers.contract import Snapshot, Volume

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def checked_pool(pool: str) -> str:
    """The pool's path; raises PoolMissing when it is not absolute and plain."""
    path = PurePosixPath(pool)
    plain = path.is_absolute() and ".." not in path.parts and pool.isprintable()
    if not plain or path == PurePosixPath("/"):
        raise errors.PoolMissing(f"{pool!r} cannot be a pool", "name a directory by its absolute path")
    return str(path)


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


def container(volume: Volume | Snapshot) -> str:
    """The id of the container that the volume (the snapshot's volume) lives in: its group's, else its own."""
    own = volume.volume_id if isinstance(volume, Snapshot) else volume.id
    return checked_id(volume.group_id or own)


def volume_disk(volume: Volume) -> str:
    return f"live/cgctl-{container(volume)}/cgctl-{checked_id(volume.id)}/disk"


def group_snapshot_place(group_snapshot_id: str) -> str:
    return f"groupsnap/cgctl-{checked_id(group_snapshot_id)}"


def snapshot_disk(snapshot: Snapshot) -> str:
    """Of a single snapshot, or of a member of a group snapshot."""
    if snapshot.group_snapshot_id is None:
        return f"snap/cgctl-{checked_id(snapshot.id)}/disk"
    return f"{group_snapshot_place(snapshot.group_snapshot_id)}/cgctl-{checked_id(snapshot.volume_id)}/disk"
