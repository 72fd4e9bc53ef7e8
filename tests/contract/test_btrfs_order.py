"""Group snapshots of a group that is written to over iSCSI all the time: every set is one point in time."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.contract import Group, GroupSnapshot, Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_groups import likes, make_group, members_of
from tests.contract.test_volumes import snapshot_of
from tests.e2e.writers import Writer, is_ordered, read_counters
from tests.lab.host import Host

pytestmark = pytest.mark.lab
IQN = "iqn.2026-11.test:order"


@pytest.fixture
def members(btrfs: Bench, stor1: Host) -> tuple[Group, list[Volume]]:
    group, _ = make_group(btrfs, 0)
    return group, [btrfs.volume(group.id, 16 * MIB) for _ in range(4)]


@pytest.fixture
def writer(btrfs: Bench, stor1: Host, members: tuple[Group, list[Volume]], tmp_path: Path) -> Iterator[Writer]:
    """tgt as cgctl uses it: direct writes."""
    stor1.script(f"tgtadm --lld iscsi --op new --mode target --tid 77 -T {IQN}\n" + TGT_ACCESS)
    try:
        for number, volume in enumerate(members[1], 1):
            stor1.script(TGT_UNIT, str(number), btrfs.driver.volume_source(volume))
        urls = [f"iscsi://{stor1.ip}/{IQN}/{number}" for number in range(1, 5)]
        with Writer("iscsi", urls, tmp_path) as result:
            yield result
    finally:
        stor1.script(TGT_DELETE)


TGT_ACCESS = "tgtadm --lld iscsi --op bind --mode target --tid 77 -I ALL"
TGT_UNIT = 'tgtadm --lld iscsi --op new --mode logicalunit --tid 77 --lun "$1" -b "$2" --bstype rdwr --bsoflags direct'

# What the writer was writing at its end keeps its unit active on a slow disk: the target of one test met the next.
TGT_DELETE = """
for attempt in $(seq 300); do
    answer=$(tgtadm --lld iscsi --op delete --mode target --tid 77 --force 2>&1) && exit 0
    case $answer in
    *"still active"*) sleep 0.1 ;;
    *"can't find the target"*) exit 0 ;; # the test ended its tgtd
    *) break ;;
    esac
done
echo "$answer" >&2
exit 1
"""


@pytest.mark.parametrize("count", [15, pytest.param(100, marks=pytest.mark.soak)])
def test_every_group_snapshot_of_a_busy_group_is_in_order_and_holds_what_was_acknowledged(
    btrfs: Bench, writer: Writer, members: tuple[Group, list[Volume]], count: int
) -> None:
    group, volumes = members
    for _ in range(count):
        acked_before = writer.acked
        cgsnapshot = GroupSnapshot(new_id(), group.id)
        snapshots = members_of(cgsnapshot, volumes)
        btrfs.driver.create_cgsnapshot(btrfs.context, cgsnapshot, snapshots)
        clone = Group(new_id())
        clones = likes(volumes, clone)
        btrfs.driver.create_consistencygroup_from_src(btrfs.context, clone, clones, cgsnapshot, snapshots)
        counters = read_counters([btrfs.disk(one) for one in clones])
        assert is_ordered(counters)
        assert counters[-1] >= acked_before
        btrfs.driver.delete_consistencygroup(btrfs.context, clone, clones)
        writer.wait_for_rounds(3)


def test_a_clone_of_a_busy_group_is_in_order(btrfs: Bench, writer: Writer, members: tuple[Group, list[Volume]]) -> None:
    group, volumes = members
    for _ in range(10):
        acked_before = writer.acked
        clone = Group(new_id())
        clones = likes(volumes, clone)
        btrfs.driver.create_consistencygroup_from_src(
            btrfs.context, clone, clones, source_cg=group, source_vols=volumes
        )
        counters = read_counters([btrfs.disk(one) for one in clones])
        assert is_ordered(counters)
        assert counters[-1] >= acked_before
        writer.wait_for_rounds(3)


def test_copies_one_after_another_would_not_be(
    btrfs: Bench, writer: Writer, members: tuple[Group, list[Volume]]
) -> None:
    """The control: the writer is fast enough to tell."""
    ordered = []
    for _ in range(10):
        clones = [Volume(new_id(), one.size_bytes) for one in members[1]]
        for clone, volume in zip(clones, members[1], strict=True):
            btrfs.driver.create_cloned_volume(btrfs.context, clone, volume)
        ordered.append(is_ordered(read_counters([btrfs.disk(one) for one in clones])))
    assert not all(ordered)


@contextmanager
def two_counters(disk: Path) -> Iterator[None]:
    """A writer in the background: round 1, 2, 3, ... at offset 0, then at 8 MiB, each one direct and acknowledged."""
    stop = threading.Event()

    def write() -> None:
        block = mmap.mmap(-1, 4096)
        number = os.open(disk, os.O_WRONLY | os.O_DIRECT)
        count = 0
        while not stop.is_set():
            count += 1
            block[:8] = count.to_bytes(8, "little")
            os.pwrite(number, block, 0)
            os.pwrite(number, block, 8 * MIB)
        os.close(number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_single_snapshot_of_a_busy_volume_is_one_point_in_time(btrfs: Bench) -> None:
    volume = btrfs.volume(size_bytes=16 * MIB)
    seen = set()
    with two_counters(btrfs.disk(volume)):
        for _ in range(30):
            snapshot = snapshot_of(volume)
            btrfs.driver.create_snapshot(btrfs.context, snapshot)
            restored = Volume(new_id(), volume.size_bytes)
            btrfs.driver.create_volume_from_snapshot(btrfs.context, restored, snapshot)
            first, second = (int.from_bytes(btrfs.read(restored, 8, offset), "little") for offset in (0, 8 * MIB))
            assert first - 1 <= second <= first
            seen.add(first)
    assert len(seen) == 30
