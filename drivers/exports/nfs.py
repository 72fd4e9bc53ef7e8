"""What all NFS servers share: how clients find a volume, who they have to be, and the lines that the scripts read."""

from __future__ import annotations

import ipaddress
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from drivers.contract import Access, Connection, Exported, SourceForm
from drivers.errors import ServerRefused
from drivers.exports.scripted import ScriptedExports

IMAGE = "disk"
"""The name of a volume's file, in the directory that is offered."""

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,189}")
_NOBODY = "-"


class NfsExports(ScriptedExports):
    """One NFSv4 export per volume."""

    protocol: ClassVar[str] = "nfs"
    # A size is an attribute: the kernel's server shows it at once, ganesha 4.3 after 62 s.
    grows_online: ClassVar[bool] = True

    @abstractmethod
    def place(self, volume_id: str) -> str:
        """The exported path, as clients see it."""

    def connection(self, volume_id: str, form: SourceForm = SourceForm.FILE) -> Connection:
        """Mount `path` (NFSv4); the volume is the file `disk` in it, or the whole where it is a file system."""
        server = self.portal.rpartition(":")[0]
        file = IMAGE if form is SourceForm.FILE else None
        return Connection("nfs", self.portal, path=f"{server}:{self.place(volume_id)}", file=file)


def checked_id(volume_id: str) -> str:
    """The id, as a part of a path. Raises ValueError."""
    if not _ID.fullmatch(volume_id):
        raise ValueError(f"not an id of a volume: {volume_id!r}")
    return volume_id


def wanted_line(export: Exported, source: str, server: str) -> str:
    """VOLUME SOURCE SIZE_BYTES CLIENTS; clients sorted as text, which is how the scripts see them."""
    clients = sorted({_address(access, server) for access in export.accesses})
    return _line(export.volume_id, source, export.size_bytes, ",".join(clients) or _NOBODY)


def unwanted(volume_ids: Sequence[str]) -> str:
    """The lines for volumes that nobody may use."""
    return "".join(_line(volume_id, "-", 0, _NOBODY) for volume_id in volume_ids)


def _line(volume_id: str, source: str, size_bytes: int, clients: str) -> str:
    return "\t".join((checked_id(volume_id), source, str(size_bytes), clients)) + "\n"


def _address(access: Access, server: str) -> str:
    try:
        return str(ipaddress.ip_address(access.client or ""))
    except ValueError:
        raise ServerRefused(f"{server} knows clients by IP address, not as {access.client!r}") from None
