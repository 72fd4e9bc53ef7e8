"""iSCSI by tgt (stgt): one target per volume, its LUN 1 opened with O_DIRECT.

tgtd keeps no configuration: after each start of it everything is missing until `ensure_exports`. Buffered LUNs are
never made: a btrfs snapshot tears them. Left out on purpose: `thin_provisioning=1`. An UNMAP that does not begin and
end on a file system block is finished in the page cache, past O_DIRECT, so a snapshot could hold a later write
without it.

What tgt cannot: accounts and initiators of a volume are two lists, not pairs (who has any of its accounts may log in
as any of its initiators), and CHAP is asked of all initiators of a volume or of none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Script, Secret
from drivers.contract import Connection, Context, Exported, Finding
from drivers.exports.iscsi_identity import LUN, iqn, serial
from drivers.exports.iscsi_tgt import request
from drivers.runner import Runner

_PACKAGE = "drivers.exports.iscsi_tgt"
_HERE_DOCUMENT = "END_OF_PROGRAM"


class TgtdDown(errors.ToolMissing):
    """tgtd does not run on the server; nothing was changed."""

    hint = "on the server: systemctl start tgt"


ERRORS = ((re.compile(r"^tgtd is not running: .*$", re.M), TgtdDown),)


@cache
def _script() -> Script:
    """exports.sh with the text of tgtd.pl and exports.pl in front of it, as a quoted here-document."""
    own = Script.load(_PACKAGE, "exports.sh")
    program = "".join(resources.files(_PACKAGE).joinpath(name).read_text() for name in ("tgtd.pl", "exports.pl"))
    quoted = f"exports_pl=$(cat <<'{_HERE_DOCUMENT}'\n{program}\n{_HERE_DOCUMENT}\n)\n"
    return Script(own.name, quoted + own.text)


@dataclass(frozen=True)
class TgtExports:
    """The iSCSI exports of one server. portal: where tgtd listens, `192.0.2.10:3260`."""

    backend_id: str
    portal: str
    runner: Runner = field(repr=False, compare=False)
    protocol: ClassVar[str] = "iscsi"

    def connection(self, volume_id: str) -> Connection:
        return Connection("iscsi", self.portal, iqn=iqn(volume_id), lun=LUN, serial=serial(volume_id))

    def ensure_exports(self, context: Context, exports: Sequence[Exported]) -> None:
        self._run(context, "ensure", request.wanted(exports))

    def remove_exports(self, context: Context, volume_ids: Sequence[str]) -> None:
        self._run(context, "remove", request.unwanted(volume_ids))

    def check_exports(self, context: Context, exports: Sequence[Exported]) -> list[Finding]:
        try:
            return request.findings(self._run(context, "check", request.wanted(exports)))
        except errors.ToolMissing as error:
            return [Finding("iscsi daemon", False, error.message, error.hint)]

    def _run(self, context: Context, action: str, stdin: str | Secret) -> str:
        command = _script().command(action, self.portal, stdin=stdin)
        completed = self.runner.run(command, _seconds_left(context))
        return refusals.result(completed, self.runner.server, ERRORS)


def _seconds_left(context: Context) -> float:
    return max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
