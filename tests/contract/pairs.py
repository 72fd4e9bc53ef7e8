"""Two pools of one owner on two servers, and how points go between them, for the conformance suite."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers import refusals
from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.directory_pool.replication.driver import FORMS, DirectoryPoolReplication
from drivers.backends.file.driver import FileDriver
from drivers.backends.lvm.replication.driver import LvmReplication
from drivers.contract import Group, GroupSnapshot, Snapshot, Volume
from drivers.replication import BLOCKS, Generation, RecoveryPoint, Replication, StreamForm
from drivers.runner import Completed
from tests.contract.bench import MIB, Bench, ProcessRunner, new_id
from tests.contract.places import on_host
from tests.contract.thin_pool import POOL, on_machine

PATIENCE_SECONDS = 300
MACHINE = [pytest.mark.vm, pytest.mark.timeout(3600)]
ALIKE = [
    "file",
    pytest.param("btrfs", marks=pytest.mark.lab),
    pytest.param("lvm", marks=MACHINE),
]
MIXED = [
    *(pytest.param(name, marks=pytest.mark.lab) for name in ("btrfs-to-file", "file-to-btrfs")),
    *(pytest.param(name, marks=MACHINE) for name in ("file-to-lvm", "lvm-to-file")),
]
"""What `pair_of` is asked for: two of the same driver, and of different ones."""


@dataclass
class Pair:
    """Two pools of one owner; `near` is where groups are made."""

    near: Bench
    far: Bench
    form: StreamForm
    generation: Generation = field(default_factory=lambda: Generation(new_id()))
    taken: int = 0

    def replication(self, bench: Bench) -> Replication:
        if bench.driver.name == "lvm":
            return LvmReplication("lvm", POOL, bench.runner)
        pool = str(bench.driver.volume_source(Volume(new_id(), MIB))).split("/live/")[0]
        return DirectoryPoolReplication(bench.driver.name, pool, bench.runner)

    def take(self, bench: Bench, group: Group, volumes: Sequence[Volume], is_final: bool = False) -> RecoveryPoint:
        """A point of what is live, not shipped yet."""
        self.taken += 1
        point = RecoveryPoint(new_id(), group.id, self.generation.id, self.taken, datetime.now(UTC), is_final)
        members = [Snapshot(new_id(), one.id, one.size_bytes, group.id, point.id) for one in volumes]
        bench.driver.create_cgsnapshot(bench.context, GroupSnapshot(point.id, group.id), members)
        return point

    def ship(
        self, source: Bench, to: Bench, point: RecoveryPoint, base: RecoveryPoint | None = None, kill: float = 0
    ) -> tuple[Completed, Completed]:
        """Send and receive; with kill, the receiver dies after so many seconds, or the sender where it is negative."""
        base_id = base.id if base else None
        identity = self.replication(source).identity(source.context, point, self.form)
        send = self.replication(source).send(source.context, point, base_id, self.form)
        receive = self.replication(to).receive(to.context, point, base_id, identity, self.form)
        sender = source.start(send)
        receiver = to.start(receive, sender.stdout)
        assert sender.stdout
        sender.stdout.close()
        if kill:
            time.sleep(abs(kill))
            source.kill(sender) if kill < 0 else to.kill(receiver)
        received = receiver.communicate(timeout=PATIENCE_SECONDS)
        assert sender.stderr
        sent = sender.stderr.read()
        sender.wait(timeout=PATIENCE_SECONDS)
        sender.stderr.close()
        return Completed(sender.returncode, "", sent.decode()), Completed(
            receiver.returncode, *map(bytes.decode, received)
        )

    def shipped(
        self, source: Bench, to: Bench, point: RecoveryPoint, base: RecoveryPoint | None = None
    ) -> RecoveryPoint:
        """As ship; it must succeed."""
        for completed in reversed(self.ship(source, to, point, base)):
            assert refusals.result(completed, "server") in ("", "complete\n")
        return point

    def points(self, bench: Bench, group: Group) -> dict[str, bool]:
        """Complete points by id, with whether they are intact."""
        side = self.replication(bench).observe(bench.context, group.id)
        return {one.point.id: one.is_intact for one in side.points}


def paired(near: Bench, far: Bench, form: StreamForm) -> Pair:
    return Pair(near, replace(far, owner=near.owner), form)


def in_directory(pool: Path) -> Bench:
    """`file` in a new directory of this machine."""
    pool.mkdir()
    runner = ProcessRunner()
    return Bench(FileDriver(pool.name, str(pool), runner), runner, Path)


def pair_of(request: pytest.FixtureRequest) -> Pair:
    """Of one of ALIKE or MIXED. With lvm a directory of this machine stands for the other server."""
    near: Bench
    far: Bench
    if request.param == "lvm":
        near, far = (next(on_machine(one)) for one in request.getfixturevalue("two_machines"))
        return paired(near, far, BLOCKS)
    if request.param == "file":
        near, far = (in_directory(request.getfixturevalue("tmp_path") / name) for name in ("near", "far"))
        return paired(near, far, FORMS["file"][0])
    if "lvm" in request.param:
        here = in_directory(request.getfixturevalue("tmp_path") / "here")
        there = next(on_machine(request.getfixturevalue("vm1")))
        return paired(here, there, BLOCKS) if request.param == "file-to-lvm" else paired(there, here, BLOCKS)
    request.getfixturevalue("lab")
    hosts = [request.getfixturevalue(name) for name in ("stor1", "stor2")]
    if request.param == "btrfs":
        near, far = (on_host(host, BtrfsDriver, "/srv/pool") for host in hosts)
        return paired(near, far, FORMS["btrfs"][0])
    kinds = {"btrfs": BtrfsDriver, "file": FileDriver}
    words = request.param.split("-to-")
    near, far = (on_host(host, kinds[kind], "/srv/pool") for host, kind in zip(hosts, words, strict=True))
    return paired(near, far, BLOCKS)
