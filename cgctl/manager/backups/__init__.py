"""Backups as operations: of volumes, snapshots and groups, into repositories (drivers/backups) and back.

    origin.py     what a backup is made of: the hidden clone of a volume, a snapshot, a group, a group snapshot
    creation.py   backup-create, group-backup-create: long work
    wanted.py     what a restore is asked for, where that goes, and what refuses it
    restoring.py  backup-restore, group-backup-restore, create --backup-id: long work
    arrivals.py   the volumes that it makes, and how one takes the place of old data
    streams.py    the way between a backend and a repository
    registry.py   export, import, verify, update, and what a repository holds
    removal.py    backup-delete
    whereabouts.py  on which machine a backup is, where several share one state
    reads.py      lists and shows

Decided 2026-11-21: a backup is read from a hidden clone on the source's own backend, which goes when it is over. So one
contract serves every driver, members in use are one point in time (a clone of a group is), and the volumes themselves
are free while the data travel. Where a clone is a copy (`file` without reflinks) it needs the room of one meanwhile.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.backups import creation, reads, registry, removal, restoring, verification, wanted

__all__ = ["creation", "reads", "registry", "removal", "restoring", "verification", "wanted"]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
