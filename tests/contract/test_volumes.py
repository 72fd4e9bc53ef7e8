"""Promises about single volumes and their snapshots, of every driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers import errors
from drivers.contract import Group, ObjectKind, ServerObject, Snapshot, Volume
from tests.contract.bench import MIB, Bench, new_id


def snapshot_of(volume: Volume) -> Snapshot:
    return Snapshot(new_id(), volume.id, volume.size_bytes, volume.group_id)


def test_a_new_volume_has_its_size_and_reads_as_zeros(bench: Bench) -> None:
    volume = bench.volume(size_bytes=3 * MIB)
    assert bench.read(volume, 4 * MIB) == bytes(3 * MIB)


def test_a_volume_is_listed_with_its_size_and_without_a_group(bench: Bench) -> None:
    volume = bench.volume()
    assert bench.objects() == [ServerObject(ObjectKind.VOLUME, volume.id, None, volume.size_bytes)]


def test_creating_again_keeps_the_data(bench: Bench) -> None:
    volume = bench.volume(data=b"kept")
    bench.driver.create_volume(bench.context, volume)
    assert bench.read(volume, 4) == b"kept"
    assert len(bench.objects()) == 1


def test_creating_again_with_another_size_is_refused(bench: Bench) -> None:
    volume = bench.volume()
    with pytest.raises(errors.AlreadyOnServer):
        bench.driver.create_volume(bench.context, replace(volume, size_bytes=volume.size_bytes + MIB))
    assert bench.size(volume) == volume.size_bytes


def test_a_volume_in_a_group_that_is_not_there_is_refused(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_volume(bench.context, Volume(new_id(), MIB, new_id()))
    assert len(bench.objects()) == 1


def test_a_volume_cannot_be_made_a_second_time_elsewhere(bench: Bench) -> None:
    volume = bench.volume()
    group_id = new_id()
    bench.driver.create_consistencygroup(bench.context, Group(group_id))
    with pytest.raises(errors.AlreadyOnServer):
        bench.driver.create_volume(bench.context, replace(volume, group_id=group_id))


def test_deleting_removes_it_and_a_second_time_is_fine(bench: Bench) -> None:
    volume, other = bench.volume(data=b"gone"), bench.volume(data=b"here")
    bench.driver.delete_volume(bench.context, volume)
    bench.driver.delete_volume(bench.context, volume)
    assert bench.ids(ObjectKind.VOLUME) == {other.id}
    assert bench.read(other, 4) == b"here"


def test_a_volume_with_a_deleted_ones_id_reads_as_zeros(bench: Bench) -> None:
    volume = bench.volume(data=b"secret")
    bench.driver.delete_volume(bench.context, volume)
    bench.driver.create_volume(bench.context, volume)
    assert bench.read(volume, 6) == bytes(6)


def test_extending_keeps_the_data_and_adds_zeros(bench: Bench) -> None:
    volume = bench.volume(size_bytes=MIB, data=b"x" * MIB)
    for _ in range(2):
        bench.driver.extend_volume(bench.context, volume, 2 * MIB)
    assert bench.read(volume, 3 * MIB) == b"x" * MIB + bytes(MIB)


def test_a_volume_is_never_made_smaller(bench: Bench) -> None:
    volume = bench.volume(size_bytes=2 * MIB, data=b"x" * 2 * MIB)
    with pytest.raises(errors.ServerRefused, match="never made smaller"):
        bench.driver.extend_volume(bench.context, volume, MIB)
    assert bench.read(volume, 3 * MIB) == b"x" * 2 * MIB


def test_extending_what_is_not_there_is_refused(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.extend_volume(bench.context, Volume(new_id(), MIB), 2 * MIB)


def test_a_snapshot_keeps_the_data_of_its_moment(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.write(volume, b"after!")
    restored = Volume(new_id(), volume.size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, restored, snapshot)
    assert bench.read(restored, 6) == b"before"
    assert bench.read(volume, 6) == b"after!"


def test_a_snapshot_taken_again_is_still_the_first_one(bench: Bench) -> None:
    volume = bench.volume(data=b"before")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.write(volume, b"after!")
    bench.driver.create_snapshot(bench.context, snapshot)
    restored = Volume(new_id(), volume.size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, restored, snapshot)
    assert bench.read(restored, 6) == b"before"


def test_a_snapshot_is_listed_with_its_volume(bench: Bench) -> None:
    volume = bench.volume()
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    assert ServerObject(ObjectKind.SNAPSHOT, snapshot.id, volume.id, volume.size_bytes) in bench.objects()


def test_a_snapshot_outlives_its_volume_and_is_deleted_once_or_twice(bench: Bench) -> None:
    volume = bench.volume(data=b"data")
    snapshot = snapshot_of(volume)
    bench.driver.create_snapshot(bench.context, snapshot)
    bench.driver.delete_volume(bench.context, volume)
    restored = Volume(new_id(), volume.size_bytes)
    bench.driver.create_volume_from_snapshot(bench.context, restored, snapshot)
    assert bench.read(restored, 4) == b"data"
    for _ in range(2):
        bench.driver.delete_snapshot(bench.context, snapshot)
    assert bench.ids(ObjectKind.SNAPSHOT) == set()
    assert bench.read(restored, 4) == b"data"


def test_a_snapshot_of_what_is_not_there_is_refused(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_snapshot(bench.context, Snapshot(new_id(), new_id(), MIB))
    assert bench.ids(ObjectKind.SNAPSHOT) == set()


def test_a_clone_and_its_source_do_not_see_each_others_writes(bench: Bench) -> None:
    source = bench.volume(data=b"common")
    clone = Volume(new_id(), source.size_bytes)
    bench.driver.create_cloned_volume(bench.context, clone, source)
    bench.write(source, b"source")
    bench.write(clone, b"clone!")
    assert bench.read(source, 6) == b"source"
    assert bench.read(clone, 6) == b"clone!"


def test_a_clone_made_again_keeps_what_was_written_to_it(bench: Bench) -> None:
    source = bench.volume(data=b"common")
    clone = Volume(new_id(), source.size_bytes)
    bench.driver.create_cloned_volume(bench.context, clone, source)
    bench.write(clone, b"clone!")
    bench.driver.create_cloned_volume(bench.context, clone, source)
    assert bench.read(clone, 6) == b"clone!"


def test_a_clone_may_be_larger_and_ends_in_zeros(bench: Bench) -> None:
    source = bench.volume(size_bytes=MIB, data=b"x" * MIB)
    clone = Volume(new_id(), 2 * MIB)
    bench.driver.create_cloned_volume(bench.context, clone, source)
    assert bench.read(clone, 3 * MIB) == b"x" * MIB + bytes(MIB)


def test_a_clone_cannot_be_smaller_than_its_source(bench: Bench) -> None:
    source = bench.volume(size_bytes=2 * MIB)
    clone = Volume(new_id(), MIB)
    with pytest.raises(errors.ServerRefused):
        bench.driver.create_cloned_volume(bench.context, clone, source)
    assert bench.ids(ObjectKind.VOLUME) == {source.id}


def test_a_clone_of_what_is_not_there_is_refused(bench: Bench) -> None:
    bench.volume()
    with pytest.raises(errors.NotOnServer):
        bench.driver.create_cloned_volume(bench.context, Volume(new_id(), MIB), Volume(new_id(), MIB))
    assert len(bench.objects()) == 1
