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
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.exports.iscsi import IscsiExports
from drivers.exports.iscsi_tgt import request
from drivers.exports.scripted import Request, perl_script


class TgtdDown(errors.ToolMissing):
    """tgtd does not run on the server; nothing was changed."""

    hint = "on the server: systemctl start tgt"


@cache
def _script() -> Script:
    return perl_script("drivers.exports.iscsi_tgt", "tgtd.pl", "exports.pl")


class TgtExports(IscsiExports):
    """portal: where tgtd listens, `192.0.2.10:3260`."""

    # Tried with tgtd 1.0.85: a LUN shows a new size only after it was offline; 6 writes of its client failed in 46 ms.
    grows_online: ClassVar[bool] = False
    request: ClassVar[Request] = request
    errors: ClassVar[refusals.Table] = ((re.compile(r"^tgtd is not running: .*$", re.M), TgtdDown),)

    def command(self, action: str, stdin: str | Secret) -> Command:
        return _script().command(action, self.portal, stdin=stdin)
