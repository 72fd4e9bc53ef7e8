"""What shall be offered, as it came over standard input."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WantedAccess:
    """One initiator. user and secret are empty without CHAP."""

    initiator: str
    user: str
    secret: str


@dataclass(frozen=True)
class Wanted:
    """One volume; without accesses it shall not be offered. object_name is the backstore's."""

    volume: str
    iqn: str
    object_name: str
    source: str
    size_bytes: int
    serial: str
    accesses: tuple[WantedAccess, ...]

    @property
    def has_chap(self) -> bool:
        return any(access.user for access in self.accesses)

    def source_stat(self) -> os.stat_result | None:
        """None where the source is missing, or is neither a file nor a block device."""
        try:
            found = Path(self.source).stat()
        except OSError:
            return None
        return found if stat.S_ISREG(found.st_mode) or stat.S_ISBLK(found.st_mode) else None

    def source_bytes(self) -> int:
        """The size as it is now."""
        with Path(self.source).open("rb") as file:
            return file.seek(0, os.SEEK_END)

    def is_open_for_writing(self) -> bool:
        """By anybody, the kernel among them: a read lease is given only for files that nobody can write (fcntl(2)).

        Raises OSError on file systems without leases.
        """
        with Path(self.source).open("rb") as file:
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except BlockingIOError:
                return True
        return False


def read(text: str) -> list[Wanted]:
    """The exports that drivers.exports.iscsi_lio.request wrote."""
    return [
        Wanted(**{**fields, "accesses": tuple(WantedAccess(**access) for access in fields["accesses"])})
        for fields in json.loads(text)
    ]


def identity(found: os.stat_result) -> str:
    """Block devices are told by their number, files by where they lie."""
    if stat.S_ISBLK(found.st_mode):
        return f"block:{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return f"file:{found.st_dev}:{found.st_ino}"
