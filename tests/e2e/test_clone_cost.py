"""A clone of a group on btrfs copies no data: neither from a group snapshot nor from the group itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.e2e.cluster import POOL, Cluster, Members
from tests.e2e.figures import record
from tests.lab import Host

pytestmark = pytest.mark.lab

MIB = 1024**2
DATA_BYTES = 32 * MIB


def allocated_bytes(host: Host) -> int:
    """What the pool's data and metadata take, all of it on the disk."""
    fields = host.script('btrfs filesystem sync "$1"; btrfs filesystem df --raw "$1"', str(POOL))
    return sum(
        int(line.rpartition("used=")[2])
        for line in fields.splitlines()
        if "GlobalReserve" not in line and "used=" in line
    )


def first_block(disk: Path) -> bytes:
    with disk.open("rb") as file:
        return file.read(4096)


def fill(disk: Path) -> bytes:
    """Data that nothing can compress; returns the first block."""
    with disk.open("r+b") as file:
        for _ in range(DATA_BYTES // MIB):
            file.write(os.urandom(MIB))
        file.flush()
        os.fsync(file.fileno())
    return first_block(disk)


@pytest.fixture
def filled(cluster: Cluster) -> tuple[Members, list[bytes]]:
    """Eight volumes of 1 GiB with real data, and the first block of each."""
    members = cluster.group("big", 8, size="1")
    return members, [fill(disk) for disk in cluster.disks(members)]


def clone(cluster: Cluster, name: str, *source: str) -> tuple[Members, float]:
    began = time.monotonic()
    cluster.run("group-create-from-src", *source, "--name", name)
    seconds = time.monotonic() - began
    return cluster.members_of(name), seconds


def copy_seconds(host: Host, members: Members) -> float:
    """The same data by a plain copy: what a clone would cost that copies."""
    source, copy = str(POOL / f"live/cgctl-{members.group_id}"), str(POOL / "plain-copy")
    began = time.monotonic()
    host.script('cp -r --sparse=always --reflink=never "$1" "$2"; sync -f "$2"', source, copy)
    return time.monotonic() - began


def test_clones_of_a_group_take_no_room_for_data(cluster: Cluster, filled: tuple[Members, list[bytes]]) -> None:
    members, first_blocks = filled
    host = cluster.host_of(members)
    cluster.run("group-snapshot-create", "big", "--name", "s")
    before = allocated_bytes(host)
    from_snapshot, snapshot_seconds = clone(cluster, "from-snapshot", "--group-snapshot", "s")
    from_group, group_seconds = clone(cluster, "from-group", "--source-group", "big")
    grown = allocated_bytes(host) - before
    plain_seconds = copy_seconds(host, members)
    plain_grown = allocated_bytes(host) - before - grown
    record(
        "clone of 8 x 1 GiB with 32 MiB each",
        grown_bytes_of_two_clones=grown,
        grown_bytes_of_a_plain_copy=plain_grown,
        from_group_snapshot_seconds=round(snapshot_seconds, 3),
        from_group_seconds=round(group_seconds, 3),
        plain_copy_seconds=round(plain_seconds, 3),
    )
    for copy in (from_snapshot, from_group):
        assert [disk.stat().st_size for disk in cluster.disks(copy)] == [1024 * MIB] * 8
        assert [first_block(disk) for disk in cluster.disks(copy)] == first_blocks
    assert grown < 8 * DATA_BYTES // 100
    assert plain_grown > 7 * DATA_BYTES  # the measure sees a copy
