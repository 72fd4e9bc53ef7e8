"""Promises about the pool itself: owner, room, stats, findings, and what may stand in an id; of every driver."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drivers import errors
from drivers.contract import GIB, Context, Driver, Group, GroupSnapshot, Snapshot, Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_groups import make_group, take

CHANGES: dict[str, Callable[[Driver, Context, Volume], object]] = {
    "create_volume": lambda driver, context, volume: driver.create_volume(context, volume),
    "delete_volume": lambda driver, context, volume: driver.delete_volume(context, volume),
    "extend_volume": lambda driver, context, volume: driver.extend_volume(context, volume, GIB),
    "create_snapshot": lambda driver, context, volume: driver.create_snapshot(
        context, Snapshot(new_id(), volume.id, volume.size_bytes)
    ),
    "create_cloned_volume": lambda driver, context, volume: driver.create_cloned_volume(
        context, Volume(new_id(), volume.size_bytes), volume
    ),
    "delete_snapshot": lambda driver, context, volume: driver.delete_snapshot(
        context, Snapshot(volume.id, new_id(), MIB)
    ),
    "create_consistencygroup": lambda driver, context, volume: driver.create_consistencygroup(
        context, Group(volume.id)
    ),
    "delete_consistencygroup": lambda driver, context, volume: driver.delete_consistencygroup(
        context, Group(volume.id), [volume]
    ),
    "update_consistencygroup": lambda driver, context, volume: driver.update_consistencygroup(
        context, Group(new_id()), [volume]
    ),
    "create_cgsnapshot": lambda driver, context, volume: driver.create_cgsnapshot(
        context, GroupSnapshot(new_id(), new_id()), [Snapshot(new_id(), volume.id, MIB)]
    ),
    "delete_cgsnapshot": lambda driver, context, volume: driver.delete_cgsnapshot(
        context, GroupSnapshot(volume.id, new_id()), []
    ),
    "revert_to_snapshot": lambda driver, context, volume: driver.revert_to_snapshot(
        context, volume, Snapshot(new_id(), volume.id, volume.size_bytes)
    ),
    "unmanage": lambda driver, context, volume: driver.unmanage(context, volume, "name"),
    "unmanage_snapshot": lambda driver, context, volume: driver.unmanage_snapshot(
        context, Snapshot(volume.id, new_id(), MIB), "name"
    ),
    "create_consistencygroup_from_src": lambda driver, context, volume: driver.create_consistencygroup_from_src(
        context, Group(new_id()), [Volume(new_id(), MIB)], source_cg=Group(new_id()), source_vols=[volume]
    ),
}
READS: dict[str, Callable[[Driver, Context], object]] = {
    "list_manageable": lambda driver, context: driver.list_manageable(context),
    "list_objects": lambda driver, context: driver.list_objects(context),
    "get_volume_stats": lambda driver, context: driver.get_volume_stats(context),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_state_store_changes_nothing(bench: Bench, change: str) -> None:
    volume = bench.volume(data=b"ours")
    before = bench.objects()
    with pytest.raises(errors.PoolForeign):
        CHANGES[change](bench.driver, bench.stranger, volume)
    assert bench.objects() == before
    assert bench.read(volume, 4) == b"ours"


@pytest.mark.parametrize("read", READS)
def test_another_state_store_reads_nothing(bench: Bench, read: str) -> None:
    bench.volume()
    with pytest.raises(errors.PoolForeign):
        READS[read](bench.driver, bench.stranger)


@pytest.mark.parametrize(
    "change", [name for name in CHANGES if name.startswith(("delete", "update", "extend", "unman"))]
)
def test_a_pool_that_was_never_used_is_not_taken_for_one_where_all_is_gone(bench: Bench, change: str) -> None:
    with pytest.raises(errors.PoolUnmarked):
        CHANGES[change](bench.driver, bench.context, Volume(new_id(), MIB))


@pytest.mark.parametrize("change", CHANGES)
def test_odd_ids_are_refused_before_anything_runs(bench: Bench, change: str) -> None:
    for odd in ("../../etc", "", "$(reboot)", new_id().upper(), new_id() + "\n", f"{new_id()}/.."):
        with pytest.raises(errors.ServerRefused, match="is not an id"):
            CHANGES[change](bench.driver, bench.context, Volume(odd, MIB))
    assert bench.runner.executions == 0


@pytest.mark.parametrize("size_bytes", [0, -1])
def test_odd_sizes_are_refused_before_anything_runs(bench: Bench, size_bytes: int) -> None:
    with pytest.raises(errors.ServerRefused, match="is not a size"):
        bench.driver.create_volume(bench.context, Volume(new_id(), size_bytes))
    assert bench.runner.executions == 0


def test_stats_count_live_volumes_and_what_was_promised(bench: Bench) -> None:
    group, volumes = make_group(bench)
    take(bench, group, volumes)
    bench.volume(size_bytes=GIB)
    stats = bench.driver.get_volume_stats(bench.context)
    assert stats["total_volumes"] == 3
    assert stats["provisioned_capacity_gb"] == 1 + sum(one.size_bytes for one in volumes) / GIB
    assert 0 < stats["free_capacity_gb"] <= stats["total_capacity_gb"]
    assert stats["consistent_group_snapshot_enabled"]
    stateless = bench.driver.activities.stateless_activities
    assert stats["atomic_group_snapshot"] == ("create_cgsnapshot" in stateless)


def test_stats_of_an_unused_pool_count_nothing(bench: Bench) -> None:
    assert bench.driver.get_volume_stats(bench.context)["total_volumes"] == 0


def test_a_healthy_pool_has_no_failing_finding(bench: Bench) -> None:
    assert all(finding.ok for finding in bench.driver.check_for_setup_error(bench.context))
    make_group(bench)
    findings = bench.driver.check_for_setup_error(bench.context)
    assert [finding for finding in findings if not finding.ok] == []
    assert {finding.check for finding in findings} >= {"tools", "pool", "owner", "room", "leftovers"}


def test_the_check_changes_nothing_and_tells_a_foreign_owner_with_a_hint(bench: Bench) -> None:
    bench.volume()
    failing = [item for item in bench.driver.check_for_setup_error(bench.stranger) if not item.ok]
    assert [item.check for item in failing] == ["owner"]
    assert bench.owner in failing[0].detail
    assert failing[0].hint
    assert len(bench.objects()) == 1


def test_a_missing_pool_is_refused_and_is_a_finding(bench: Bench) -> None:
    bench.volume()
    with bench.without_pool():
        for call in READS.values():
            with pytest.raises(errors.PoolMissing):
                call(bench.driver, bench.context)
        with pytest.raises(errors.PoolMissing):
            bench.driver.create_volume(bench.context, Volume(new_id(), MIB))
        failing = [item for item in bench.driver.check_for_setup_error(bench.context) if not item.ok]
        assert [item.check for item in failing] == ["pool"]
        assert failing[0].hint
