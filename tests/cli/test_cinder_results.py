"""What the Cinder client prints is printed here: columns of lists in their order, fields of objects."""

from __future__ import annotations

import pytest

from tests.cli.cinder_client import printed
from tests.manager.house import House

PRINTED = printed()
NEEDS = {
    "cgsnapshot-create": "db",
    "cgsnapshot-show": "taken",
    "consisgroup-create": "gold",
    "consisgroup-create-from-src": "--source-cg cg",
    "consisgroup-show": "cg",
    "create": "1M",
    "group-create": "consistent gold",
    "group-create-from-src": "--source-group db",
    "group-show": "db",
    "group-snapshot-create": "db",
    "group-snapshot-show": "taken",
    "group-type-create": "new",
    "group-type-show": "consistent",
    "message-show": "message",
    "show": "db-0",
    "snapshot-create": "db-0",
    "snapshot-show": "snap",
    "type-create": "new",
    "type-show": "gold",
}
"""What a command needs to be run with."""


@pytest.fixture
def full(db: House) -> House:
    db.ok("consisgroup-create", "gold", "--name", "cg")
    db.ok("create", "1M", "--volume-type", "gold", "--consisgroup-id", "cg")
    db.ok("snapshot-create", "db-0", "--name", "snap")
    db.ok("group-snapshot-create", "db", "--name", "taken")
    return db


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", PRINTED)
def test_the_fields_of_the_client_are_printed(full: House, name: str) -> None:
    table = full.ok(name, *NEEDS.get(name, "").split()).out.splitlines()
    headings = cells(table[1])
    if headings == ["Property", "Value"]:
        properties = {cells(line)[0] for line in table[3:-1]}
        assert set(PRINTED[name]) <= properties
    else:
        assert headings[: len(PRINTED[name])] == PRINTED[name]
