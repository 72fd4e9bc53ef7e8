"""What all iSCSI servers share: how clients find a volume, and who they have to be."""

from __future__ import annotations

import re
from typing import ClassVar

from drivers.contract import Access, Connection, Exported, SourceForm
from drivers.errors import ServerRefused
from drivers.exports.iscsi_identity import LUN, iqn, serial
from drivers.exports.scripted import ScriptedExports

_USER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,99}")
_SECRET = re.compile(r"[\x21-\x7e]{12,100}")


class IscsiExports(ScriptedExports):
    """One iSCSI target per volume, with one LUN."""

    protocol: ClassVar[str] = "iscsi"
    serves: ClassVar[frozenset[SourceForm]] = frozenset({SourceForm.FILE, SourceForm.BLOCK_DEVICE})

    def connection(self, volume_id: str, form: SourceForm = SourceForm.FILE) -> Connection:  # noqa: ARG002 (over NFS)
        return Connection("iscsi", self.portal, iqn=iqn(volume_id), lun=LUN, serial=serial(volume_id))


def matching(pattern: re.Pattern[str], text: str, what: str, server: str) -> str:
    """The text, if the server's parameters can hold it; what they would misread is refused, never sent."""
    if not pattern.fullmatch(text):
        raise ServerRefused(f"{server} cannot offer a volume with the {what} {text!r}")
    return text


def account(access: Access, server: str) -> tuple[str, str] | None:
    """User name and secret of an access with CHAP. Raises ServerRefused."""
    if access.username is None or access.secret is None:
        return None
    if not _SECRET.fullmatch(access.secret.value):
        raise ServerRefused("a CHAP secret has 12 to 100 visible ASCII characters")
    return matching(_USER, access.username, "user name", server), access.secret.value


def has_chap(export: Exported, server: str) -> bool:
    """Whether CHAP is asked of a volume's initiators. Raises ServerRefused unless it is all of them or none."""
    asked = {access.username is not None and access.secret is not None for access in export.accesses}
    if len(asked) > 1:
        raise ServerRefused(f"volume {export.volume_id}: {server} asks all initiators of a volume for CHAP, or none")
    return True in asked
