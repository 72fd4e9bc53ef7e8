"""Promises about what is in the pool and not cgctl's: listed, taken over, given back; and about reverting a volume."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers import errors
from drivers.contract import Group, Manageable, ObjectKind, Snapshot, Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_groups import contents, make_group, members_of, take
from tests.contract.test_killed import killed, moments
from tests.contract.test_volumes import snapshot_of


def found(bench: Bench, reference: str) -> Manageable:
    """What is listed under a reference."""
    return next(one for one in bench.driver.list_manageable(bench.context) if one.reference == reference)


def references(bench: Bench) -> set[str]:
    return {one.reference for one in bench.driver.list_manageable(bench.context) if not one.cgctl_id}


def taken(bench: Bench, reference: str, group_id: str | None = None) -> Volume:
    """The volume that is made of it."""
    volume = Volume(new_id(), found(bench, reference).size_bytes, group_id)
    bench.driver.manage_existing(bench.context, volume, reference)
    return volume


# Manage


def test_what_is_foreign_is_listed_and_nothing_is_changed(bench: Bench) -> None:
    reference = bench.foreign("guest", b"theirs", 3 * MIB)
    assert found(bench, reference) == Manageable(reference, 3 * MIB)
    assert found(bench, reference) == Manageable(reference, 3 * MIB)
    with pytest.raises(errors.PoolUnmarked):
        bench.objects()


def test_a_managed_volume_has_the_data_and_size_and_is_gone_from_its_old_place(bench: Bench) -> None:
    reference = bench.foreign("guest", b"theirs")
    volume = taken(bench, reference)
    assert bench.read(volume, 6) == b"theirs"
    assert bench.size(volume) == volume.size_bytes
    assert references(bench) == set()
    assert [(one.id, one.complete) for one in bench.objects()] == [(volume.id, True)]


def test_a_managed_volume_is_one_like_others(bench: Bench) -> None:
    volume = taken(bench, bench.foreign("guest", b"theirs"))
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.write(volume, b"ours!!")
    bench.driver.extend_volume(bench.context, volume, 2 * volume.size_bytes)
    clone = Volume(new_id(), volume.size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, clone, snapshot)
    assert bench.read(clone, 6) == b"theirs"


def test_managing_into_a_group_makes_a_member(bench: Bench) -> None:
    group, _ = make_group(bench)
    volume = taken(bench, bench.foreign("guest", b"theirs"), group.id)
    assert bench.read(volume, 6) == b"theirs"
    assert [one.parent_id for one in bench.objects() if one.id == volume.id] == [group.id]


def test_managing_again_ends_the_same(bench: Bench) -> None:
    reference = bench.foreign("guest", b"theirs")
    volume = taken(bench, reference)
    bench.write(volume, b"ours!!")
    bench.driver.manage_existing(bench.context, volume, reference)
    assert bench.read(volume, 6) == b"ours!!"


def test_another_one_that_came_to_the_same_place_stays(bench: Bench) -> None:
    reference = bench.foreign("guest", b"theirs")
    volume = taken(bench, reference)
    assert bench.foreign("guest", b"second") == reference
    bench.driver.manage_existing(bench.context, volume, reference)
    assert references(bench) == {reference}
    assert bench.read(volume, 6) == b"theirs"


def test_what_is_managed_is_listed_as_such(bench: Bench) -> None:
    volume = bench.volume()
    (listed,) = bench.driver.list_manageable(bench.context)
    assert (listed.cgctl_id, listed.size_bytes) == (volume.id, volume.size_bytes)
    assert listed.reason_not_safe


def test_managing_what_is_not_there_is_refused(bench: Bench) -> None:
    reference = bench.foreign("guest")
    bench.driver.delete_volume(bench.context, taken(bench, reference))
    with pytest.raises(errors.NotOnServer):
        bench.driver.manage_existing(bench.context, Volume(new_id(), MIB), reference)
    assert bench.objects() == []


def test_managing_with_another_size_is_refused_and_it_stays(bench: Bench) -> None:
    reference = bench.foreign("guest", size_bytes=2 * MIB)
    bench.volume()
    with pytest.raises(errors.ServerRefused):
        bench.driver.manage_existing(bench.context, Volume(new_id(), MIB), reference)
    assert references(bench) == {reference}
    assert len(bench.objects()) == 1


def test_managing_into_a_group_that_is_not_there_is_refused_and_it_stays(bench: Bench) -> None:
    reference = bench.foreign("guest", b"theirs")
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.manage_existing(bench.context, Volume(new_id(), MIB, new_id()), reference)
    assert references(bench) == {reference}


def test_another_state_store_neither_sees_nor_takes_anything(bench: Bench) -> None:
    bench.volume()
    reference = bench.foreign("guest")
    with pytest.raises(errors.PoolForeign):
        bench.driver.list_manageable(bench.stranger)
    with pytest.raises(errors.PoolForeign):
        bench.driver.manage_existing(bench.stranger, Volume(new_id(), MIB), reference)
    assert references(bench) == {reference}


def test_a_killed_manage_is_ended_by_the_second_run_and_loses_nothing(bench: Bench) -> None:
    bench.volume()
    numbers = iter(range(100))

    def one() -> None:
        taken(bench, bench.foreign(f"guest-{next(numbers)}"))

    for number, seconds in enumerate(moments(bench, one)):
        reference = bench.foreign(f"disk-{number}", b"round %2d" % number)
        volume = Volume(new_id(), found(bench, reference).size_bytes)
        killed(bench, lambda v=volume, r=reference: bench.driver.manage_existing(bench.context, v, r), seconds)  # type: ignore[misc]
        bench.driver.manage_existing(bench.context, volume, reference)
        assert contents(bench, [volume]) == [b"round %2d" % number]
        assert references(bench) == set()
        assert all(item.complete for item in bench.objects())


# Unmanage


def test_an_unmanaged_volume_is_foreign_again_with_its_data(bench: Bench) -> None:
    volume = bench.volume(data=b"leaves")
    reference = bench.driver.unmanage(bench.context, volume, "leaver")
    assert "leaver" in reference
    assert bench.objects() == []
    assert found(bench, reference).reason_not_safe is None
    assert bench.read(taken(bench, reference), 6) == b"leaves"


def test_unmanaging_again_ends_the_same(bench: Bench) -> None:
    volume = bench.volume(data=b"leaves")
    first = bench.driver.unmanage(bench.context, volume, "leaver")
    assert bench.driver.unmanage(bench.context, volume, "leaver") == first
    assert references(bench) == {first}


def test_a_name_that_is_taken_is_refused_and_both_stay(bench: Bench) -> None:
    first, second = bench.volume(data=b"first!"), bench.volume(data=b"second")
    bench.driver.unmanage(bench.context, first, "leaver")
    with pytest.raises(errors.AlreadyOnServer):
        bench.driver.unmanage(bench.context, second, "leaver")
    assert bench.read(second, 6) == b"second"
    assert len(references(bench)) == 1


def test_unmanaging_what_is_not_there_is_refused(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.unmanage(bench.context, Volume(new_id(), MIB), "leaver")


@pytest.mark.parametrize("name", ["", "../out", "a b", "-rf", "a/b", "x\n", "$(reboot)"])
def test_odd_names_are_refused_before_anything_runs(bench: Bench, name: str) -> None:
    with pytest.raises(errors.ServerRefused, match="name"):
        bench.driver.unmanage(bench.context, Volume(new_id(), MIB), name)
    assert bench.runner.executions == 0


def test_a_killed_unmanage_is_ended_by_the_second_run_and_loses_nothing(bench: Bench) -> None:
    numbers = iter(range(100))
    for number, seconds in enumerate(
        moments(bench, lambda: bench.driver.unmanage(bench.context, bench.volume(), f"one-{next(numbers)}"))
    ):
        volume = bench.volume(data=b"round %2d" % number)
        killed(bench, lambda v=volume, n=number: bench.driver.unmanage(bench.context, v, f"disk-{n}"), seconds)  # type: ignore[misc]
        reference = bench.driver.unmanage(bench.context, volume, f"disk-{number}")
        assert all(item.complete for item in bench.objects())
        again = taken(bench, reference)
        assert contents(bench, [again]) == [b"round %2d" % number]


# Snapshots


def test_an_unmanaged_snapshot_is_foreign_and_can_be_managed_again(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.write(volume, b"after!")
    for _ in range(2):
        reference = bench.driver.unmanage_snapshot(bench.context, snapshot, "kept")
    assert bench.ids(ObjectKind.SNAPSHOT) == set()
    listed = {one.reference: one for one in bench.driver.list_manageable_snapshots(bench.context)}
    assert listed[reference].reason_not_safe is None
    again = replace(snapshot, id=new_id())
    for _ in range(2):
        bench.driver.manage_existing_snapshot(bench.context, again, reference)
    assert bench.ids(ObjectKind.SNAPSHOT) == {again.id}
    assert [one.parent_id for one in bench.objects() if one.id == again.id] == [volume.id]
    restored = Volume(new_id(), volume.size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, restored, again)
    assert bench.read(restored, 6) == b"before"


def test_a_snapshot_that_is_managed_is_listed_with_its_volume(bench: Bench) -> None:
    volume = bench.volume()
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    (listed,) = [one for one in bench.driver.list_manageable_snapshots(bench.context) if one.cgctl_id]
    assert listed.cgctl_id == snapshot.id
    assert volume.id in (listed.source_reference or "")
    assert listed.reason_not_safe


# Revert


def test_a_reverted_volume_has_the_data_of_its_snapshot_and_the_snapshot_stays(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    for text in (b"after!", b"later!"):
        bench.write(volume, text)
        bench.driver.revert_to_snapshot(bench.context, volume, snapshot)
        assert bench.read(volume, 6) == b"before"
        bench.driver.revert_to_snapshot(bench.context, volume, snapshot)
    assert len(bench.objects()) == 2


def test_a_member_is_reverted_to_a_member_of_a_group_snapshot_and_the_others_stay(bench: Bench) -> None:
    group, volumes = make_group(bench)
    cgsnapshot, _ = take(bench, group, volumes)
    for volume in volumes:
        bench.write(volume, b"changed!")
    bench.driver.revert_to_snapshot(bench.context, volumes[0], members_of(cgsnapshot, volumes)[0])
    assert contents(bench, volumes) == [b"member 0", b"changed!"]


def test_a_volume_that_has_grown_since_is_not_reverted(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.write(volume, b"after!")
    grown = replace(volume, size_bytes=2 * volume.size_bytes)
    bench.driver.extend_volume(bench.context, volume, grown.size_bytes)
    with pytest.raises(errors.ServerRefused):
        bench.driver.revert_to_snapshot(bench.context, grown, snapshot)
    assert bench.read(grown, 6) == b"after!"


def test_reverting_to_what_is_not_there_is_refused(bench: Bench) -> None:
    volume = bench.volume(data=b"kept")
    with pytest.raises(errors.NotOnServer):
        bench.driver.revert_to_snapshot(bench.context, volume, Snapshot(new_id(), volume.id, volume.size_bytes))
    assert bench.read(volume, 4) == b"kept"


def test_a_killed_revert_leaves_the_old_or_the_new_data_and_a_second_run_ends_it(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    for seconds in moments(bench, lambda: bench.driver.revert_to_snapshot(bench.context, volume, snapshot)):
        bench.write(volume, b"after!")
        killed(bench, lambda: bench.driver.revert_to_snapshot(bench.context, volume, snapshot), seconds)
        assert bench.read(volume, 6) in (b"before", b"after!")
        bench.driver.revert_to_snapshot(bench.context, volume, snapshot)
        assert bench.read(volume, 6) == b"before"
    bench.driver.delete_volume(bench.context, volume)
    assert bench.ids(ObjectKind.VOLUME) == set()


def test_a_group_that_is_empty_can_be_filled_by_managing(bench: Bench) -> None:
    group = Group(new_id())
    bench.driver.create_consistencygroup(bench.context, group)
    volumes = [taken(bench, bench.foreign(f"disk-{number}", b"member %d" % number), group.id) for number in range(3)]
    cgsnapshot, members = take(bench, group, volumes)
    restored = Volume(new_id(), volumes[2].size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, restored, members[2])
    assert bench.read(restored, 8) == b"member 2"
    assert cgsnapshot.group_id == group.id


# A copy from another pool of the server


def test_a_copy_has_the_data_of_its_source_and_ends_in_zeros(bench: Bench) -> None:
    source = bench.volume(size_bytes=MIB, data=b"moves on")
    copy = Volume(new_id(), 2 * MIB)
    with bench.image(source) as path:
        for _ in range(2):
            bench.driver.copy_volume(bench.context, copy, path)
    bench.write(source, b"stays   ")
    assert bench.read(copy, 8) == b"moves on"
    assert bench.read(copy, MIB, MIB) == bytes(MIB)
    assert len(bench.objects()) == 2


def test_a_copy_of_what_is_not_there_or_larger_is_refused(bench: Bench) -> None:
    source = bench.volume(size_bytes=2 * MIB)
    with bench.image(source) as path:
        with pytest.raises(errors.NotOnServer):
            bench.driver.copy_volume(bench.context, Volume(new_id(), MIB), f"{path}-not")
        with pytest.raises(errors.ServerRefused):
            bench.driver.copy_volume(bench.context, Volume(new_id(), MIB), path)
    assert len(bench.objects()) == 1


def test_a_killed_copy_is_whole_or_incomplete_and_ended_by_the_second_run(bench: Bench) -> None:
    source = bench.volume(size_bytes=MIB, data=b"moves on")
    with bench.image(source) as path:
        for seconds in moments(bench, lambda: bench.driver.copy_volume(bench.context, Volume(new_id(), MIB), path)):
            copy = Volume(new_id(), MIB)
            killed(bench, lambda c=copy: bench.driver.copy_volume(bench.context, c, path), seconds)  # type: ignore[misc]
            bench.driver.copy_volume(bench.context, copy, path)
            assert contents(bench, [copy]) == [b"moves on"]
            assert all(item.complete for item in bench.objects())
