"""The count of statements on the state does not grow with the number of members (G4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from tests.manager.house import House

SIZES = (1, 8, 64)
COMMANDS = (
    ("group-snapshot-create", "db", "--name", "gs"),
    ("group-create-from-src", "--group-snapshot", "gs", "--name", "copy"),
    ("group-create-from-src", "--source-group", "db", "--name", "clone"),
    ("group-snapshot-list", "-f", "json"),
    ("group-show", "copy", "--list-volume", "-f", "json"),
    ("list", "-f", "json"),
    ("group-snapshot-delete", "gs"),
    ("group-delete", "copy", "--delete-volumes"),
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that goes to the database in this block."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, list[str]]]:
    """The statements of each command, by the number of members."""
    return {size: _count(House(tmp_path_factory.mktemp(f"members-{size}")), size) for size in SIZES}


def _count(house: House, members: int) -> dict[str, list[str]]:
    house.types()
    house.group(members=members)
    counts = {}
    for words in COMMANDS:
        with statements() as seen:
            house.ok(*words)
        counts[" ".join(words)] = seen
    return counts


@pytest.mark.parametrize("words", [" ".join(words) for words in COMMANDS])
def test_the_count_of_statements_is_the_same_for_any_number_of_members(
    counted: dict[int, dict[str, list[str]]], words: str
) -> None:
    counts = {size: len(counted[size][words]) for size in SIZES}
    assert counts[8] == counts[64] == counts[1], "\n".join(counted[64][words])


def test_the_counting_sees_every_member_that_is_asked_for_alone(db: House) -> None:
    """The negative control: two commands cost more than one."""
    with statements() as one:
        db.ok("show", "db-0")
    with statements() as two:
        db.ok("show", "db-0")
        db.ok("show", "db-1")
    assert len(two) == 2 * len(one) > 0
