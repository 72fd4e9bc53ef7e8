"""The scripts of a driver: what is shared by all, the storage's functions, what pools share, the method's own lines."""

from __future__ import annotations

from functools import cache
from importlib import resources

from drivers.activities.place import progress
from drivers.command import Script

PACKAGE = "drivers.backends.directory_pool"
FOREIGN = (
    "list_manageable",
    "manage_existing",
    "manage_existing_group",
    "unmanage",
    "manage_existing_snapshot",
    "unmanage_snapshot",
)
"""Those that know files of the pool's directory that are not cgctl's."""

STORAGE = {"file": ("storage.sh",), "btrfs": ("writers.sh", "storage.sh")}
"""What each kind of storage can do, as functions of one shell."""

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
    "create_consistencygroup_from_src",
    "delete_consistencygroup",
    "update_consistencygroup",
    "create_cgsnapshot",
    "delete_cgsnapshot",
    "revert_consistencygroup",
    "revert_to_snapshot",
    "copy_volume",
    "claim_activities",
    *FOREIGN,
)


@cache
def storage(driver: str) -> str:
    """The head of all scripts, and what this kind of storage can do."""
    package = f"drivers.backends.{driver}"
    first, *others = STORAGE[driver]
    return "\n".join(
        [Script.load(package, first).text, *(resources.files(package).joinpath(one).read_text() for one in others)]
    )


@cache
def load(driver: str, method: str) -> Script:
    """The script of one of METHODS, for `file` or `btrfs`."""
    parts = ("pool", "foreign", method) if method in FOREIGN else ("pool", method)
    shared = [resources.files(PACKAGE).joinpath(f"{part}.sh").read_text() for part in parts]
    if method == "copy_volume":
        shared.insert(0, progress())
    return Script(f"{driver}/{method}.sh", "\n".join([storage(driver), *shared]))
