"""Where each driver is tested. A further driver joins with one function and one line in PLACES."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.file.driver import FileDriver
from drivers.contract import Driver
from drivers.runner import Runner
from tests.contract.bench import Bench, ProcessRunner
from tests.contract.file_systems import on_machine_for_nfs
from tests.contract.thin_pool import on_machine
from tests.lab.host import Host

NOBODY = 65534
_numbers = itertools.count()

Constructor = Callable[[str, str, Runner], Driver]


@contextmanager
def local_file(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """`file` in a directory of this machine, as the user who runs the tests."""
    directory: Path = request.getfixturevalue("tmp_path")
    runner = ProcessRunner()
    yield Bench(FileDriver("here", str(directory), runner), runner, Path)


@contextmanager
def unprivileged_file(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The same as a user without any privilege."""
    if os.geteuid() != 0:
        pytest.skip("the tests run as such a user already")
    directory = tempfile.mkdtemp(prefix="cgctl contract ")
    os.chown(directory, NOBODY, NOBODY)
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    runner = ProcessRunner(lambda argv: [*drop, *argv])
    yield Bench(FileDriver("here", directory, runner), runner, Path)
    shutil.rmtree(directory)


def on_host(host: Host, constructor: Constructor, directory: str) -> Bench:
    """A driver on a new directory of a host of the lab."""
    pool = f"{directory}/contract-{next(_numbers)}"
    host.run(["mkdir", pool])
    runner = ProcessRunner(host.command)
    return Bench(constructor("stor1", pool, runner), runner, host.path)


@contextmanager
def file_on_btrfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield on_host(request.getfixturevalue("stor1"), FileDriver, "/srv/pool")


@contextmanager
def file_on_xfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """With reflink."""
    yield on_host(request.getfixturevalue("stor1"), FileDriver, "/mnt/store")


@contextmanager
def btrfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """In a directory below the mount point."""
    yield on_host(request.getfixturevalue("stor1"), BtrfsDriver, "/srv/pool")


@contextmanager
def small(host: Host, constructor: Constructor, mkfs: str, size: str) -> Iterator[Bench]:
    """A driver on a file system of its own that is soon full."""
    place = f"/tmp/small-{next(_numbers)}"
    host.script(
        'truncate -s "$2" "$1.img"; "$3" -q "$1.img"; mkdir "$1"; mount -o loop "$1.img" "$1"', place, size, mkfs
    )
    runner = ProcessRunner(host.command)
    yield Bench(constructor("stor1", place, runner), runner, host.path)
    host.script('umount "$1"; rm "$1.img"', place)


def small_pool(host: Host, kind: str) -> AbstractContextManager[Bench]:
    """Of `file` or `btrfs`."""
    if kind == "file":
        return small(host, FileDriver, "mkfs.ext4", "32M")
    return small(host, BtrfsDriver, "mkfs.btrfs", "128M")


@contextmanager
def small_file(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with small_pool(request.getfixturevalue("stor1"), "file") as bench:
        yield bench


@contextmanager
def small_btrfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with small_pool(request.getfixturevalue("stor1"), "btrfs") as bench:
        yield bench


@contextmanager
def lvm(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The thin pool of a virtual machine."""
    yield from on_machine(request.getfixturevalue("vm1"))


@contextmanager
def lvm_for_nfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The same with volumes that are file systems."""
    yield from on_machine_for_nfs(request.getfixturevalue("vm1"))


Place = Callable[[pytest.FixtureRequest], AbstractContextManager[Bench]]

PLACES: dict[str, Place] = {
    "file": local_file,
    "file-unprivileged": unprivileged_file,
    "file-on-btrfs": file_on_btrfs,
    "file-on-xfs": file_on_xfs,
    "btrfs": btrfs,
}
MACHINE_PLACES: dict[str, Place] = {"lvm": lvm, "lvm-nfs": lvm_for_nfs}
SMALL_PLACES: dict[str, Place] = {"file": small_file, "btrfs": small_btrfs}
LOCAL = ("file", "file-unprivileged")
