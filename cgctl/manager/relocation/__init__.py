"""`migrate` and `group-migrate`: to another backend, of any driver, as an activity.

    wanted.py   what is asked for, and what refuses it before anything is begun
    checks.py   what may move
    plan.py     what moves, and from where to where
    work.py     the long work itself
    sides.py    what it looks for, and removes, on the servers

Nobody is attached: members show `maintenance` until it is over. The old ones go when all new ones are there whole; what
is interrupted before is undone, what is interrupted afterwards is completed. In use, a group moves by replication
(`cgctl.manager.replication.migration`).

Decided 2026-11-22: `reset-state` of a member gives the move up where a silent server keeps it from being settled: its
clients may be back and write to the old ones, so these stay, whatever has come, and whenever the server is back.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.relocation import wanted

__all__ = ["wanted"]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
