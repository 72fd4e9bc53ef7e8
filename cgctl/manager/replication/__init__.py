"""Replication of groups: enable, sync, fail over, fail back.

A replicated group has an origin (the backend that `default` means) and the backends of the origin's replication
targets; one of them is active and serves the group, the others hold recovery points. All of them are alike: a failback
is a failover whose destination is the origin, and a sync ships from whichever is active to all others.

Decided 2026-11-21: two locks. The group's own lock is held while a point is taken and during failovers; a transfer
holds the group's `/sync` lock only, so that a full copy of hours does not keep the group from its snapshots.

Decided 2026-11-21: a sync that fails leaves the group `enabled`: its newest complete point is as good as before. The
replica's error is in `group-replication-status`, and the command says it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.replication import (
        drill,
        drill_end,
        errands,
        failover,
        failover_host,
        lone,
        migration,
        snapshots,
        switch,
        sync,
        undo,
        verify,
        views,
    )

__all__ = [
    "drill",
    "drill_end",
    "errands",
    "failover",
    "failover_host",
    "lone",
    "migration",
    "snapshots",
    "switch",
    "sync",
    "undo",
    "verify",
    "views",
]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
