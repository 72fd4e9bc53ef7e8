"""Promises about making a group of files that are there, all at once."""

from __future__ import annotations

import pytest

from drivers import errors
from drivers.contract import Group, ObjectKind, Volume
from tests.contract.bench import MIB, Bench, new_id
from tests.contract.test_groups import contents, take
from tests.contract.test_killed import killed, moments
from tests.contract.test_manage import references

SIZE = 2 * MIB


def files(bench: Bench, prefix: str) -> list[str]:
    return [bench.foreign(f"{prefix}-{number}", b"theirs %d" % number, SIZE) for number in range(2)]


def wanted(count: int = 2) -> tuple[Group, list[Volume]]:
    group = Group(new_id())
    return group, [Volume(new_id(), SIZE, group.id) for _ in range(count)]


def test_files_become_the_members_of_a_new_group_and_are_gone_from_their_place(managed: Bench) -> None:
    group, volumes = wanted()
    names = files(managed, "disk")
    for _ in range(2):
        managed.driver.manage_existing_group(managed.context, group, volumes, names)
        assert contents(managed, volumes) == [b"theirs 0", b"theirs 1"]
        assert references(managed) == set()
        assert managed.ids(ObjectKind.VOLUME) == {one.id for one in volumes}
    take(managed, group, volumes)
    managed.write(volumes[0], b"ours now")
    assert all(item.complete for item in managed.objects())


def test_one_that_cannot_be_taken_leaves_all_where_they_are(managed: Bench) -> None:
    managed.volume()
    names = files(managed, "disk")
    before = managed.objects()
    group, volumes = wanted(3)
    other = Volume(new_id(), SIZE + MIB, group.id)
    for its_volumes, its_names in (
        (volumes, [*names, "no-such-file.img"]),
        ([volumes[0], other], names),
        (volumes[:2], [names[0], names[0]]),
        ([], []),
    ):
        with pytest.raises(errors.ServerRefused):
            managed.driver.manage_existing_group(managed.context, group, its_volumes, its_names)
        assert references(managed) == set(names)
        assert managed.objects() == before


def test_a_killed_one_is_ended_by_the_second_run_and_loses_nothing(managed: Bench) -> None:
    managed.volume()

    def whole() -> None:
        managed.driver.manage_existing_group(managed.context, *wanted(), files(managed, "first"))

    for number, seconds in enumerate(moments(managed, whole)):
        group, volumes = wanted()
        names = files(managed, f"disk{number}")
        killed(
            managed,
            lambda a=(group, volumes, names): managed.driver.manage_existing_group(managed.context, *a),  # type: ignore[misc]
            seconds,
        )
        inside = managed.ids(ObjectKind.VOLUME) & {one.id for one in volumes}
        assert len(inside) in (0, 2)
        managed.driver.manage_existing_group(managed.context, group, volumes, names)
        assert contents(managed, volumes) == [b"theirs 0", b"theirs 1"]
        assert references(managed) == set()
        assert all(item.complete for item in managed.objects())


@pytest.fixture
def managed(directory_bench: Bench) -> Bench:
    """The pools that are directories."""
    return directory_bench
