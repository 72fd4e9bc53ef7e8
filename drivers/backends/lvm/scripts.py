"""The scripts of the driver: what all share, what some share, the method's own lines."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources

from drivers.activities.place import progress
from drivers.command import Script

PACKAGE = "drivers.backends.lvm"
SERVER = "server"
FILTER = "filter"
DISKS = "disks"
PARTS: dict[str, tuple[str, ...]] = {
    "check_for_setup_error": (FILTER, DISKS),
    "get_volume_stats": (),
    "list_objects": (),
    "repair": (SERVER,),
    "create_volume": (SERVER,),
    "delete_volume": (),
    "extend_volume": (),
    "create_snapshot": (),
    "delete_snapshot": (),
    "revert_to_snapshot": (),
    "copy_volume": (SERVER,),
    "claim_activities": (SERVER,),
    "list_manageable": (),
    "manage_existing": (SERVER, "foreign"),
    "unmanage": ("foreign",),
    "manage_existing_snapshot": ("foreign",),
    "unmanage_snapshot": ("foreign",),
    "create_consistencygroup": (SERVER,),
    "delete_consistencygroup": (),
    "update_consistencygroup": (),
    "create_cgsnapshot": ("members", "hold"),
    "create_consistencygroup_from_src": ("members", "hold"),
    "delete_cgsnapshot": (),
    "revert_consistencygroup": ("members",),
}
"""Each method's script, and which shared parts stand before its own lines."""

METHODS = tuple(PARTS)
KEPT_ON_SERVER = {"boot_script": "at_boot.sh", "boot_unit": "at_boot.service", "udev_rule": "gates.rules"}
"""Files that server.sh writes, by the function that prints them."""


@cache
def head() -> str:
    """What every script begins with."""
    return "\n".join(
        [Script.load(PACKAGE, "pool.sh").text, _read("session.sh"), _read("gates.sh"), _read("reverts.sh")]
    )


@cache
def load(method: str) -> Script:
    """The script of one of METHODS."""
    text = head()
    if method == "copy_volume":
        text = f"{text}\n{progress()}"
    parts = [_read(f"{part}.sh") for part in (*PARTS[method], method)]
    if SERVER in PARTS[method]:
        parts = [*_before_server(), *parts]
    return Script(f"lvm/{method}.sh", "\n".join([text, *parts]))


def server() -> str:
    """What the first scripts of a pool need: server.sh with the files that it writes."""
    return "\n".join([*_before_server(), _read(f"{SERVER}.sh")])


@cache
def boot_script_sum() -> str:
    """The SHA-256 of the boot script as server.sh writes it, in hex."""
    text = _read(KEPT_ON_SERVER["boot_script"]).rstrip("\n") + "\n"
    return sha256(text.encode()).hexdigest()


def _before_server() -> list[str]:
    """What server.sh calls."""
    return [_kept(), _read(f"{FILTER}.sh"), _read(f"{DISKS}.sh")]


def _kept() -> str:
    return "\n".join(_function(name, file_name) for name, file_name in KEPT_ON_SERVER.items())


def _function(name: str, file_name: str) -> str:
    """A shell function that prints a file."""
    return f"{name}() {{\n    cat <<'cgctl-end'\n{_read(file_name)}cgctl-end\n}}\n"


def _read(file_name: str) -> str:
    return resources.files(PACKAGE).joinpath(file_name).read_text()
