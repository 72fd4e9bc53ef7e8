"""Who writes to a group's disks stands still for its snapshot, unless the writes are synchronous (btrfs/writers.sh)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.contract import Group, GroupSnapshot, Updates, Volume
from drivers.errors import HoldBroken, ServerFailed
from tests.contract.bench import Bench, new_id
from tests.contract.test_btrfs_order import members, writer
from tests.contract.test_groups import members_of
from tests.e2e.slow_btrfs import slow_btrfs, wait_for_snapshot
from tests.e2e.writers import Writer
from tests.lab.command import wait_until
from tests.lab.host import Host

__all__ = ["members", "writer"]  # fixtures
pytestmark = pytest.mark.lab
Members = tuple[Group, list[Volume]]


def tgtd_states(host: Host) -> set[str]:
    """Of its threads, as the kernel tells them: R, S, D, T."""
    text = host.script("cat /proc/$(pgrep -ox tgtd)/task/*/stat")
    return {line.rsplit(")", 1)[1].split()[0] for line in text.splitlines()}


@contextmanager
def group_snapshot_under_way(
    bench: Bench, host: Host, members: Members, bound: float, slow: float
) -> Iterator[Future[Updates]]:
    """Within it, the server is in the middle of the snapshot; afterwards, the call has ended."""
    group, volumes = members
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    snapshots = members_of(cgsnapshot, volumes)
    with ThreadPoolExecutor(1) as pool, slow_btrfs(host, slow):
        call = pool.submit(bench.driver.create_cgsnapshot, bench.bounded(bound), cgsnapshot, snapshots)
        wait_for_snapshot(host)
        try:
            yield call
        finally:
            wait([call])


def test_a_direct_writer_stands_still_while_the_snapshot_is_made(
    btrfs: Bench, stor1: Host, members: Members, writer: Writer
) -> None:
    with group_snapshot_under_way(btrfs, stor1, members, 30, 1) as call:
        issued = writer.issued
        assert tgtd_states(stor1) == {"T"}
        assert writer.issued == issued
    assert call.exception() is None
    assert tgtd_states(stor1) != {"T"}
    writer.wait_for_rounds(3)


def test_a_synchronous_writer_goes_on(btrfs: Bench, stor1: Host, members: Members, writer: Writer) -> None:
    for volume in members[1]:
        stor1.run(["chattr", "+S", btrfs.driver.volume_source(volume)])
    with group_snapshot_under_way(btrfs, stor1, members, 30, 3) as call:
        assert "T" not in tgtd_states(stor1)
        writer.wait_for_rounds(1)
    assert call.exception() is None


def test_killed_in_the_hold_the_writer_goes_on_when_the_bound_is_over(
    btrfs: Bench, stor1: Host, members: Members, writer: Writer
) -> None:
    with group_snapshot_under_way(btrfs, stor1, members, 6, 12) as call:
        stor1.script("pkill -KILL -f btrfs/create_cgsnapshot.sh; pkill -KILL -f 'btrfs subvolume snapshot'")
        assert tgtd_states(stor1) == {"T"}
        wait_until(lambda: tgtd_states(stor1) != {"T"}, "the watchdog", 20)
    assert type(call.exception()) is ServerFailed
    writer.wait_for_rounds(3)


def test_a_writer_that_ends_in_the_hold_breaks_it(
    btrfs: Bench, stor1: Host, members: Members, writer: Writer, tmp_path: Path
) -> None:
    """Who comes after it may have written."""
    with group_snapshot_under_way(btrfs, stor1, members, 30, 1) as call:
        stor1.stop_service("tgtd")
    assert type(call.exception()) is HoldBroken
    stor1.start_service("tgtd")
    assert [one for one in btrfs.driver.list_objects(btrfs.context) if "snapshot" in one.kind.value] == []


def test_a_writer_that_goes_on_in_the_hold_breaks_it(
    btrfs: Bench, stor1: Host, members: Members, writer: Writer
) -> None:
    with group_snapshot_under_way(btrfs, stor1, members, 30, 1) as call:
        stor1.run(["pkill", "-CONT", "-x", "tgtd"])
    assert type(call.exception()) is HoldBroken
    writer.wait_for_rounds(3)
