"""The names of a pool's LVs and gates; checks at the door what becomes part of one."""

from __future__ import annotations

import re

from drivers import errors
from drivers.backends.directory_pool.layout import checked_id
from drivers.contract import Snapshot, Volume

_POOL = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]*/[A-Za-z0-9_+.][A-Za-z0-9_+.-]*")


def checked_pool(pool: str) -> str:
    """`VG/THINPOOL`; raises PoolMissing when it is not."""
    if not _POOL.fullmatch(pool) or {".", ".."} & set(pool.split("/")):
        raise errors.PoolMissing(f"{pool!r} cannot be a thin pool", "name it as VG/THINPOOL")
    return pool


def gate(volume: Volume) -> str:
    """What exports serve, in a group or alone."""
    return f"/dev/mapper/cgctl-{checked_id(volume.id)}"


def volume_lv(volume: Volume) -> str:
    return f"cgctl-{checked_id(volume.id)}"


def snapshot_lv(snapshot: Snapshot) -> str:
    """Of a single snapshot, or of a member of a group snapshot."""
    if snapshot.group_snapshot_id is None:
        return f"cgctl-{checked_id(snapshot.id)}"
    return f"cgctl-{checked_id(snapshot.group_snapshot_id)}_{checked_id(snapshot.volume_id)}"
