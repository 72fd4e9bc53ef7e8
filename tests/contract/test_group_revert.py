"""Promises about taking a whole group back to a group snapshot, of every driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers import errors
from drivers.contract import Group, GroupSnapshot, HoldReceipt, ObjectKind, ServerObject, Snapshot, Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_groups import SIZE, contents, likes, make_group, members_of, take
from tests.contract.test_killed import killed, moments

LATER = b"later on"
OLD, NEW = [b"member 0", b"member 1"], [LATER] * 2


def changed_group(bench: Bench) -> tuple[Group, list[Volume], GroupSnapshot, list[Snapshot]]:
    """A group, its group snapshot, and what was written since."""
    group, volumes = make_group(bench)
    cgsnapshot, members = take(bench, group, volumes)
    change(bench, volumes)
    return group, volumes, cgsnapshot, members


def change(bench: Bench, volumes: list[Volume]) -> None:
    for volume in volumes:
        bench.write(volume, LATER)


def revert(
    bench: Bench,
    group: Group,
    volumes: list[Volume],
    cgsnapshot: GroupSnapshot,
    members: list[Snapshot],
    kept: GroupSnapshot | None = None,
) -> HoldReceipt | None:
    update, of_members = bench.driver.revert_consistencygroup(
        bench.context, group, volumes, cgsnapshot, members, kept=kept
    )
    assert of_members is None
    return update["hold"] if update else None


def restored(bench: Bench, cgsnapshot: GroupSnapshot, volumes: list[Volume]) -> list[bytes]:
    """How the members of a group snapshot begin."""
    copy = Group(new_id())
    copies = likes(volumes, copy)
    bench.driver.create_consistencygroup_from_src(
        bench.context, copy, copies, cgsnapshot, members_of(cgsnapshot, volumes)
    )
    found = contents(bench, copies)
    bench.driver.delete_consistencygroup(bench.context, copy, copies)
    return found


def test_every_member_has_its_old_data_and_the_group_snapshot_stays(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    before = bench.objects()
    for _ in range(2):
        assert revert(bench, group, volumes, cgsnapshot, members) is None
        assert contents(bench, volumes) == OLD
        assert bench.objects() == before
    change(bench, volumes)
    assert restored(bench, cgsnapshot, volumes) == OLD


def test_what_is_replaced_becomes_a_group_snapshot(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    kept = GroupSnapshot(new_id(), group.id)
    receipt = revert(bench, group, volumes, cgsnapshot, members, kept)
    assert receipt is not None
    assert receipt["members"] == 2
    assert receipt["began_at"] == receipt["ended_at"]
    assert contents(bench, volumes) == OLD
    assert restored(bench, kept, volumes) == NEW
    listed = bench.objects()
    assert ServerObject(ObjectKind.GROUP_SNAPSHOT, kept.id, group.id) in listed
    assert all(item.complete for item in listed)
    assert {item.id for item in listed if item.parent_id == kept.id} == {one.id for one in volumes}


def test_a_second_run_changes_nothing_and_gives_the_same_receipt(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    kept = GroupSnapshot(new_id(), group.id)
    first = revert(bench, group, volumes, cgsnapshot, members, kept)
    bench.write(volumes[0], b"the new ")
    assert revert(bench, group, volumes, cgsnapshot, members, kept) == first
    assert contents(bench, volumes) == [b"the new ", b"member 1"]


def test_a_group_goes_back_and_forth_between_what_was_kept(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    first, second = GroupSnapshot(new_id(), group.id), GroupSnapshot(new_id(), group.id)
    revert(bench, group, volumes, cgsnapshot, members, first)
    revert(bench, group, volumes, first, members_of(first, volumes), second)
    assert contents(bench, volumes) == NEW
    assert restored(bench, second, volumes) == OLD
    for one in (first, second, cgsnapshot):
        bench.driver.delete_cgsnapshot(bench.context, one, members_of(one, volumes))
    assert contents(bench, volumes) == NEW
    assert bench.ids(ObjectKind.GROUP_SNAPSHOT) == set()


def test_a_member_that_has_grown_keeps_its_size_and_ends_in_zeros(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    bench.driver.extend_volume(bench.context, volumes[1], SIZE + MIB)
    grown = [volumes[0], replace(volumes[1], size_bytes=SIZE + MIB)]
    bench.write(grown[1], b"more", SIZE)
    kept = GroupSnapshot(new_id(), group.id)
    revert(bench, group, grown, cgsnapshot, members, kept)
    assert contents(bench, grown) == OLD
    assert [bench.size(one) for one in grown] == [SIZE, SIZE + MIB]
    assert bench.read(grown[1], MIB, SIZE) == bytes(MIB)
    copy = Volume(new_id(), SIZE + MIB)
    bench.driver.create_volume_from_snapshot(bench.context, copy, members_of(kept, grown)[1])
    assert bench.read(copy, 4, SIZE) == b"more"


def test_a_group_that_is_not_as_expected_is_left_alone(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    strange = Volume(new_id(), SIZE, group.id)
    kept = GroupSnapshot(new_id(), group.id)
    before = bench.objects()
    wrong: list[tuple[list[Volume], GroupSnapshot, list[Snapshot]]] = [
        (volumes[:1], cgsnapshot, members[:1]),
        (volumes, cgsnapshot, members[:1]),
        (volumes, cgsnapshot, members[::-1]),
        ([*volumes, strange], cgsnapshot, members_of(cgsnapshot, [*volumes, strange])),
        ([replace(one, size_bytes=SIZE - MIB) for one in volumes], cgsnapshot, members),
        (volumes, GroupSnapshot(new_id(), group.id), members),
        ([], cgsnapshot, []),
    ]
    for its_volumes, its_set, its_members in wrong:
        with pytest.raises(errors.ServerRefused):
            revert(bench, group, its_volumes, its_set, its_members, kept)
        assert bench.objects() == before
        assert contents(bench, volumes) == NEW


def test_a_member_that_somebody_has_open_is_not_replaced(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    before = bench.objects()
    with bench.opened(volumes[1]), pytest.raises(errors.Busy):
        revert(bench, group, volumes, cgsnapshot, members)
    assert bench.objects() == before
    assert contents(bench, volumes) == NEW


@pytest.mark.parametrize("count", [1, 16])
def test_a_revert_is_one_execution_whatever_the_number_of_members(bench: Bench, count: int) -> None:
    group, volumes = make_group(bench, count)
    cgsnapshot, members = take(bench, group, volumes)
    before = bench.runner.executions
    revert(bench, group, volumes, cgsnapshot, members, GroupSnapshot(new_id(), group.id))
    assert bench.runner.executions == before + 1


@pytest.mark.parametrize("keeps", [True, False])
def test_a_killed_revert_leaves_all_old_or_all_new_and_the_second_run_ends_it(bench: Bench, keeps: bool) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)

    def whole() -> None:
        revert(bench, group, volumes, cgsnapshot, members, GroupSnapshot(new_id(), group.id) if keeps else None)

    kills = 0
    for seconds in moments(bench, whole, 12):
        change(bench, volumes)
        kept = GroupSnapshot(new_id(), group.id) if keeps else None
        kills += killed(bench, lambda k=kept: revert(bench, group, volumes, cgsnapshot, members, k), seconds)  # type: ignore[misc]
        assert contents(bench, volumes) in (OLD, NEW)
        revert(bench, group, volumes, cgsnapshot, members, kept)
        assert contents(bench, volumes) == OLD
        assert all(item.complete for item in bench.objects())
        if kept:
            assert restored(bench, kept, volumes) == NEW
            bench.driver.delete_cgsnapshot(bench.context, kept, members_of(kept, volumes))
    assert kills > 0


def test_what_a_killed_revert_left_goes_with_the_group(bench: Bench) -> None:
    group, volumes, cgsnapshot, members = changed_group(bench)
    for seconds in moments(bench, lambda: revert(bench, group, volumes, cgsnapshot, members)):
        copy = Group(new_id())
        copies = likes(volumes, copy)
        bench.driver.create_consistencygroup_from_src(bench.context, copy, copies, cgsnapshot, members)
        of_copy, its_members = take(bench, copy, copies)
        kept = GroupSnapshot(new_id(), copy.id)
        killed(bench, lambda c=(copy, copies, of_copy, its_members, kept): revert(bench, *c), seconds)  # type: ignore[misc]
        bench.driver.delete_consistencygroup(bench.context, copy, copies)
        for one in (kept, of_copy):
            bench.driver.delete_cgsnapshot(bench.context, one, members_of(one, copies))
        mine = {copy.id, kept.id, of_copy.id, *(one.id for one in copies)}
        assert [item for item in bench.objects() if {item.id, item.parent_id} & mine] == []
