"""Every command line that appears on the machine, the lab's servers included: a secret must never be in one."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PROC = Path("/proc")


class ProcessWatch:
    """Looks at all of /proc/*/cmdline, over and over, as long as the `with` block."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            for process in PROC.iterdir():
                if process.name.isdigit():
                    with contextlib.suppress(OSError):
                        self.seen.add((process / "cmdline").read_bytes())

    def has_seen(self, text: str) -> bool:
        """Whether any command line had it."""
        return any(text.encode() in line for line in self.seen)
