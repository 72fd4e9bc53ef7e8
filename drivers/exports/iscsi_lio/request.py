"""What the program on the server reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from drivers.command import Secret
from drivers.contract import Access, Exported, Finding
from drivers.errors import ServerRefused
from drivers.exports.iscsi_identity import checked_id, iqn, serial

# What the kernel has room for: target_core_file.h, FD_MAX_DEV_NAME; iscsi_target_core.h, MAX_USER_LEN, MAX_PASS_LEN.
SOURCE_BYTES = 255
_SOURCE = re.compile(r"/[^,\s\x00-\x1f\x7f]+")
_INITIATOR = re.compile(r"(iqn|eui|naa)\.[0-9a-z.:-]{1,219}")
_USER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,99}")
_SECRET = re.compile(r"[\x21-\x7e]{12,100}")

REPAIR = "cgctl backend-check --repair"


def wanted(exports: Sequence[Exported]) -> Secret:
    """All of these exports. Raises ServerRefused for what LIO cannot offer."""
    return Secret(json.dumps([_wanted(export) for export in exports]))


def unwanted(volume_ids: Sequence[str]) -> Secret:
    """The volumes that nobody may use."""
    return Secret(json.dumps([_entry(volume_id, "", 0, []) for volume_id in volume_ids]))


def _wanted(export: Exported) -> dict[str, object]:
    source = _matching(_SOURCE, export.source, "source")
    if len(source.encode()) > SOURCE_BYTES:
        raise ServerRefused(f"LIO cannot offer a source with a path of more than {SOURCE_BYTES} bytes: {source}")
    _refuse_some_without_chap(export)
    return _entry(export.volume_id, source, export.size_bytes, [_access(access) for access in export.accesses])


def _entry(volume_id: str, source: str, size_bytes: int, accesses: list[dict[str, str]]) -> dict[str, object]:
    return {
        "volume": checked_id(volume_id),
        "iqn": iqn(volume_id),
        "object_name": f"cgctl-{volume_id}",
        "source": source,
        "size_bytes": size_bytes,
        "serial": serial(volume_id),
        "accesses": accesses,
    }


def _access(access: Access) -> dict[str, str]:
    initiator = _matching(_INITIATOR, access.initiator or "", "initiator")
    if access.username is None or access.secret is None:
        return {"initiator": initiator, "user": "", "secret": ""}
    if not _SECRET.fullmatch(access.secret.value):
        raise ServerRefused("a CHAP secret has 12 to 100 visible ASCII characters")
    user = _matching(_USER, access.username, "user name")
    return {"initiator": initiator, "user": user, "secret": access.secret.value}


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    """The kernel's parameters are separated by commas: what holds one is refused, never sent."""
    if not pattern.fullmatch(text):
        raise ServerRefused(f"LIO cannot offer a volume with the {what} {text!r}")
    return text


def _refuse_some_without_chap(export: Exported) -> None:
    if len({access.username is not None and access.secret is not None for access in export.accesses}) > 1:
        raise ServerRefused(f"volume {export.volume_id}: LIO asks all initiators of a volume for CHAP, or none")


def findings(answer: str) -> list[Finding]:
    """One for the kernel's target, one per wrong volume, one per target that nobody asked for."""
    result = [Finding("iscsi target", True, "LIO answers")]
    for line in answer.splitlines():
        kind, *values = line.split("\t")
        match kind:
            case "wrong":
                result.append(Finding(f"export of volume {values[0]}", False, values[1], REPAIR))
            case "boot":
                result[0] = _not_restored()
            case "unknown":
                result.append(_unknown(values[0]))
    return result


def _not_restored() -> Finding:
    hint = "on the server: systemctl enable rtslib-fb-targetctl"
    return Finding("iscsi target", False, "a reboot would leave all volumes without their exports", hint)


def _unknown(name: str) -> Finding:
    hint = f"if no other state store owns it: targetcli /iscsi delete {name}"
    return Finding(f"export {name}", False, f"{name} is offered but not known", hint)
