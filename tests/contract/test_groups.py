"""Promises about groups and group snapshots, of every driver."""

from __future__ import annotations

from datetime import datetime

import pytest

from drivers import errors
from drivers.contract import Group, GroupSnapshot, ObjectKind, ServerObject, Snapshot, Volume
from tests.contract.bench import MIB, Bench, new_id

SIZE = 4 * MIB


def make_group(bench: Bench, count: int = 2) -> tuple[Group, list[Volume]]:
    """A group whose n-th member begins with `member n`."""
    group = Group(new_id())
    bench.driver.create_consistencygroup(bench.context, group)
    return group, [bench.volume(group.id, SIZE, b"member %d" % number) for number in range(count)]


def members_of(cgsnapshot: GroupSnapshot, volumes: list[Volume]) -> list[Snapshot]:
    return [Snapshot(new_id(), one.id, one.size_bytes, cgsnapshot.group_id, cgsnapshot.id) for one in volumes]


def take(bench: Bench, group: Group, volumes: list[Volume]) -> tuple[GroupSnapshot, list[Snapshot]]:
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    members = members_of(cgsnapshot, volumes)
    bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members)
    return cgsnapshot, members


def likes(volumes: list[Volume], group: Group, more_bytes: int = 0) -> list[Volume]:
    """New volumes to be made from these."""
    return [Volume(new_id(), one.size_bytes + more_bytes, group.id) for one in volumes]


def contents(bench: Bench, volumes: list[Volume]) -> list[bytes]:
    for one in volumes:
        bench.settle(one)  # one that is not served any more ends what was begun, for all: none is read before
    return [bench.read(one, 8) for one in volumes]


# Groups


def test_a_group_is_there_once_and_empty(bench: Bench) -> None:
    group = Group(new_id())
    for _ in range(2):
        bench.driver.create_consistencygroup(bench.context, group)
    assert bench.objects() == [ServerObject(ObjectKind.GROUP, group.id)]


def test_members_are_listed_with_their_group(bench: Bench) -> None:
    group, volumes = make_group(bench)
    listed = [item for item in bench.objects() if item.kind is ObjectKind.VOLUME]
    assert sorted(listed, key=lambda item: item.id) == [
        ServerObject(ObjectKind.VOLUME, one.id, group.id, SIZE) for one in sorted(volumes, key=lambda one: one.id)
    ]


def test_deleting_a_group_takes_its_volumes_and_nothing_else(bench: Bench) -> None:
    group, volumes = make_group(bench)
    other, others = make_group(bench)
    for _ in range(2):
        of_group, of_volumes = bench.driver.delete_consistencygroup(bench.context, group, volumes)
        assert of_group is not None
        assert of_group["status"] == "deleted"
        assert of_volumes == [{"id": one.id, "status": "deleted"} for one in volumes]
    assert bench.ids(ObjectKind.GROUP) == {other.id}
    assert contents(bench, others) == [b"member 0", b"member 1"]


def test_a_group_with_a_volume_that_nobody_named_is_kept_with_that_volume(bench: Bench) -> None:
    group, (named, unnamed) = make_group(bench)
    of_group, of_volumes = bench.driver.delete_consistencygroup(bench.context, group, [named])
    assert of_group is not None
    assert of_group["status"] == "error_deleting"
    assert of_volumes == [{"id": named.id, "status": "deleted"}]
    assert bench.ids(ObjectKind.GROUP) == {group.id}
    assert contents(bench, [unnamed]) == [b"member 1"]


def test_a_volume_moves_into_a_group_and_out_again_with_its_data(bench: Bench) -> None:
    group, _ = make_group(bench)
    alone = bench.volume(size_bytes=SIZE, data=b"traveler")
    for _ in range(2):
        bench.driver.update_consistencygroup(bench.context, group, add_volumes=[alone])
    inside = Volume(alone.id, SIZE, group.id)
    assert contents(bench, [inside]) == [b"traveler"]
    assert ServerObject(ObjectKind.VOLUME, alone.id, group.id, SIZE) in bench.objects()
    for _ in range(2):
        bench.driver.update_consistencygroup(bench.context, group, remove_volumes=[inside])
    assert contents(bench, [alone]) == [b"traveler"]
    assert ServerObject(ObjectKind.VOLUME, alone.id, None, SIZE) in bench.objects()
    assert len([item for item in bench.objects() if item.id == alone.id]) == 1


def test_one_update_moves_both_ways(bench: Bench) -> None:
    group, (first, second) = make_group(bench)
    alone = bench.volume(size_bytes=SIZE, data=b"traveler")
    bench.driver.update_consistencygroup(bench.context, group, [alone], [first])
    moved = [Volume(alone.id, SIZE, group.id), second, Volume(first.id, SIZE)]
    assert contents(bench, moved) == [b"traveler", b"member 1", b"member 0"]


def test_an_update_that_names_a_missing_volume_moves_none(bench: Bench) -> None:
    group, _ = make_group(bench)
    alone = bench.volume(size_bytes=SIZE, data=b"traveler")
    before = bench.objects()
    with pytest.raises(errors.NotOnServer):
        bench.driver.update_consistencygroup(bench.context, group, [alone, Volume(new_id(), SIZE)])
    assert bench.objects() == before


# Group snapshots


def test_a_group_snapshot_keeps_all_members_as_they_were(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, members = take(bench, group, volumes)
    for volume in volumes:
        bench.write(volume, b"later on")
    clone = Group(new_id())
    clones = likes(volumes, clone)
    bench.driver.create_consistencygroup_from_src(bench.context, clone, clones, cgsnapshot, members)
    assert contents(bench, clones) == [b"member 0", b"member 1"]
    assert contents(bench, volumes) == [b"later on"] * 2


def test_the_receipt_tells_method_members_and_the_servers_times(bench: Bench) -> None:
    group, volumes = make_group(bench, 3)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    update, of_members = bench.driver.create_cgsnapshot(bench.bounded(5.5), cgsnapshot, members_of(cgsnapshot, volumes))
    assert update is not None
    assert of_members is None
    hold = update["hold"]
    assert hold["members"] == 3
    assert hold["bound_seconds"] == 5.5
    began, ended = (datetime.fromisoformat(hold[key]) for key in ("began_at", "ended_at"))
    assert began.utcoffset() is not None
    assert 0 <= (ended - began).total_seconds() < 5.5


def test_a_group_snapshot_taken_again_is_still_the_first_one_with_its_receipt(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    members = members_of(cgsnapshot, volumes)
    first = bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members)
    bench.write(volumes[0], b"later on")
    assert bench.driver.create_cgsnapshot(bench.context, cgsnapshot, members) == first
    restored = Volume(new_id(), SIZE)
    bench.driver.create_volume_from_snapshot(bench.context, restored, members[0])
    assert contents(bench, [restored]) == [b"member 0"]


def test_a_group_snapshot_is_listed_with_its_group_and_members(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, _ = take(bench, group, volumes)
    listed = bench.objects()
    assert ServerObject(ObjectKind.GROUP_SNAPSHOT, cgsnapshot.id, group.id) in listed
    for volume in volumes:
        assert ServerObject(ObjectKind.SNAPSHOT, volume.id, cgsnapshot.id, SIZE) in listed


@pytest.mark.parametrize("change", ["missing", "too many", "other size"])
def test_a_group_that_is_not_as_expected_is_not_snapshotted(bench: Bench, change: str) -> None:
    group, volumes = make_group(bench)
    expected = {
        "missing": [*volumes, Volume(new_id(), SIZE, group.id)],
        "too many": volumes[:1],
        "other size": [volumes[0], Volume(volumes[1].id, SIZE + MIB, group.id)],
    }[change]
    before = bench.objects()
    with pytest.raises(errors.ServerRefused):
        take(bench, group, expected)
    assert bench.objects() == before


def test_a_group_that_is_not_there_is_not_snapshotted(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        take(bench, Group(new_id()), [Volume(new_id(), SIZE)])


def test_a_group_snapshot_outlives_its_group_and_is_deleted_once_or_twice(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, members = take(bench, group, volumes)
    bench.driver.delete_consistencygroup(bench.context, group, volumes)
    clone = Group(new_id())
    clones = likes(volumes, clone)
    bench.driver.create_consistencygroup_from_src(bench.context, clone, clones, cgsnapshot, members)
    for _ in range(2):
        bench.driver.delete_cgsnapshot(bench.context, cgsnapshot, members)
    assert bench.ids(ObjectKind.GROUP_SNAPSHOT) | bench.ids(ObjectKind.SNAPSHOT) == set()
    assert contents(bench, clones) == [b"member 0", b"member 1"]


def test_a_deleted_group_snapshot_is_no_source(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, members = take(bench, group, volumes)
    bench.driver.delete_cgsnapshot(bench.context, cgsnapshot, members)
    clone = Group(new_id())
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_consistencygroup_from_src(bench.context, clone, likes(volumes, clone), cgsnapshot, members)
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_volume_from_snapshot(bench.context, Volume(new_id(), SIZE), members[0])
    assert bench.ids(ObjectKind.GROUP) == {group.id}


# Groups from groups


def test_a_clone_of_a_group_and_its_source_do_not_see_each_others_writes(bench: Bench) -> None:
    group, volumes = make_group(bench)
    clone = Group(new_id())
    clones = likes(volumes, clone)
    driver = bench.driver
    driver.create_consistencygroup_from_src(bench.context, clone, clones, source_cg=group, source_vols=volumes)
    bench.write(clones[0], b"of clone")
    bench.write(volumes[1], b"of group")
    driver.create_consistencygroup_from_src(bench.context, clone, clones, source_cg=group, source_vols=volumes)
    assert contents(bench, clones) == [b"of clone", b"member 1"]
    assert contents(bench, volumes) == [b"member 0", b"of group"]


def test_members_of_a_clone_may_be_larger_and_end_in_zeros(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, members = take(bench, group, volumes)
    clone = Group(new_id())
    clones = likes(volumes, clone, MIB)
    bench.driver.create_consistencygroup_from_src(bench.context, clone, clones, cgsnapshot, members)
    for volume in clones:
        assert bench.size(volume) == SIZE + MIB
        assert bench.read(volume, MIB, SIZE) == bytes(MIB)
    take(bench, clone, clones)


def test_members_of_a_clone_cannot_be_smaller(bench: Bench) -> None:
    group, volumes = make_group(bench)
    clone = Group(new_id())
    clones = likes(volumes, clone, -MIB)
    with pytest.raises(errors.ServerRefused):
        bench.driver.create_consistencygroup_from_src(
            bench.context, clone, clones, source_cg=group, source_vols=volumes
        )
    assert bench.ids(ObjectKind.GROUP) == {group.id}


def test_the_order_of_volumes_and_sources_decides_and_what_is_not_named_is_left_out(bench: Bench) -> None:
    group, volumes = make_group(bench, 3)
    cgsnapshot, members = take(bench, group, volumes)
    clone = Group(new_id())
    clones = likes(volumes[:2], clone)
    bench.driver.create_consistencygroup_from_src(bench.context, clone, clones, cgsnapshot, [members[2], members[0]])
    assert contents(bench, clones) == [b"member 2", b"member 0"]
    inside = {item.id for item in bench.objects() if item.parent_id == clone.id and item.kind is ObjectKind.VOLUME}
    assert inside == {one.id for one in clones}


def test_a_clone_of_a_missing_member_makes_nothing(bench: Bench) -> None:
    group, volumes = make_group(bench)
    clone = Group(new_id())
    sources = [*volumes, Volume(new_id(), SIZE, group.id)]
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_consistencygroup_from_src(
            bench.context, clone, likes(sources, clone), source_cg=group, source_vols=sources
        )
    assert bench.ids(ObjectKind.GROUP) == {group.id}


@pytest.mark.parametrize("count", [1, 16])
def test_every_call_is_one_execution_whatever_the_number_of_members(bench: Bench, count: int) -> None:
    group, volumes = make_group(bench, count)
    moved = [Volume(one.id, SIZE) for one in volumes]
    cgsnapshot = GroupSnapshot(new_id(), group.id)
    members = members_of(cgsnapshot, volumes)
    clone = Group(new_id())
    clones = likes(volumes, clone)
    driver, context = bench.driver, bench.context
    for call in (
        lambda: driver.create_cgsnapshot(context, cgsnapshot, members),
        lambda: driver.create_consistencygroup_from_src(context, clone, clones, cgsnapshot, members),
        lambda: driver.update_consistencygroup(context, group, remove_volumes=volumes),
        lambda: driver.update_consistencygroup(context, group, add_volumes=moved),
        lambda: driver.delete_cgsnapshot(context, cgsnapshot, members),
        lambda: driver.delete_consistencygroup(context, clone, clones),
        lambda: driver.list_objects(context),
        lambda: driver.get_volume_stats(context),
        lambda: driver.check_for_setup_error(context),
    ):
        before = bench.runner.executions
        call()
        assert bench.runner.executions == before + 1
