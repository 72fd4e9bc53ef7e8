"""Backend activities as operations (seed 004): long work that goes on when the command that began it is gone.

    work.py     what a kind of long work says of itself (LongWork)
    kinds.py    the kinds, by their word in the journal
    launch.py   check, write intent and handle, begin on the servers, hand over: `launch(env, work, detach=…)`
    settle.py   look at one, and end it when it is over: by whoever comes first
    abandon.py  give one up whose server is down for good
    waiting.py  wait, with progress; cancel; Ctrl-C
    handles.py  who may use a handle; list, show, log, forget
    strangers.py  what is on the servers and not in the state: list, end, find what it left
    copies.py   copies of volumes from backend to backend, as programs

The journal row of an activity is `detached` while it runs: nobody's process owns it. Whoever sees that the activity is
over takes the row over and settles it: `complete` and `finish` when it succeeded, `clear` and `give_up` when not.
All of them may run twice. Locks are kept only while volumes are quiesced for it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cgctl.manager.activities import handles, launch

__all__ = ["handles", "launch"]


def __getattr__(name: str) -> ModuleType:
    """What commands call, imported when it is first used: help and completion do without."""
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
