"""kill -9 before and after each commit and each driver call of every operation (G9)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest

from tests.manager import faulty, world
from tests.manager.agreement import disagreements, ends, shape
from tests.manager.house import House

KILLED = -9
EACH = ("create in a group", "add and remove", "group-snapshot-create", "group from a group",
        "group-delete with volumes")  # fmt: skip
"""One operation for each way of settling, and those with most members; the others are the long form."""


def one_of_each(names: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in EACH else pytest.mark.soak) for name in names]


def killed_at(house: House, words: tuple[str, ...], point: int) -> bool:
    """Run a command that dies at its n-th point; False when it was through before."""
    code = house.forked(*words, prepare=faulty.Killer(point).arm)
    assert code in (0, KILLED), code
    return code == KILLED


def is_left_behind(house: House) -> bool:
    return bool(house.rows("SELECT 1 FROM operations WHERE state = 'running'"))


@pytest.mark.parametrize("name", world.CHANGES)
def test_recover_settles_a_command_that_was_killed_anywhere(fresh: Callable[[], House], name: str) -> None:
    before, after = ends(fresh, name)
    for point in itertools.count(1):
        house = fresh()
        if not killed_at(house, world.ready(house, name), point):
            break
        left = is_left_behind(house)
        assert ("cgctl recover" in house.ok("list").err) is left
        assert ("cgctl recover" in house.ok("show", "held").err) is left
        house.ok("recover")
        assert disagreements(house) == [], point
        assert shape(house) in (before, after), point
        assert house.ok("list").err == ""
    assert point > 5


@pytest.mark.parametrize("name", one_of_each(world.CHANGES))
def test_the_next_command_on_the_object_settles_it(fresh: Callable[[], House], name: str) -> None:
    before, after = ends(fresh, name)
    for point in itertools.count(1):
        house = fresh()
        words = world.ready(house, name)
        if not killed_at(house, words, point):
            break
        left = is_left_behind(house)
        again = house.run(*(world.CHANGES[name].again or words))
        if left:
            assert "settled" in again.err, again
        if again.code == 0:
            assert shape(house) == (before if world.CHANGES[name].again else after), point
        else:
            assert again.code in (4, 5), again
            assert shape(house) in (before, after), point
        assert disagreements(house) == [], point


@pytest.mark.parametrize("name", one_of_each(world.CHANGES))
def test_recovery_that_is_killed_anywhere_is_settled_by_the_next(fresh: Callable[[], House], name: str) -> None:
    before, after = ends(fresh, name)
    house = fresh()
    words = world.ready(house, name)
    done = next(point for point in itertools.count(1) if _left_after_the_server(fresh, name, point))
    for point in itertools.count(1):
        house = fresh()
        words = world.ready(house, name)
        assert killed_at(house, words, done)
        if not killed_at(house, ("recover",), point):
            break
        house.ok("recover")
        assert disagreements(house) == [], point
        assert shape(house) in (before, after), point
    assert point > 3


def _left_after_the_server(fresh: Callable[[], House], name: str, point: int) -> bool:
    """Whether a kill at this point leaves the server's part done and the state's not written."""
    house = fresh()
    words = world.ready(house, name)
    seen = _servers(house)
    assert killed_at(house, words, point), "the server's part is never done"
    return is_left_behind(house) and _servers(house) != seen


def _servers(house: House) -> object:
    notes = sorted((path.name, path.read_text()) for path in house.root.glob("exports-*.json"))
    groups = sorted(str(path) for path in house.root.glob("*/live/*"))  # an empty one has no files
    return {path: text for path, text in house.files().items() if ".cgctl" not in path}, groups, notes
