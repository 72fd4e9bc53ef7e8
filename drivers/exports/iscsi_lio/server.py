"""iSCSI by LIO: one target per volume, its LUN 1 a block backstore (devices) or a write-through fileio one (files).

Each initiator has its own entry with its own CHAP account. The kernel forgets everything at a reboot; what is saved
for rtslib-fb-targetctl.service brings the same exports back.

Everything is done by one run of python3 with rtslib-fb on the server: see on_server. LIO's own fence is used: a mapped
LUN that is write-protected fails the next write of a session at once. (A disabled portal group is none: writes that
wait in the initiator are carried out when it is enabled again.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import ClassVar

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.contract import Connection, Context, Exported, Finding
from drivers.exports.iscsi_identity import IQN_PREFIX, LUN, iqn, serial
from drivers.exports.iscsi_lio import request
from drivers.runner import Runner

_PACKAGE = "drivers.exports.iscsi_lio"
_ON_SERVER = f"{_PACKAGE}.on_server"
_MODULES = ("wanted", "lio", "change", "saved", "program")
_HERE_DOCUMENT = "END_OF_PROGRAM"


@cache
def _script() -> Script:
    """exports.sh with the text of start.py in front of it, as a quoted here-document."""
    own = Script.load(_PACKAGE, "exports.sh")
    quoted = f"start_py=$(cat <<'{_HERE_DOCUMENT}'\n{_text('start')}\n{_HERE_DOCUMENT}\n)\n"
    return Script(own.name, quoted + own.text)


def _text(module: str) -> str:
    return resources.files(_ON_SERVER).joinpath(f"{module}.py").read_text()


@cache
def _modules() -> tuple[str, ...]:
    """NAME TEXT ..., each module after those that it imports."""
    packages = (_ON_SERVER, "")
    return packages + tuple(word for name in _MODULES for word in (f"{_ON_SERVER}.{name}", _text(name)))


@dataclass(frozen=True)
class LioExports:
    """The iSCSI exports of one server. portal: where clients reach it, `192.0.2.10:3260`."""

    backend_id: str
    portal: str
    runner: Runner = field(repr=False, compare=False)
    protocol: ClassVar[str] = "iscsi"

    def connection(self, volume_id: str) -> Connection:
        return Connection("iscsi", self.portal, iqn=iqn(volume_id), lun=LUN, serial=serial(volume_id))

    def ensure_exports(self, context: Context, exports: Sequence[Exported]) -> None:
        self._run(context, "ensure", request.wanted(exports))

    def remove_exports(self, context: Context, volume_ids: Sequence[str]) -> None:
        self._run(context, "ensure", request.unwanted(volume_ids))

    def check_exports(self, context: Context, exports: Sequence[Exported]) -> list[Finding]:
        try:
            return request.findings(self._run(context, "check", request.wanted(exports)))
        except errors.ToolMissing as error:
            return [Finding("iscsi target", False, error.message, error.hint)]

    def _run(self, context: Context, action: str, stdin: Secret) -> str:
        completed = self.runner.run(_command(action, self.portal, stdin), _seconds_left(context))
        return refusals.result(completed, self.runner.server)


def _command(action: str, portal: str, stdin: Secret) -> Command:
    """Shown by its name and action: the modules' text is not for logs."""
    whole = _script().command(action, portal, IQN_PREFIX, *_modules(), stdin=stdin)
    return Command(whole.argv, whole.stdin, f"{_script().name} {action} {portal}")


def _seconds_left(context: Context) -> float:
    return max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
