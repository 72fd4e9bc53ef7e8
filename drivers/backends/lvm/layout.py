"""The names of a pool's LVs and gates; checks at the door what becomes part of one."""

from __future__ import annotations

import re

from drivers import errors
from drivers.backends.scripted.door import checked_id
from drivers.contract import Group, GroupSnapshot, Snapshot, Volume

_POOL = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]*/[A-Za-z0-9_+.][A-Za-z0-9_+.-]*")

_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]{0,120}")
_RESERVED = re.compile(r"^(cgctl-|snapshot|pvmove)|_([tcv]data|[tcr]meta|mlog|[mr]image|pmspare|vorigin)")
"""Of cgctl, and of LVM (lvm(8))."""


def checked_pool(pool: str) -> str:
    """`VG/THINPOOL`; raises PoolMissing when it is not."""
    if not _POOL.fullmatch(pool) or {".", ".."} & set(pool.split("/")):
        raise errors.PoolMissing(f"{pool!r} cannot be a thin pool", "name it as VG/THINPOOL")
    return pool


def checked_name(text: str) -> str:
    """The name of an LV that is not cgctl's; raises ServerRefused for what LVM would not take, or takes for its own."""
    if not _NAME.fullmatch(text) or text in (".", "..") or _RESERVED.search(text):
        raise errors.ServerRefused(f"{text!r} is not a plain name of an LV")
    return text


def gate(volume: Volume) -> str:
    """What exports serve, in a group or alone."""
    return f"/dev/mapper/cgctl-{checked_id(volume.id)}"


def mount_point(volume: Volume) -> str:
    """Where the server mounts a volume that is a file system."""
    return f"/run/cgctl/volumes/cgctl-{checked_id(volume.id)}"


def source(item: Volume | Snapshot | Group | GroupSnapshot) -> str:
    """The LV of a volume or of a snapshot, single or member of a set; the id of a group or of a set."""
    match item:
        case Volume() | Snapshot(group_snapshot_id=None):
            return f"cgctl-{checked_id(item.id)}"
        case Snapshot():
            return f"cgctl-{checked_id(item.group_snapshot_id or '')}_{checked_id(item.volume_id)}"
        case Group() | GroupSnapshot():
            return checked_id(item.id)
