"""A client of the kernel, inside a virtual machine: it mounts what its own machine exports, as 127.0.0.1."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.lab.command import wait_until
from tests.lab.vm import Machine

ADDRESS = "127.0.0.1"

# Keeps the file open. A write that fails is told in `errors`, and tried again; the last one that did not, in `acked`.
WRITER = """
import os, sys, time
place, count = sys.argv[1], 0
file = os.open(f"{place}/mounted/disk", os.O_RDWR | os.O_CREAT | os.O_SYNC, 0o600)
while True:
    count += 1
    try:
        os.pwrite(file, count.to_bytes(8, "little") * 512, 0)
    except OSError as error:
        with open(f"{place}/errors", "a") as told:
            print(error, file=told, flush=True)
        time.sleep(0.05)
        continue
    with open(f"{place}/new", "w") as told:
        told.write(str(count))
    os.rename(f"{place}/new", f"{place}/acked")
"""
START = """
mkdir -p "$1/mounted"
mount -t nfs4 -o softerr,timeo=50,retrans=2 "127.0.0.1:$2" "$1/mounted"
setsid python3 -c "$3" "$1" </dev/null >"$1/log" 2>&1 &
echo $! >"$1/pid"
"""
STOP = 'kill -KILL "$(cat "$1/pid")" || true; umount -f "$1/mounted" || umount -fl "$1/mounted"; rm -rf "$1"'


@dataclass(frozen=True)
class KernelClient:
    """Writes to `disk` of an exported path as long as the `with` block."""

    machine: Machine
    path: str

    @property
    def directory(self) -> str:
        return "/tmp/client-" + self.path.rpartition("/")[2]

    @property
    def mounted(self) -> str:
        return self.directory + "/mounted"

    def __enter__(self) -> Self:
        self.machine.script(START, self.directory, self.path, WRITER)
        wait_until(lambda: self.acked > 0, "the kernel's client to write")
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.machine.script(STOP, self.directory)

    @property
    def acked(self) -> int:
        """The last write that was acknowledged."""
        return int(self.machine.script('cat "$1/acked" 2>/dev/null || echo 0', self.directory))

    @property
    def errors(self) -> str:
        return self.machine.script('cat "$1/errors" 2>/dev/null || true', self.directory)

    def wait_for_writes(self, count: int = 5) -> None:
        goal = self.acked + count
        wait_until(lambda: self.acked >= goal, f"{count} more writes")
