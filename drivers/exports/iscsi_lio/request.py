"""What the program on the server reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from drivers.command import Secret
from drivers.contract import Access, Exported, Finding
from drivers.errors import ServerRefused
from drivers.exports import scripted
from drivers.exports.iscsi import account, has_chap, matching
from drivers.exports.iscsi_identity import checked_id, iqn, serial

DAEMON = "iscsi target"

# What the kernel has room for: target_core_file.h, FD_MAX_DEV_NAME. Its parameters are separated by commas.
SOURCE_BYTES = 255
_SOURCE = re.compile(r"/[^,\s\x00-\x1f\x7f]+")
# What rtslib-fb takes: two words at least behind the month of an IQN.
_IQN = r"iqn\.[0-9]{4}-[01][0-9]\.(?=[^.]+\.)[0-9a-z.:-]{1,211}"
_INITIATOR = re.compile(rf"{_IQN}|eui\.[0-9a-f]{{16}}|naa\.[125][0-9a-f]{{15}}")


def wanted(exports: Sequence[Exported]) -> Secret:
    """All of these exports. Raises ServerRefused for what LIO cannot offer."""
    return Secret(json.dumps([_wanted(export) for export in exports]))


def unwanted(volume_ids: Sequence[str]) -> Secret:
    """The volumes that nobody may use."""
    return Secret(json.dumps([_entry(volume_id, "", 0, []) for volume_id in volume_ids]))


def _wanted(export: Exported) -> dict[str, object]:
    source = matching(_SOURCE, export.source, "source", "LIO")
    if len(source.encode()) > SOURCE_BYTES:
        raise ServerRefused(f"LIO cannot offer a source with a path of more than {SOURCE_BYTES} bytes: {source}")
    has_chap(export, "LIO")
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
    initiator = matching(_INITIATOR, access.initiator or "", "initiator", "LIO")
    user, secret = account(access, "LIO") or ("", "")
    return {"initiator": initiator, "user": user, "secret": secret}


def findings(answer: str) -> list[Finding]:
    """See scripted.Request."""
    return scripted.findings(
        answer, Finding(DAEMON, True, "LIO answers"), {"boot": _not_restored, "damaged": _damaged}, _unknown
    )


def _not_restored() -> Finding:
    hint = "on the server: systemctl enable rtslib-fb-targetctl"
    return Finding(DAEMON, False, "a reboot would leave all volumes without their exports", hint)


def _damaged(reason: str, hint: str) -> Finding:
    return Finding(
        DAEMON, False, f"{reason}: a reboot would leave all volumes without their exports", f"on the server: {hint}"
    )


def _unknown(name: str, backstore: str) -> Finding:
    """backstore: what deletes the one that would hold its volume; empty where there is none."""
    hint = f"if no other state store owns it: targetcli /iscsi delete {name}"
    hint += f"; targetcli /backstores/{backstore}" if backstore else ""
    return Finding(f"export {name}", False, f"{name} is offered but not known", hint)
