"""Who holds a lock, and whether he is still alive.

A process is known by host, boot and pid namespace, pid and start time: a pid alone is used again. On the same host its
death is seen at once; of another host only the end of its lease is known.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """A process; space is the boot's id with the pid namespace, inside which a pid means something."""

    host: str
    space: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Holder:
        """This process."""
        pid = os.getpid()
        return cls(socket.gethostname(), _space(), pid, _started(pid) or "")

    def is_gone(self, lease_until: datetime, now: datetime) -> bool:
        """Whether its locks may be taken over."""
        if self.space != _space():
            return now > lease_until
        return _started(self.pid) != self.started


@cache
def _space() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat (proc(5)); None when there is no such process, or only its zombie."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if after_name[0] in {"Z", "X"} else after_name[19]
