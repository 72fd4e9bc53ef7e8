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
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Script
from drivers.contract import Connection, Context, Exported, Finding
from drivers.exports.nfs_ganesha import request
from drivers.runner import Runner

# Included by ganesha.conf; belongs to cgctl alone, whatever the number of its backends on the server.
CONFIG = "/etc/ganesha/cgctl-exports.conf"


class GaneshaDown(errors.ToolMissing):
    """nfs-ganesha does not run on the server, or not on its system bus; nothing was changed."""

    hint = "on the server: systemctl start nfs-ganesha"


ERRORS = ((re.compile(r"^nfs-ganesha is not running: .*$", re.M), GaneshaDown),)


@cache
def _script() -> Script:
    return Script.load("drivers.exports.nfs_ganesha", "exports.sh")


@dataclass(frozen=True)
class GaneshaExports:
    """The NFS exports of one server. portal: where ganesha listens, `192.0.2.10:2049`."""

    backend_id: str
    portal: str
    runner: Runner = field(repr=False, compare=False)
    protocol: ClassVar[str] = "nfs"

    def connection(self, volume_id: str) -> Connection:
        """Mount `path` (NFSv4); the volume is the file `disk` in it."""
        server = self.portal.rpartition(":")[0]
        return Connection("nfs", self.portal, path=f"{server}:/cgctl-{request.checked_id(volume_id)}", file="disk")

    def ensure_exports(self, context: Context, exports: Sequence[Exported]) -> None:
        self._run(context, "ensure", request.wanted(exports))

    def remove_exports(self, context: Context, volume_ids: Sequence[str]) -> None:
        self._run(context, "ensure", request.unwanted(volume_ids))

    def check_exports(self, context: Context, exports: Sequence[Exported]) -> list[Finding]:
        try:
            return request.findings(self._run(context, "check", request.wanted(exports)))
        except errors.ToolMissing as error:
            return [Finding("nfs daemon", False, error.message, error.hint)]

    def _run(self, context: Context, action: str, stdin: str) -> str:
        completed = self.runner.run(_script().command(action, CONFIG, stdin=stdin), _seconds_left(context))
        return refusals.result(completed, self.runner.server, ERRORS)


def _seconds_left(context: Context) -> float:
    return max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
