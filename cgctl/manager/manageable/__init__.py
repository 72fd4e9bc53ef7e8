"""What is in a pool and not cgctl's: listed, taken over (`manage`), given back (`unmanage`). Volumes and snapshots.

Data are never deleted by any of it: what was not managed to its end is `error_managing`, and can only be unmanaged.

    listing.py   what a pool holds, and what is chosen of it
    taking.py    manage, snapshot-manage
    leaving.py   unmanage, snapshot-unmanage
    rows.py      their rows, of either kind
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.manageable import leaving, listing, taking

__all__ = ["leaving", "listing", "taking"]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
