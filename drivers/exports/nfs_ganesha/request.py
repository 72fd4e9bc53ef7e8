"""What exports.sh reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from drivers.contract import Access, Exported, Finding
from drivers.errors import ServerRefused

NOBODY = "-"
REPAIR = "cgctl backend-check --repair"

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,189}")
_SOURCE = re.compile(r"(/[0-9A-Za-z._@%+,:=-]+){2,}/disk")


def wanted(exports: Sequence[Exported]) -> str:
    """One line per export. Raises ServerRefused for what ganesha cannot offer."""
    return "".join(_line(export.volume_id, _source(export), export.size_bytes, _clients(export)) for export in exports)


def unwanted(volume_ids: Sequence[str]) -> str:
    """The lines for volumes that nobody may use."""
    return "".join(_line(volume_id, "-", 0, NOBODY) for volume_id in volume_ids)


def checked_id(volume_id: str) -> str:
    """The id, as a part of a path. Raises ValueError."""
    if not _ID.fullmatch(volume_id):
        raise ValueError(f"not an id of a volume: {volume_id!r}")
    return volume_id


def _line(volume_id: str, source: str, size_bytes: int, clients: str) -> str:
    return "\t".join((checked_id(volume_id), source, str(size_bytes), clients)) + "\n"


def _source(export: Exported) -> str:
    """ganesha's configuration has no way to quote a quote: what could end a string is refused, never sent."""
    if not _SOURCE.fullmatch(export.source):
        raise ServerRefused(
            f"ganesha cannot offer the source {export.source!r}: a plain path to a file `disk` is needed"
        )
    return export.source


def _clients(export: Exported) -> str:
    """Sorted as text, which is how exports.sh sees them."""
    return ",".join(sorted({_address(access) for access in export.accesses})) or NOBODY


def _address(access: Access) -> str:
    try:
        return str(ipaddress.ip_address(access.client or ""))
    except ValueError:
        raise ServerRefused(f"ganesha knows clients by IP address, not as {access.client!r}") from None


def findings(answer: str) -> list[Finding]:
    """One for the daemon, one per wrong volume, one per export that nobody asked for."""
    result = [Finding("nfs daemon", True, "nfs-ganesha answers")]
    for line in answer.splitlines():
        kind, *values = line.split("\t")
        match kind:
            case "wrong":
                result.append(Finding(f"export of volume {values[0]}", False, values[1], REPAIR))
            case "include":
                result[0] = _not_included(values[0])
            case "unknown":
                result.append(_unknown(*values))
    return result


def _not_included(config: str) -> Finding:
    hint = f'add to ganesha.conf: %include "{config}"'
    return Finding("nfs daemon", False, f"a restart of nfs-ganesha would forget {config}", hint)


def _unknown(export_id: str, path: str) -> Finding:
    hint = "if no other state store owns it: dbus-send ... org.ganesha.nfsd.exportmgr.RemoveExport"
    return Finding(
        f"export {path}", False, f"export {export_id} is offered but not known", f"{hint} uint16:{export_id}"
    )
