"""What exports.sh reads from its standard input, and what its check answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drivers.contract import Exported, Finding
from drivers.errors import ServerRefused
from drivers.exports import nfs, scripted

DAEMON = "nfs daemon"

_SOURCE = re.compile(rf"(/[0-9A-Za-z._@%+,:=-]+){{2,}}/{nfs.IMAGE}")

unwanted = nfs.unwanted


def wanted(exports: Sequence[Exported]) -> str:
    """One line per export. Raises ServerRefused for what ganesha cannot offer."""
    return "".join(nfs.wanted_line(export, _source(export), "ganesha") for export in exports)


def _source(export: Exported) -> str:
    """ganesha's configuration has no way to quote a quote: what could end a string is refused, never sent."""
    if not _SOURCE.fullmatch(export.source):
        raise ServerRefused(
            f"ganesha cannot offer the source {export.source!r}: a plain path to a file `disk` is needed"
        )
    return export.source


def findings(answer: str) -> list[Finding]:
    """See scripted.Request."""
    return scripted.findings(answer, Finding(DAEMON, True, "nfs-ganesha answers"), {"include": _not_included}, _unknown)


def _not_included(config: str) -> Finding:
    hint = f'add to ganesha.conf: %include "{config}"'
    return Finding(DAEMON, False, f"a restart of nfs-ganesha would forget {config}", hint)


def _unknown(export_id: str, path: str) -> Finding:
    hint = "if no other state store owns it: dbus-send ... org.ganesha.nfsd.exportmgr.RemoveExport"
    return Finding(
        f"export {path}", False, f"export {export_id} is offered but not known", f"{hint} uint16:{export_id}"
    )
