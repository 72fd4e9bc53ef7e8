"""The scripts of the driver: what all share, the hold, the method's own lines."""

from __future__ import annotations

from functools import cache
from importlib import resources

from drivers.command import Script

PACKAGE = "drivers.backends.lvm"
HOLDING = ("create_cgsnapshot", "create_consistencygroup_from_src")
METHODS = (
    "check_for_setup_error",
    "get_volume_stats",
    "list_objects",
    "create_volume",
    "delete_volume",
    "extend_volume",
    "create_snapshot",
    "delete_snapshot",
    "create_consistencygroup",
    "delete_consistencygroup",
    "update_consistencygroup",
    "delete_cgsnapshot",
    "revert_consistencygroup",
    *HOLDING,
)


@cache
def load(method: str) -> Script:
    """The script of one of METHODS."""
    head = Script.load(PACKAGE, "pool.sh").text
    parts = ("hold", method) if method in HOLDING else (method,)
    shared = [resources.files(PACKAGE).joinpath(f"{part}.sh").read_text() for part in parts]
    return Script(f"lvm/{method}.sh", "\n".join([head, *shared]))
