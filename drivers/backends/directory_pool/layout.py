"""Where the objects of a pool stand, as paths relative to the pool; checks at the door what becomes part of a path."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from drivers import errors
from drivers.backends.scripted.door import checked_id, container
from drivers.contract import Group, GroupSnapshot, Snapshot, Volume


def checked_pool(pool: str) -> str:
    """The pool's path; raises PoolMissing when it is not absolute and plain."""
    path = PurePosixPath(pool)
    plain = path.is_absolute() and ".." not in path.parts and pool.isprintable()
    if not plain or path == PurePosixPath("/"):
        raise errors.PoolMissing(f"{pool!r} cannot be a pool", "name a directory by its absolute path")
    return str(path)


_FOLDERS = frozenset({"live", "snap", "groupsnap"})
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


def checked_reference(pool: str, text: str) -> str:
    """A file of the pool's directory by its path, relative to it; raises ServerRefused for what cannot be one."""
    path = PurePosixPath(text.removeprefix(f"{checked_pool(pool)}/"))
    parts = path.parts
    hidden = any(part.startswith(".") for part in parts)
    if not parts or path.is_absolute() or hidden or parts[0] in _FOLDERS or not text.isprintable():
        raise errors.ServerRefused(f"{text!r} is no file that could be managed: name it by its path within {pool}")
    return str(path)


def checked_name(text: str) -> str:
    """A name for what is given back; raises ServerRefused unless it is plain and no folder of cgctl's."""
    if not _NAME.fullmatch(text) or text in _FOLDERS:
        raise errors.ServerRefused(f"{text!r} is not a plain name")
    return text


def volume_disk(volume: Volume) -> str:
    return f"live/cgctl-{container(volume)}/cgctl-{checked_id(volume.id)}/disk"


def place(item: Volume | Snapshot | Group | GroupSnapshot) -> str:
    """The disk of a volume or of a snapshot, single or member of a set; the directory of a group or of a set."""
    match item:
        case Volume():
            return volume_disk(item)
        case Snapshot(group_snapshot_id=None):
            return f"snap/cgctl-{checked_id(item.id)}/disk"
        case Snapshot():
            return f"{_set(item.group_snapshot_id or '')}/cgctl-{checked_id(item.volume_id)}/disk"
        case Group():
            return f"live/cgctl-{checked_id(item.id)}"
        case GroupSnapshot():
            return _set(item.id)


def _set(group_snapshot_id: str) -> str:
    return f"groupsnap/cgctl-{checked_id(group_snapshot_id)}"
