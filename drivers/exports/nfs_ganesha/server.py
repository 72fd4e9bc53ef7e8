"""NFSv4 by nfs-ganesha 4: one export per volume, `SERVER:/cgctl-<volume id>`, with one file in it: `disk`.

The file is synchronous (`chattr +S`): ganesha answers UNSTABLE writes from the page cache, and a snapshot would tear
them. Where the flag cannot be set, the export is refused.

Clients are told by IP address. All their users, root too, are squashed to one number that no account has (70726): the
directory lets the group 70726 enter and list (an ACL, see exports.sh) and `disk` is `root:70726 0660`. So a client
reads and writes `disk` by its group, and can create, delete, rename or chmod nothing. Owning the file would let it
change its mode; root would let it fill the directory. (Like every NFS client with write access it can truncate it.)
"""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.contract import SourceForm
from drivers.exports.nfs import NfsExports, checked_id
from drivers.exports.nfs_ganesha import request
from drivers.exports.scripted import Request

# Included by ganesha.conf; belongs to cgctl alone, whatever the number of its backends on the server.
CONFIG = "/etc/ganesha/cgctl-exports.conf"


class GaneshaDown(errors.ToolMissing):
    """nfs-ganesha does not run on the server, or not on its system bus; nothing was changed."""

    hint = "on the server: systemctl start nfs-ganesha"


@cache
def _script() -> Script:
    return Script.load("drivers.exports.nfs_ganesha", "exports.sh")


class GaneshaExports(NfsExports):
    """portal: where ganesha listens, `192.0.2.10:2049`."""

    serves: ClassVar[frozenset[SourceForm]] = frozenset({SourceForm.FILE})  # its access list is that of a directory
    request: ClassVar[Request] = request
    errors: ClassVar[refusals.Table] = ((re.compile(r"^nfs-ganesha is not running: .*$", re.M), GaneshaDown),)

    def place(self, volume_id: str) -> str:
        return f"/cgctl-{checked_id(volume_id)}"

    def command(self, action: str, stdin: str | Secret) -> Command:
        return _script().command(action, CONFIG, stdin=stdin)
