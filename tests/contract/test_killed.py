"""kill -9 in the middle of each script: the rest is seen by list_objects, finished by a second run, removed by delete.

Each try kills the process group at another moment of the script's life; the moments are drawn with a fixed seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from drivers import errors
from drivers.contract import Group, GroupSnapshot, ObjectKind, ServerObject, Snapshot, Volume
from tests.contract.bench import Bench, new_id
from tests.contract.test_groups import SIZE, contents, likes, make_group, members_of, take

TRIES = 8


def killed(bench: Bench, call: Callable[[], object], seconds: float) -> bool:
    """Run it and kill it after so many seconds; whether it was killed before its end."""
    bench.runner.kill_after_seconds = seconds
    try:
        call()
    except errors.ConnectionLost:
        return True
    finally:
        bench.runner.kill_after_seconds = None
    return False


def moments(bench: Bench, whole: Callable[[], object], tries: int = TRIES) -> Iterator[float]:
    """Seconds after which to kill, spread over the time that a whole run takes."""
    began = time.monotonic()
    whole()
    took = time.monotonic() - began
    draw = random.Random(7)
    for number in range(tries):
        yield took * (number + draw.random()) / tries


def of_ids(bench: Bench, *ids: str) -> list[ServerObject]:
    return [item for item in bench.objects() if item.id in ids or item.parent_id in ids]


@dataclass(frozen=True)
class Making:
    """One creation, how it is undone, and the id that both are about."""

    id: str
    make: Callable[[], object]
    delete: Callable[[], object]


def making(bench: Bench, name: str, group: Group, volumes: list[Volume]) -> Making:  # noqa: PLR0911 - one per case
    driver, context, key = bench.driver, bench.context, new_id()
    match name:
        case "volume":
            alone = Volume(key, SIZE)
            return Making(
                key, lambda: driver.create_volume(context, alone), lambda: driver.delete_volume(context, alone)
            )
        case "member":
            member = Volume(key, SIZE, group.id)
            return Making(
                key, lambda: driver.create_volume(context, member), lambda: driver.delete_volume(context, member)
            )
        case "clone":
            clone = Volume(key, SIZE)
            return Making(
                key,
                lambda: driver.create_cloned_volume(context, clone, volumes[0]),
                lambda: driver.delete_volume(context, clone),
            )
        case "snapshot":
            snapshot = Snapshot(key, volumes[0].id, SIZE, group.id)
            return Making(
                key,
                lambda: driver.create_snapshot(context, snapshot),
                lambda: driver.delete_snapshot(context, snapshot),
            )
        case "group":
            return Making(
                key,
                lambda: driver.create_consistencygroup(context, Group(key)),
                lambda: driver.delete_consistencygroup(context, Group(key), []),
            )
        case "group snapshot":
            cgsnapshot = GroupSnapshot(key, group.id)
            members = members_of(cgsnapshot, volumes)
            return Making(
                key,
                lambda: driver.create_cgsnapshot(context, cgsnapshot, members),
                lambda: driver.delete_cgsnapshot(context, cgsnapshot, members),
            )
        case "group from group":
            clones = likes(volumes, Group(key))
            return Making(
                key,
                lambda: driver.create_consistencygroup_from_src(
                    context, Group(key), clones, source_cg=group, source_vols=volumes
                ),
                lambda: driver.delete_consistencygroup(context, Group(key), clones),
            )
    raise AssertionError(name)


MAKINGS = ("volume", "member", "clone", "snapshot", "group", "group snapshot", "group from group")


@pytest.mark.parametrize("name", MAKINGS)
def test_a_killed_creation_is_whole_or_incomplete_and_can_be_deleted(bench: Bench, name: str) -> None:
    group, volumes = make_group(bench, 3)
    whole = making(bench, name, group, volumes)
    kills = 0
    for seconds in moments(bench, whole.make):
        one = making(bench, name, group, volumes)
        kills += killed(bench, one.make, seconds)
        whole_now = of_ids(bench, whole.id)
        left = of_ids(bench, one.id)
        complete = sorted(item.kind for item in left if item.complete)
        assert complete in ([], sorted(item.kind for item in whole_now)), left
        one.delete()
        assert of_ids(bench, one.id) == []
    assert kills > 0
    assert contents(bench, volumes) == [b"member %d" % number for number in range(3)]
    assert all(item.complete for item in bench.objects())


@pytest.mark.parametrize("name", MAKINGS)
def test_a_killed_creation_is_finished_by_the_second_run(bench: Bench, name: str) -> None:
    group, volumes = make_group(bench, 3)
    whole = making(bench, name, group, volumes)
    for seconds in moments(bench, whole.make):
        one = making(bench, name, group, volumes)
        killed(bench, one.make, seconds)
        one.make()
        kinds = sorted(item.kind for item in of_ids(bench, one.id))
        assert kinds == sorted(item.kind for item in of_ids(bench, whole.id))
        assert all(item.complete for item in bench.objects())


@pytest.mark.parametrize("name", MAKINGS)
def test_a_killed_deletion_is_finished_by_the_second_run(bench: Bench, name: str) -> None:
    group, volumes = make_group(bench, 3)
    whole = making(bench, name, group, volumes)
    whole.make()
    for seconds in moments(bench, whole.delete):
        one = making(bench, name, group, volumes)
        one.make()
        killed(bench, one.delete, seconds)
        one.delete()
        assert of_ids(bench, one.id) == []
        assert all(item.complete for item in bench.objects())
    assert contents(bench, volumes) == [b"member %d" % number for number in range(3)]


def test_a_killed_move_never_loses_or_doubles_what_is_written(bench: Bench) -> None:
    """Until the update has succeeded, the volume is served from, and written to at, its old place."""
    group, _ = make_group(bench)
    alone = bench.volume(size_bytes=SIZE, data=b"round  0")
    inside = Volume(alone.id, SIZE, group.id)

    def move(into: bool) -> object:
        if into:
            return bench.driver.update_consistencygroup(bench.context, group, add_volumes=[alone])
        return bench.driver.update_consistencygroup(bench.context, group, remove_volumes=[inside])

    into = True
    for number, seconds in enumerate(moments(bench, lambda: move(True)), 1):
        into = not into
        killed(bench, lambda way=into: move(way), seconds)  # type: ignore[misc]
        old_place = alone if into else inside
        text = bench.read(inside if into else alone, 8) if not bench.disk(old_place).exists() else b"round %2d" % number
        with suppress(FileNotFoundError):
            bench.write(old_place, text)
        move(into)
        assert contents(bench, [inside if into else alone]) == [text]
        assert [item.complete for item in bench.objects() if item.id == alone.id] == [True]


def test_a_killed_group_snapshot_never_becomes_a_source(bench: Bench) -> None:
    group, volumes = make_group(bench, 3)
    for seconds in moments(bench, lambda: take(bench, group, volumes)):
        cgsnapshot = GroupSnapshot(new_id(), group.id)
        members = members_of(cgsnapshot, volumes)
        killed(bench, lambda c=cgsnapshot, m=members: bench.driver.create_cgsnapshot(bench.context, c, m), seconds)  # type: ignore[misc]
        whole = any(item.complete for item in of_ids(bench, cgsnapshot.id) if item.kind is ObjectKind.GROUP_SNAPSHOT)
        restored = Volume(new_id(), SIZE)
        if whole:
            bench.driver.create_volume_from_snapshot(bench.context, restored, members[0])
            assert contents(bench, [restored]) == [b"member 0"]
        else:
            with pytest.raises(errors.NotOnServer):
                bench.driver.create_volume_from_snapshot(bench.context, restored, members[0])
