"""What LIO has of a volume, and what is wrong with it: an iSCSI target, its portal group 1, LUN 1 and a backstore.

A file's backstore keeps the file's identity in its alias, because LIO does not tell which file it has open. The saved
configuration has no alias: of a backstore that was restored at boot, the file must be one that is open for writing.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtslib_fb import FabricModule, RTSRoot  # type: ignore[import-not-found]

from drivers.exports.iscsi_lio.on_server.wanted import Wanted, WantedAccess, identity

LUN_NUMBER = 1
WILDCARDS = ("0.0.0.0", "[::0]", "[::]")
ATTRIBUTES = {"generate_node_acls": "0", "demo_mode_write_protect": "1", "prod_mode_write_protect": "0"}


class Lio:
    """Targets by IQN and backstores by name, as they were when this was made."""

    def __init__(self, portal: str) -> None:
        address, _, port = portal.rpartition(":")
        self.address, self.port = address, int(port)
        self.root: Any = RTSRoot()
        self.fabric: Any = FabricModule("iscsi")
        self.targets: dict[str, Any] = {target.wwn: target for target in self.fabric.targets}
        self.objects: dict[str, Any] = {found.name: found for found in self.root.storage_objects}

    def portal_address(self) -> str:
        """Where to listen: a wildcard that another target has on this port already, else the configured address.

        The kernel cannot listen on an address while a wildcard has its port.
        """
        for path in Path(self.fabric.path).glob("*/tpgt_*/np/*"):
            address, _, port = path.name.rpartition(":")
            if address in WILDCARDS and int(port) == self.port:
                return address
        return self.address


def group_of(target: Any) -> Any:
    """Portal group 1, or None."""
    return next((group for group in target.tpgs if group.tag == 1), None)


def lun_of(group: Any) -> Any:
    return next((lun for lun in group.luns if lun.lun == LUN_NUMBER), None)


def fence(target: Any) -> None:
    """From here on every write of every session fails at once; those that have begun are finished by the deletion."""
    for group in target.tpgs:
        for acl in group.node_acls:
            for unit in acl.mapped_luns:
                unit.write_protect = True


# --- reasons to make the target anew


def unit_faults(lio: Lio, wanted: Wanted) -> Iterator[str]:
    source = wanted.source_stat()
    group, backstore = group_of(lio.targets[wanted.iqn]), lio.objects.get(wanted.object_name)
    if source is None:
        yield f"source {wanted.source} is missing"
        return
    if group is None or backstore is None or not backstore.is_configured():
        yield "is half made"
        return
    units = {lun.lun: lun.storage_object.name for lun in group.luns}
    if units != {LUN_NUMBER: wanted.object_name}:
        yield f"has the LUNs {units}"
    if backstore.wwn != wanted.serial:
        yield f"has the serial {backstore.wwn}"
    if backstore.udev_path != wanted.source:
        yield f"serves {backstore.udev_path}"
    if stat.S_ISBLK(source.st_mode):
        yield from _block_faults(backstore, identity(source))
    else:
        yield from _file_faults(backstore, wanted, identity(source))


def _block_faults(backstore: Any, source: str) -> Iterator[str]:
    if backstore.plugin != "block":
        yield f"has a backstore {backstore.plugin}, not block"
    elif source != f"block:{backstore.major}:{backstore.minor}":
        yield "serves a device that has been replaced"
    elif backstore.readonly:
        yield "is read-only"


def _file_faults(backstore: Any, wanted: Wanted, source: str) -> Iterator[str]:
    if backstore.plugin != "fileio":
        yield f"has a backstore {backstore.plugin}, not fileio"
        return
    if backstore.write_back or "Mode: O_DSYNC" not in information(backstore):
        yield "has a write-back cache: snapshots would lack acknowledged writes"
    opened = alias(backstore)
    if opened != source and (opened or not wanted.is_open_for_writing()):
        yield "serves a file that has been replaced"


def information(backstore: Any) -> str:
    return " ".join((Path(backstore.path) / "info").read_text().split())


def alias(backstore: Any) -> str:
    return (Path(backstore.path) / "alias").read_text().strip()


# --- what is changed while sessions go on


def settings_faults(lio: Lio, wanted: Wanted) -> Iterator[str]:
    group, backstore = group_of(lio.targets[wanted.iqn]), lio.objects[wanted.object_name]
    if backstore.plugin == "fileio" and backstore.size != wanted.source_bytes():
        yield f"has {backstore.size} bytes, not {wanted.source_bytes()}"
    for name, value in attributes(wanted).items():
        if group.get_attribute(name) != value:
            yield f"has the attribute {name}={group.get_attribute(name)}"
    if not group.enable:
        yield "is not enabled"
    if not has_portal(lio, group):
        yield f"does not listen on {lio.address}:{lio.port}"


def attributes(wanted: Wanted) -> dict[str, str]:
    return {**ATTRIBUTES, "authentication": str(int(wanted.has_chap))}


def has_portal(lio: Lio, group: Any) -> bool:
    right = {(address, lio.port) for address in (lio.address, *WILDCARDS)}
    return any((portal.ip_address, portal.port) in right for portal in group.network_portals)


def access_faults(lio: Lio, wanted: Wanted) -> Iterator[str]:
    present = {acl.node_wwn: acl for acl in group_of(lio.targets[wanted.iqn]).node_acls}
    names = {access.initiator for access in wanted.accesses}
    yield from (f"{name} has access" for name in sorted(set(present) - names))
    for access in wanted.accesses:
        acl = present.get(access.initiator)
        if acl is None:
            yield f"{access.initiator} has no access"
        elif not has_credentials(acl, access):
            yield f"{access.initiator} has other credentials"
        elif mapping(acl) != {LUN_NUMBER: (LUN_NUMBER, False)}:
            yield f"{access.initiator} cannot write to LUN 1 alone"


def mapping(acl: Any) -> dict[int, tuple[int, bool]]:
    """LUN as the initiator sees it: LUN of the target, whether it is write-protected."""
    return {unit.mapped_lun: (unit.tpg_lun.lun, unit.write_protect) for unit in acl.mapped_luns}


def has_credentials(acl: Any, access: WantedAccess) -> bool:
    return bool((acl.chap_userid, acl.chap_password) == (access.user, access.secret))


def faults(lio: Lio, wanted: Wanted) -> list[str]:
    """Everything that is not as it shall be; empty when it is."""
    if not wanted.accesses:
        left = [lio.targets.get(wanted.iqn), lio.objects.get(wanted.object_name)]
        return ["is offered"] if any(left) else []
    if wanted.iqn not in lio.targets:
        return ["is not offered"]
    found = list(unit_faults(lio, wanted))
    return found or [*settings_faults(lio, wanted), *access_faults(lio, wanted)]
