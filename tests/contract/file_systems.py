"""The lvm driver with volumes that are file systems, as NFS offers them: for the tests their data are a file.

xfs has no file system of a few MiB: the driver is asked for volumes SCALE times as large as the tests say.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

from drivers.backends.lvm.driver import LvmDriver
from drivers.contract import Driver, Volume
from tests.contract.bench import MIB, new_id
from tests.contract.thin_pool import EMPTY, LOCK, POOL, MachineBench, MachineRunner
from tests.lab.vm import Machine

SCALE = 320

WRITE = """
mountpoint -q "$1"
base64 -d | dd of="$1/disk" bs=1M oflag=seek_bytes seek="$2" iflag=fullblock conv=notrunc,fsync status=none
"""
READ = """
mountpoint -q "$1"
[ ! -e "$1/disk" ] ||
    dd if="$1/disk" bs=1M iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" status=none | base64 -w0
"""
SIZE = """
mountpoint -q "$1"
xfs_info "$1" | sed -n 's/^data .*bsize=\\([0-9]*\\) *blocks=\\([0-9]*\\),.*/\\1 \\2/p'
"""
FOREIGN = """
lvcreate -q -V "$2b" -T "$3" -n "$1"
mkfs.xfs -q -K "/dev/${3%/*}/$1"
mkdir -p /run/foreign
mount "/dev/${3%/*}/$1" /run/foreign
base64 -d >/run/foreign/disk
umount /run/foreign
"""


def scaled(value: Any, up: bool) -> Any:
    """What the driver is given, or what it answers, with other sizes."""
    if isinstance(value, list | tuple):
        return type(value)(scaled(one, up) for one in value)
    size = getattr(value, "size_bytes", None)
    if size is None:
        return value
    return dataclasses.replace(value, size_bytes=size * SCALE if up else size // SCALE)


@dataclasses.dataclass(frozen=True)
class ScaledDriver:
    """The driver; sizes go to it and come from it by the scale."""

    real: LvmDriver

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.real, name)
        if not callable(method):
            return method
        return lambda *args, **named: scaled(
            method(*scaled(args, True), **{word: scaled(value, True) for word, value in named.items()}), False
        )

    @property
    def images(self) -> ScaledDriver:
        return ScaledDriver(self.real.images)

    def extend_volume(self, context: Any, volume: Volume, new_size_bytes: int) -> None:
        self.real.extend_volume(context, scaled(volume, True), new_size_bytes * SCALE)

    def get_volume_stats(self, context: Any) -> dict[str, Any]:
        stats: dict[str, Any] = {**self.real.get_volume_stats(context)}
        return {**stats, "provisioned_capacity_gb": stats["provisioned_capacity_gb"] / SCALE}


class FileSystemBench(MachineBench):
    """A volume's data are the file `disk` in it, its size is that of the file system."""

    scale: ClassVar[int] = SCALE

    @contextmanager
    def image(self, volume: Volume) -> Iterator[str]:
        """Of a clone, which is not mounted."""
        image, images = Volume(new_id(), volume.size_bytes), self.driver.images
        images.create_cloned_volume(self.context, image, volume)
        yield images.volume_source(image)
        self.driver.delete_volume(self.context, image)

    def write(self, volume: Volume, data: bytes, offset: int = 0) -> None:
        self.script(WRITE, self.driver.volume_source(volume), str(offset), stdin=base64.b64encode(data).decode())

    def read(self, volume: Volume, count: int, offset: int = 0) -> bytes:
        """Zeros behind the end of the file, up to the volume's."""
        self.settle(volume)
        count = max(0, min(count, self.size(volume) - offset))
        data = base64.b64decode(self.script(READ, self.driver.volume_source(volume), str(offset), str(count)))
        return data.ljust(count, b"\0")

    def settle(self, volume: Volume) -> None:
        """A script that is killed before it has decided leaves a file system that is not mounted."""
        if self.script('flock "$1" mountpoint -q "$2" || echo gone', LOCK, self.driver.volume_source(volume)):
            self.driver.repair(self.context)

    def size(self, volume: Volume) -> int:
        block, blocks = self.script(SIZE, self.driver.volume_source(volume)).split()
        return int(block) * int(blocks) // SCALE

    def foreign(self, name: str, data: bytes = b"", size_bytes: int = 4 * MIB) -> str:
        self.script(FOREIGN, name, str(size_bytes * SCALE), POOL, stdin=base64.b64encode(data).decode())
        return name


def on_machine_for_nfs(machine: Machine) -> Iterator[MachineBench]:
    """The machine's thin pool, emptied before."""
    machine.script(EMPTY, POOL)
    runner = MachineRunner(machine=machine, server=machine.name)
    driver = cast(Driver, ScaledDriver(LvmDriver("vm1", POOL, runner, "nfs")))
    yield FileSystemBench(driver, runner, Path("/volumes").joinpath, machine=machine)
