"""Promises about recovery points, of every driver that replicates: two pools on two servers, real streams between them.

Quick: about 25 s for both drivers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers import errors, refusals
from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.lvm.replication.driver import LvmReplication
from drivers.contract import Group, GroupSnapshot, ObjectKind, Snapshot, Volume
from drivers.replication import (
    BLOCKS,
    Generation,
    MemberSums,
    RecoveryPoint,
    SideState,
    Verifying,
)
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.file_systems import on_machine_for_nfs
from tests.contract.pairs import ALIKE, MIXED, PATIENCE_SECONDS, Pair, in_directory, pair_of, paired
from tests.contract.places import on_host, small_pool
from tests.contract.test_groups import make_group, members_of
from tests.contract.thin_pool import POOL, on_machine, running_machines
from tests.lab.command import CommandFailed
from tests.lab.host import Host
from tests.lab.vm import Machine

KILLS = 2
HELD = "dmsetup status cgvg-pool-tpool | cut -d ' ' -f 7"
of_both_kinds = pytest.mark.parametrize("pair", [*ALIKE, *MIXED], indirect=True)


@pytest.fixture(scope="module")
def two_machines() -> Iterator[list[Machine]]:
    yield from running_machines("vm1", "vm2")


@pytest.fixture(params=ALIKE)
def pair(request: pytest.FixtureRequest) -> Pair:
    """Two pools of the same driver; of different ones where a test asks for it."""
    return pair_of(request)


def digests(bench: Bench, point: RecoveryPoint, volumes: Sequence[Volume]) -> list[str]:
    return bench.member_digests(point.id, volumes)


def scribble(bench: Bench, volumes: Sequence[Volume], draw: random.Random) -> None:
    """Changes of all kinds of sizes and places, zeros among them."""
    for volume in volumes:
        for _ in range(draw.randint(1, 6)):
            offset, length = draw.randrange(volume.size_bytes - 70_000), draw.choice((1, 512, 4096, 70_000))
            bench.write(volume, draw.choice((draw.randbytes(length), b"\0" * length)), offset)


def test_an_unused_pool_has_nothing_of_a_group(pair: Pair) -> None:
    side = pair.replication(pair.far).observe(pair.far.context, new_id())
    assert (side.generation_id, side.has_live, side.points) == (None, False, ())


def test_a_point_arrives_whole_with_its_note(pair: Pair) -> None:
    group, volumes = make_group(pair.near)
    point = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes))
    for bench in (pair.near, pair.far):
        side = pair.replication(bench).observe(bench.context, group.id)
        assert [one.point for one in side.points] == [point]
        assert side.points[0].is_intact
    assert digests(pair.near, point, volumes) == digests(pair.far, point, volumes)
    assert [one.complete for one in pair.far.objects()] == [True] * 3


@of_both_kinds
def test_deltas_carry_every_change_there_and_back(pair: Pair) -> None:
    draw = random.Random(5)
    group, volumes = make_group(pair.near, 3)
    base = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes))
    for _ in range(4 if pair.form != BLOCKS else 2):
        scribble(pair.near, volumes, draw)
        base = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes), base)
        assert digests(pair.near, base, volumes) == digests(pair.far, base, volumes)
    likes = [Snapshot(new_id(), one.id, one.size_bytes, group.id, base.id) for one in volumes]
    pair.far.driver.create_consistencygroup_from_src(
        pair.far.context, group, volumes, GroupSnapshot(base.id, group.id), likes
    )
    scribble(pair.far, volumes, draw)
    back = pair.shipped(pair.far, pair.near, pair.take(pair.far, group, volumes), base)
    assert digests(pair.near, back, volumes) == digests(pair.far, back, volumes) != digests(pair.near, base, volumes)


@of_both_kinds
def test_members_that_come_go_grow_and_are_reverted_are_carried(pair: Pair) -> None:
    group, (kept, gone) = make_group(pair.near)
    turned = pair.near.volume(group.id, 2 * MIB, b"first")
    earlier = Snapshot(new_id(), turned.id, 2 * MIB, group.id)
    pair.near.driver.create_snapshot(pair.near.context, earlier)
    pair.near.write(turned, b"x" * MIB, MIB // 2)
    base = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, [kept, gone, turned]))
    pair.near.driver.revert_to_snapshot(pair.near.context, turned, earlier)
    new = pair.near.volume(group.id, 2 * MIB, b"new")
    pair.near.driver.delete_volume(pair.near.context, gone)
    pair.near.driver.extend_volume(pair.near.context, kept, 8 * MIB)
    grown = replace(kept, size_bytes=8 * MIB)
    pair.near.write(grown, b"at the end", 8 * MIB - 10)
    point = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, [grown, new, turned]), base)
    members = {one.id: one.size_bytes for one in pair.far.objects() if one.parent_id == point.id}
    assert members == {grown.id: 8 * MIB, new.id: 2 * MIB, turned.id: 2 * MIB}
    every = [grown, new, turned]
    assert digests(pair.near, point, every) == digests(pair.far, point, every)


@of_both_kinds
def test_a_delta_costs_what_changed(pair: Pair) -> None:
    group = Group(new_id())
    pair.near.driver.create_consistencygroup(pair.near.context, group)
    volume = pair.near.volume(group.id, 64 * MIB, random.Random(1).randbytes(32 * MIB))
    base = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, [volume]))
    pair.near.write(volume, b"x" * MIB, 5 * MIB)
    point = pair.take(pair.near, group, [volume])
    command = pair.replication(pair.near).send(pair.near.context, point, base.id, pair.form)
    stream, complaints = pair.near.start(command).communicate(timeout=PATIENCE_SECONDS)
    assert complaints == b""
    assert MIB <= len(stream) < 1.1 * MIB


@pytest.mark.parametrize("whole", [True, False], ids=["full", "delta"])
@pytest.mark.parametrize("victim", ["sender", "receiver"])
def test_a_killed_transfer_makes_no_point_and_the_next_one_succeeds(pair: Pair, victim: str, whole: bool) -> None:
    kill_transfers(pair, victim, whole)


@pytest.mark.parametrize("pair", MIXED[1:], indirect=True)
def test_a_killed_transfer_between_drivers_makes_no_point(pair: Pair) -> None:
    kill_transfers(pair, "receiver", whole=False)


def kill_transfers(pair: Pair, victim: str, whole: bool) -> None:
    group = Group(new_id())
    pair.near.driver.create_consistencygroup(pair.near.context, group)
    much = (8 if "lvm" in (pair.near.driver.name, pair.far.driver.name) else 40) * MIB
    volume = pair.near.volume(group.id, much + 8 * MIB, random.Random(2).randbytes(much))
    first = pair.take(pair.near, group, [volume])
    began = time.monotonic()
    pair.shipped(pair.near, pair.far, first)
    took = time.monotonic() - began
    pair.near.write(volume, random.Random(3).randbytes(much))
    point = pair.take(pair.near, group, [volume])
    base = None if whole else first
    draw = random.Random(11)
    moments = [took * (number + draw.random()) / KILLS for number in range(KILLS)]
    killed = 0
    while moments:
        moment = moments.pop()
        sent, received = pair.ship(pair.near, pair.far, point, base, -moment if victim == "sender" else moment)
        there = pair.points(pair.far, group)
        assert set(there) >= {first.id}
        if point.id in there:  # however it ended: it may have been killed behind its mark
            assert digests(pair.near, point, [volume]) == digests(pair.far, point, [volume])
            pair.replication(pair.far).forget(pair.far.context, group.id, [point.id])
        else:
            killed += 1
            assert received.exit_status != 0
            assert sent.exit_status != 0 or victim == "receiver"
        if not moments and not killed:  # quicker than the one that was timed
            assert moment > 0.001
            moments = [moment / 2]
    pair.replication(pair.far).forget(pair.far.context, group.id, [])
    assert all(one.complete for one in pair.far.objects())
    pair.shipped(pair.near, pair.far, point, base)
    assert digests(pair.near, point, [volume]) == digests(pair.far, point, [volume])
    assert all(one.complete for one in pair.far.objects())


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["file", "btrfs"])
def test_what_does_not_fit_is_refused_before_anything_is_written(stor1: Host, stor2: Host, kind: str) -> None:
    near = on_host(stor1, BtrfsDriver, "/srv/pool")
    with small_pool(stor2, kind) as far:
        pair = paired(near, far, BLOCKS)
        group = Group(new_id())
        near.driver.create_consistencygroup(near.context, group)
        volume = near.volume(group.id, 128 * MIB, random.Random(7).randbytes(112 * MIB))
        sent, received = pair.ship(near, pair.far, pair.take(near, group, [volume]))
        with pytest.raises(errors.PoolFull, match="are needed"):
            refusals.result(received, "server")
        assert sent.exit_status != 0
        assert pair.points(pair.far, group) == {}
        assert pair.far.objects() == []
        assert not list(far.pool.rglob("receiving"))


@pytest.mark.vm
@pytest.mark.timeout(3600)
def test_a_file_system_that_has_come_back_as_a_point_is_mounted_and_whole(vm1: Machine, tmp_path: Path) -> None:
    """With the volumes that lvm offers by NFS; a directory stands for the other side."""
    near = next(on_machine_for_nfs(vm1))
    pair = paired(near, in_directory(tmp_path / "far"), BLOCKS)
    group = Group(new_id())
    near.driver.create_consistencygroup(near.context, group)
    volumes = [near.volume(group.id, MIB, b"before")]
    base = pair.shipped(near, pair.far, pair.take(near, group, volumes))
    near.write(volumes[0], b"written while it was mounted", MIB // 2)
    point = pair.shipped(near, pair.far, pair.take(near, group, volumes), base)
    assert sums(pair.far, pair, point) != sums(pair.far, pair, base)
    pair.replication(near).forget(near.context, group.id, [point.id])
    pair.shipped(pair.far, near, point, base)
    near.driver.delete_consistencygroup(near.context, group, volumes)
    likes = [Snapshot(new_id(), one.id, one.size_bytes, group.id, point.id) for one in volumes]
    near.driver.create_consistencygroup_from_src(near.context, group, volumes, GroupSnapshot(point.id, group.id), likes)
    assert near.read(volumes[0], 28, MIB // 2) == b"written while it was mounted"
    near.write(volumes[0], b"on")
    assert near.read(volumes[0], 2) == b"on"


@pytest.mark.vm
def test_a_metadata_snapshot_that_a_loss_of_power_left_is_let_go_and_a_strangers_is_not(vm1: Machine) -> None:
    bench = next(on_machine(vm1))
    replication = LvmReplication("lvm", POOL, bench.runner)
    group, volumes = make_group(bench)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members_of(cgsnapshot, volumes))
    point = RecoveryPoint(cgsnapshot.id, group.id, new_id(), 1, datetime.now(UTC))
    bench.script("dmsetup message cgvg-pool-tpool 0 reserve_metadata_snap")
    try:
        with pytest.raises(errors.Busy, match="another program holds"):
            replication.note_point(bench.context, point)
        bench.script("mkdir -p /var/lib/cgctl; : >/var/lib/cgctl/lvm-reserved-cgvg-pool")
        replication.note_point(bench.context, point)
        assert bench.script(f"{HELD}; ls /var/lib/cgctl/lvm-reserved-* || :").split() == ["-"]
    finally:
        bench.script(f"[ $({HELD}) = - ] || dmsetup message cgvg-pool-tpool 0 release_metadata_snap")


@pytest.mark.vm
@pytest.mark.timeout(3600)
def test_a_fenced_side_is_written_to_by_nobody_not_even_its_file_systems(vm1: Machine) -> None:
    """What a planned failover leaves is what it has shipped, after a loss of power, too, and no client's writes."""
    bench = next(on_machine_for_nfs(vm1))
    replication = LvmReplication("lvm", POOL, bench.runner)
    group, generation = Group(new_id()), new_id()
    bench.driver.create_consistencygroup(bench.context, group)
    volume = bench.volume(group.id, MIB, b"before")
    replication.note_side(bench.context, group.id, generation, SideState.SERVING, [Generation(generation)])
    bench.write(volume, b"acknowledged")
    replication.note_side(bench.context, group.id, generation, SideState.FENCED)
    with pytest.raises(CommandFailed):
        bench.write(volume, b"after the fence")
    final, kept = GroupSnapshot(new_id(), group.id), GroupSnapshot(new_id(), group.id)
    bench.driver.create_cgsnapshot(bench.context, final, members_of(final, [volume]))
    replication.note_point(
        bench.context, RecoveryPoint(final.id, group.id, generation, 1, datetime.now(UTC), is_final=True)
    )
    vm1.run(["sync"])
    vm1.kill()
    vm1.start()
    vm1.script("sh /usr/local/lib/cgctl/lvm-gates")
    with pytest.raises(CommandFailed):
        bench.write(volume, b"after the boot")
    assert [
        one for one in bench.driver.check_for_setup_error(bench.context) if one.check == "mounts" and not one.ok
    ] == []
    bench.driver.create_cgsnapshot(bench.context, kept, members_of(kept, [volume]))
    assert replication.changes(bench.context, group.id, kept.id, final.id).changed_bytes == 0
    replication.note_side(bench.context, group.id, generation, SideState.SERVING)
    bench.write(volume, b"served again")
    assert bench.read(volume, 12) == b"served again"


def sums(bench: Bench, pair: Pair, point: RecoveryPoint) -> Mapping[str, MemberSums]:
    """What the server itself says is in a point."""
    replication = pair.replication(bench)
    assert isinstance(replication, Verifying)
    command = replication.checksums(bench.context, point.group_id, point.id, MIB)
    return replication.sums(refusals.result(bench.runner.run(command, 60), "server"))


def test_a_replica_that_was_edited_by_hand_is_noticed_and_not_overwritten(pair: Pair) -> None:
    group, volumes = make_group(pair.near)
    base = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes))
    before = sums(pair.far, pair, base)
    assert before == sums(pair.near, pair, base)
    pair.far.edit_member(base.id, volumes[0], b"by hand")
    differing = {key: one.chunks for key, one in sums(pair.far, pair, base).items() if one != before[key]}
    assert list(differing) == [volumes[0].id]
    assert differing[volumes[0].id][1:] == before[volumes[0].id].chunks[1:]
    edited = digests(pair.far, base, volumes)
    assert pair.points(pair.far, group) == {base.id: False}
    pair.near.write(volumes[0], b"later")
    point = pair.take(pair.near, group, volumes)
    _, received = pair.ship(pair.near, pair.far, point, base)
    with pytest.raises(errors.PointChanged):
        refusals.result(received, "server")
    assert digests(pair.far, base, volumes) == edited != digests(pair.near, base, volumes)
    assert set(pair.points(pair.far, group)) == {base.id}


def test_notes_tell_side_and_generations(pair: Pair) -> None:
    group, volumes = make_group(pair.near)
    near, context = pair.replication(pair.near), pair.near.context
    first, second = Generation(new_id()), Generation(new_id(), new_id(), new_id())
    near.note_side(context, group.id, first.id, SideState.SERVING, [first])
    near.note_side(context, group.id, first.id, SideState.FENCED, [second, first])
    side = near.observe(context, group.id)
    assert (side.generation_id, side.state, side.has_live) == (first.id, SideState.FENCED, True)
    assert set(side.generations) == {first, second}
    pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes))
    for bench in (pair.near, pair.far):
        pair.replication(bench).forget(bench.context, group.id)
        pair.replication(bench).forget(bench.context, group.id)
        left = pair.replication(bench).observe(bench.context, group.id)
        assert (left.generation_id, left.generations, left.points) == (None, (), ())
    assert bench.ids(ObjectKind.GROUP_SNAPSHOT) == set()


def test_changes_between_two_sets_are_counted(pair: Pair) -> None:
    group, volumes = make_group(pair.near)
    base, same = (pair.take(pair.near, group, volumes) for _ in range(2))
    before = datetime.now(UTC)
    pair.near.write(volumes[1], b"x" * 4096, MIB)
    other = pair.take(pair.near, group, volumes)
    near = pair.replication(pair.near)
    assert near.changes(pair.near.context, group.id, same.id, base.id).changed_bytes == 0
    changes = near.changes(pair.near.context, group.id, other.id, base.id)
    assert 4096 <= changes.changed_bytes <= 65536
    if pair.near.driver.name == "lvm":
        assert changes.last_write_at is None, "a block device does not know"
        return
    assert changes.last_write_at is not None
    assert abs((changes.last_write_at - before).total_seconds()) < 5


def test_another_owner_gets_nothing(pair: Pair) -> None:
    group, volumes = make_group(pair.near)
    point = pair.shipped(pair.near, pair.far, pair.take(pair.near, group, volumes))
    far = pair.replication(pair.far)
    for call in (
        lambda: far.observe(pair.far.stranger, group.id),
        lambda: far.forget(pair.far.stranger, group.id, [point.id]),
        lambda: far.note_side(pair.far.stranger, group.id, pair.generation.id, SideState.SERVING),
    ):
        with pytest.raises(errors.PoolForeign):
            call()
