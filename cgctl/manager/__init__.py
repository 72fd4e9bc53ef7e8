"""Operations, one module per noun. `manager.groups.create_group(env, …)`: a module is imported when it is first used,

because a list shall not pay for what creates and deletes (tests/bench/bench_startup.py: 50 ms of 400).
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager import (
        attachments,
        backend_check,
        backends,
        backups,
        freezing,
        group_manage,
        group_revert,
        group_snapshots,
        group_source,
        groups,
        kinds,
        manageable,
        membership,
        messages,
        metadata,
        pools,
        reads,
        recover,
        relocation,
        reset_state,
        retype,
        snapshot_replication,
        snapshots,
        views,
        volume_changes,
        volume_revert,
        volumes,
    )

__all__ = [
    "attachments",
    "backend_check",
    "backends",
    "backups",
    "freezing",
    "group_manage",
    "group_revert",
    "group_snapshots",
    "group_source",
    "groups",
    "kinds",
    "manageable",
    "membership",
    "messages",
    "metadata",
    "pools",
    "reads",
    "recover",
    "relocation",
    "reset_state",
    "retype",
    "snapshot_replication",
    "snapshots",
    "views",
    "volume_changes",
    "volume_revert",
    "volumes",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
