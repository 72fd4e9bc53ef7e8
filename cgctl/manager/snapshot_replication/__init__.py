"""`snapshot-replicate`: a snapshot, or a group snapshot, on another backend, also of another driver (seed 004).

Seed 004's default action: an anonymous volume is cloned from the snapshot, copied to the destination, snapshotted
there, and both volumes are deleted; where volumes are file systems, both are images (`Driver.images`). Inside a family
of drivers whose snapshots can be read as they stand (`snapshot_replication` is published), the volume on the source's
side is spared. Members of a group snapshot stay one point in time: nobody can write to what is copied.

    plan.py   what is copied, from where to where, as the journal keeps it
    rows.py   what is meant by a name, and the rows of what is made
    work.py   the long work
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.snapshot_replication import work

__all__ = ["work"]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
