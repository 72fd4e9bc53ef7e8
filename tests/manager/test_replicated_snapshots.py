"""`group-snapshot-create --replicate`: group snapshots that outlive the side that they were made on."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import build

FAIL_OVER = ("group-failover-replication", "db", "--secondary-backend-id")
CREATE = ("group-snapshot-create", "db", "--replicate", "--name")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    built = build(tmp_path)
    (target,) = built.configuration["backends"]["alpha"]["replication_targets"]
    target["keep_snapshots"] = 2
    built.configure()
    return built


def listed(house: House) -> dict[str, str]:
    return {row["name"]: row["host"] for row in house.show("group-snapshot-list", "--long")}


def looked_at(house: House, name: str) -> bytes:
    """What its clone begins with."""
    house.ok("group-create-from-src", "--group-snapshot", name, "--name", f"look at {name}")
    member = house.show("group-show", f"look at {name}", "--list-volume")["volumes"][0]
    return house.read(member, 12)


def test_what_is_replicated_is_there_after_a_failover_and_after_the_failback(house: House) -> None:
    house.ok("group-enable-replication", "db")
    house.ok(*CREATE, "one")
    assert listed(house) == {"one": "alpha", "one@beta": "beta"}
    house.write("db-0", b"written since")
    house.ok(*FAIL_OVER, "dr1")
    assert listed(house) == {"one": "alpha", "one@beta": "beta"}
    with house.unchanged():
        ran = house.run("group-revert-to-snapshot", "one@beta")
    assert ran.code == 5
    assert "cgctl group-create-from-src --group-snapshot" in ran.err
    assert looked_at(house, "one@beta") == b"data of db-0"
    house.ok(*CREATE, "two")
    assert listed(house) == {"one": "alpha", "one@beta": "beta", "two": "beta", "two@alpha": "alpha"}
    house.ok(*FAIL_OVER, "default")
    assert looked_at(house, "two@alpha") == b"written since"[:12]
    house.ok("group-snapshot-delete", "one")
    assert "one@beta" in listed(house)


def test_each_side_keeps_as_many_as_its_configuration_says(house: House) -> None:
    house.ok("group-enable-replication", "db")
    for name in ("one", "two", "three"):
        house.ok(*CREATE, name)
    assert sorted(listed(house)) == ["one", "three", "three@beta", "two", "two@beta"]


def test_a_replica_that_cannot_be_made_is_told_with_the_command_that_makes_it(house: House) -> None:
    with house.unchanged():
        assert house.run(*CREATE, "early").code == 5
    house.ok("group-enable-replication", "db")
    with house.unchanged():
        assert "make a replica" in house.ok(*CREATE, "dry", "--dry-run").out
    house.ok("freeze-host", "beta")
    ran = house.run(*CREATE, "the first")
    assert ran.code == 10
    assert listed(house) == {"the first": "alpha"}
    house.ok("thaw-host", "beta")
    hint = ran.err.rpartition("hint: cgctl ")[2].strip()
    house.ok(*shlex.split(hint))
    assert listed(house) == {"the first": "alpha", "the first@beta": "beta"}
