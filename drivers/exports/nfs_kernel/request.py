"""What exports.sh reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from drivers.contract import Exported, Finding
from drivers.errors import ServerRefused
from drivers.exports import nfs, scripted

DAEMON = "nfs server"

_SOURCE = re.compile(r"(/[0-9A-Za-z._@%+,:=-]+){2,}")

unwanted = nfs.unwanted


def wanted(exports: Sequence[Exported]) -> str:
    """One line per export, FSID at its end. Raises ServerRefused for what the server cannot offer."""
    return "".join(_line(export) for export in exports)


def _line(export: Exported) -> str:
    return f"{nfs.wanted_line(export, _source(export), 'the NFS server').rstrip()}\t{fsid(export.volume_id)}\n"


def fsid(volume_id: str) -> str:
    """A UUID, which the server puts into every file handle: 32 hexadecimal digits (exports(5))."""
    return hashlib.sha256(volume_id.encode()).hexdigest()[:32]


def _source(export: Exported) -> str:
    """It stands in a file of exports, as the end of a line: what could be read as more is refused, never sent."""
    if not _SOURCE.fullmatch(export.source):
        raise ServerRefused(f"the NFS server cannot offer the source {export.source!r}: a plain path is needed")
    return export.source


def findings(answer: str) -> list[Finding]:
    """See scripted.Request."""
    of_daemon = {"portal": _not_listening, "boot": _not_started}
    return scripted.findings(answer, Finding(DAEMON, True, "the kernel's NFS server runs"), of_daemon, _unknown)


def _not_listening(port: str) -> Finding:
    hint = "on the server: see /etc/nfs.conf, [nfsd], and the export's portal in the configuration"
    return Finding(DAEMON, False, f"does not listen on TCP port {port} of the configured portal", hint)


def _not_started(unit: str) -> Finding:
    hint = f"on the server: systemctl enable {unit}"
    return Finding(DAEMON, False, "a reboot would leave all volumes without their exports", hint)


def _unknown(place: str) -> Finding:
    hint = f"if no other state store owns it: exportfs -u CLIENT:{place}, and its line out of /etc/exports.d"
    return Finding(f"export {place}", False, f"{place} is offered but not known", hint)
