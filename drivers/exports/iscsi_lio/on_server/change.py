"""Changes of one volume's target. Each can be cut off anywhere: the next run finds what is missing."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from rtslib_fb import (  # type: ignore[import-not-found]
    LUN,
    TPG,
    BlockStorageObject,
    FileIOStorageObject,
    MappedLUN,
    NetworkPortal,
    NodeACL,
    Target,
)

from drivers.exports.iscsi_lio.on_server import lio as seen
from drivers.exports.iscsi_lio.on_server.lio import LUN_NUMBER, Lio
from drivers.exports.iscsi_lio.on_server.wanted import Wanted, WantedAccess, identity


def ensure(lio: Lio, wanted: Wanted) -> None:
    """Sessions of those who keep their access go on, unless LUN 1 itself has to be made anew."""
    target = lio.targets.get(wanted.iqn)
    if not wanted.accesses or target is None or list(seen.unit_faults(lio, wanted)):
        destroy(lio, wanted)
    if not wanted.accesses:
        return
    if wanted.iqn not in lio.targets:
        create(lio, wanted)
    settle(lio, wanted)


def destroy(lio: Lio, wanted: Wanted) -> None:
    """Deleting waits for what has begun; whoever is logged in has been fenced by then."""
    target = lio.targets.pop(wanted.iqn, None)
    if target is not None:
        seen.fence(target)
        target.delete()
    backstore = lio.objects.pop(wanted.object_name, None)
    if backstore is not None:
        backstore.delete()


def create(lio: Lio, wanted: Wanted) -> None:
    """Nobody may log in yet: the group is not enabled, and has no initiators."""
    backstore = lio.objects[wanted.object_name] = create_backstore(wanted)
    target = lio.targets[wanted.iqn] = Target(lio.fabric, wanted.iqn)
    LUN(TPG(target, 1), LUN_NUMBER, backstore)


def create_backstore(wanted: Wanted) -> Any:
    source = wanted.source_stat()
    if source is None:
        raise FileNotFoundError(wanted.source)
    if stat.S_ISBLK(source.st_mode):
        return BlockStorageObject(wanted.object_name, wanted.source, wanted.serial)
    size = wanted.source_bytes()
    backstore = FileIOStorageObject(wanted.object_name, wanted.source, size, wanted.serial, write_back=False)
    # The identity from before LIO opened the name: were the file replaced in between, the next look would tell.
    write(backstore, "alias", identity(source))
    return backstore


def write(backstore: Any, name: str, value: str) -> None:
    (Path(backstore.path) / name).write_text(value)


def settle(lio: Lio, wanted: Wanted) -> None:
    """Everything but the LUN. Who loses access goes first; nobody comes in before CHAP is asked."""
    group, backstore = seen.group_of(lio.targets[wanted.iqn]), lio.objects[wanted.object_name]
    withdraw(group, {access.initiator for access in wanted.accesses})
    if backstore.plugin == "fileio":
        settle_file(backstore, wanted)
    for name, value in seen.attributes(wanted).items():
        if group.get_attribute(name) != value:
            group.set_attribute(name, value)
    for access in wanted.accesses:
        admit(group, access)
    if not seen.has_portal(lio, group):
        NetworkPortal(group, lio.portal_address(), lio.port)
    if not group.enable:
        group.enable = True


def settle_file(backstore: Any, wanted: Wanted) -> None:
    """Sessions go on while it grows. One that was restored at boot has been found to be the right one, and is noted."""
    source, size = wanted.source_stat(), wanted.source_bytes()
    if backstore.size != size:
        write(backstore, "control", f"fd_dev_size={size}")
    if source is not None and not seen.alias(backstore):
        write(backstore, "alias", identity(source))


def withdraw(group: Any, kept: set[str]) -> None:
    """Deleting the initiator's entry ends its sessions, and waits for what they have begun."""
    for acl in group.node_acls:
        if acl.node_wwn not in kept:
            for unit in acl.mapped_luns:
                unit.write_protect = True
            acl.delete()


def admit(group: Any, access: WantedAccess) -> None:
    acl = NodeACL(group, access.initiator)
    if not seen.has_credentials(acl, access):
        acl.chap_userid, acl.chap_password = access.user, access.secret
    units = seen.mapping(acl)
    if units == {LUN_NUMBER: (LUN_NUMBER, False)}:
        return
    for unit in acl.mapped_luns:
        unit.delete()
    MappedLUN(acl, LUN_NUMBER, seen.lun_of(group), write_protect=False)
