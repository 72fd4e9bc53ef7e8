"""iSCSI by LIO: one target per volume, its LUN 1 a block backstore (devices) or a write-through fileio one (files).

Each initiator has its own entry with its own CHAP account. The kernel forgets everything at a reboot; what is saved
for rtslib-fb-targetctl.service brings the same exports back.

Everything is done by one run of python3 with rtslib-fb on the server: see on_server. LIO's own fence is used: a mapped
LUN that is write-protected fails the next write of a session at once. (A disabled portal group is none: writes that
wait in the initiator are carried out when it is enabled again.)
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import ClassVar

from drivers.command import Command, Script, Secret
from drivers.exports.iscsi import IscsiExports
from drivers.exports.iscsi_identity import IQN_PREFIX
from drivers.exports.iscsi_lio import request
from drivers.exports.scripted import Request

_PACKAGE = "drivers.exports.iscsi_lio"
_ON_SERVER = f"{_PACKAGE}.on_server"
_MODULES = ("wanted", "lio", "change", "saved", "program")


@cache
def _script() -> Script:
    """exports.sh with the text of start.py in front of it."""
    return Script.load(_PACKAGE, "exports.sh").with_text("start_py", _text("start"))


def _text(module: str) -> str:
    return resources.files(_ON_SERVER).joinpath(f"{module}.py").read_text()


@cache
def _modules() -> tuple[str, ...]:
    """NAME TEXT ..., each module after those that it imports."""
    packages = (_ON_SERVER, "")
    return packages + tuple(word for name in _MODULES for word in (f"{_ON_SERVER}.{name}", _text(name)))


class LioExports(IscsiExports):
    """portal: where clients reach the server, `192.0.2.10:3260`."""

    grows_online: ClassVar[bool] = True  # a client that asks for the capacity again (a rescan) has the new one
    request: ClassVar[Request] = request

    def command(self, action: str, stdin: str | Secret) -> Command:
        """Shown by its name and action: the modules' text is not for logs."""
        whole = _script().command(action, self.portal, IQN_PREFIX, *_modules(), stdin=stdin)
        return Command(whole.argv, whole.stdin, f"{_script().name} {action} {self.portal}")
