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
from functools import cache
from importlib import resources
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.exports.iscsi import IscsiExports
from drivers.exports.iscsi_tgt import request
from drivers.exports.scripted import Request

_PACKAGE = "drivers.exports.iscsi_tgt"


class TgtdDown(errors.ToolMissing):
    """tgtd does not run on the server; nothing was changed."""

    hint = "on the server: systemctl start tgt"


@cache
def _script() -> Script:
    """exports.sh with the text of tgtd.pl and exports.pl in front of it."""
    program = "".join(resources.files(_PACKAGE).joinpath(name).read_text() for name in ("tgtd.pl", "exports.pl"))
    return Script.load(_PACKAGE, "exports.sh").with_text("exports_pl", program)


class TgtExports(IscsiExports):
    """portal: where tgtd listens, `192.0.2.10:3260`."""

    request: ClassVar[Request] = request
    errors: ClassVar[refusals.Table] = ((re.compile(r"^tgtd is not running: .*$", re.M), TgtdDown),)

    def command(self, action: str, stdin: str | Secret) -> Command:
        return _script().command(action, self.portal, stdin=stdin)
