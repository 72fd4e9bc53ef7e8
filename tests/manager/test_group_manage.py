"""`group-manage`: files of a pool become a group, all or none; they are never lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from drivers.errors import ConnectionLost, ServerFailed
from tests.manager import faulty
from tests.manager.agreement import disagreements
from tests.manager.house import House

MIB = 1024**2
MANAGE = ("group-manage", "alpha", "old", "--group-type", "consistent", "--volume-type", "gold", "--name", "new")
CONTENTS = {"data": b"the data", "log": b"the logs"}


def with_files(house: House) -> House:
    (house.root / "alpha/old").mkdir()
    for name, content in CONTENTS.items():
        (house.root / f"alpha/old/{name}.img").write_bytes(content.ljust(MIB, b"\0"))
    return house


def left(house: House) -> set[str]:
    return {path.name for path in (house.root / "alpha/old").iterdir()}


def assert_managed(house: House) -> None:
    assert {row["name"]: house.read(row["id"], 8) for row in house.show("list", "--group-id", "new")} == CONTENTS
    assert left(house) == set()
    assert disagreements(house) == []


def assert_untouched(house: House) -> None:
    assert left(house) == {"data.img", "log.img"}
    assert "new" not in {row["name"] for row in house.show("group-list")}
    assert disagreements(house) == []


def test_the_files_are_the_members_and_can_be_snapshotted(db: House) -> None:
    with_files(db).ok(*MANAGE)
    assert_managed(db)
    db.ok("group-snapshot-create", "new")
    assert disagreements(db) == []


def test_a_file_that_is_not_safe_is_named_and_none_is_taken(db: House) -> None:
    house = with_files(db)
    (house.root / "alpha/old/odd.img").write_bytes(b"odd")
    with house.unchanged():
        ran = house.run(*MANAGE)
    assert ran.code == 5
    assert "old/odd.img" in ran.err


def test_a_directory_without_files_is_not_found_and_a_dry_run_tells_each(db: House) -> None:
    with db.unchanged():
        assert db.run(*MANAGE).code == 4
    house = with_files(db)
    with house.unchanged():
        told = house.ok(*MANAGE, "--dry-run").out
    assert "old/data.img" in told
    assert "old/log.img" in told


@pytest.mark.parametrize("error", [ConnectionLost("alpha: gone"), ServerFailed("alpha: odd")])
@pytest.mark.parametrize("when", [faulty.raises_before, faulty.raises_after])
def test_an_interrupted_one_is_ended_by_recover(
    db: House, monkeypatch: pytest.MonkeyPatch, when: Callable[..., faulty.Fault], error: Exception
) -> None:
    house = with_files(db)
    faulty.install(monkeypatch, when(error, "manage_existing_group"))
    assert house.run(*MANAGE).code == 6
    faulty.install(monkeypatch, faulty.well)
    house.ok("recover")
    assert_managed(house)


def test_a_file_that_is_gone_when_it_is_settled_takes_it_back(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = with_files(db)
    faulty.install(monkeypatch, faulty.raises_before(ConnectionLost("alpha: gone"), "manage_existing_group"))
    house.run(*MANAGE)
    faulty.install(monkeypatch, faulty.well)
    (house.root / "alpha/old/log.img").rename(house.root / "alpha/log.img")
    assert "where they were" in house.ok("recover").err
    (house.root / "alpha/log.img").rename(house.root / "alpha/old/log.img")
    assert_untouched(house)


def test_kill_9_anywhere_leaves_all_or_none(fresh: Callable[[], House]) -> None:
    for point in itertools.count(1):
        house = with_files(fresh())
        code = house.forked(*MANAGE, prepare=faulty.Killer(point).arm)
        house.ok("recover")
        if left(house):
            assert_untouched(house)
        else:
            assert_managed(house)
        if code == 0:
            break
    assert point > 5
