"""The command lines of the seed documents, word for word, `cinder` being cgctl; and what they print."""

from __future__ import annotations

import shlex

import pytest

from cgctl.cli.table import COMMANDS
from tests.cli.test_cinder_words import parsed
from tests.manager.house import House

SEED_000 = """
consisgroup-create --volume-type type1,type2 mycg1
create --volume-type type1 --consisgroup-id <CG uuid> 10
cgsnapshot-create <CG uuid>
"""
SEED_001 = """
group-type-show my_group_type
type-show my_volume_type
group-create --name my_group my_group_type my_volume_type
group-show my_group
"""
SEED_001_REPLICATION = """
group-enable-replication my_group
group-failover-replication my_group
group-failover-replication my_group --secondary-backend-id backend_id
group-failover-replication my_group --secondary-backend-id default
group-disable-replication my_group
"""
SEED_002 = """
consisgroup-create-from-src --name name --description description --consistencygroup mycg1
"""


@pytest.fixture
def cinder(house: House) -> House:
    """The types that the documents presuppose."""
    for name in ("type1", "type2", "my_volume_type"):
        house.ok("type-create", name)
    house.ok("group-type-create", "my_group_type")
    house.ok("group-type-key", "my_group_type", "set", "consistent_group_snapshot_enabled=<is> True")
    return house


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_seeds_000_and_002(cinder: House) -> None:
    create, volume, snapshot = lines(SEED_000)
    cinder.ok(*create.split())
    group = cinder.show("consisgroup-show", "mycg1")
    assert cinder.show(*shlex.split(volume.replace("<CG uuid>", group["id"])))["consistencygroup_id"] == group["id"]
    taken = cinder.show(*shlex.split(snapshot.replace("<CG uuid>", group["id"])))
    assert taken["consistencygroup_id"] == group["id"]
    clone = cinder.show(*lines(SEED_002)[0].split())
    assert (clone["name"], clone["source_group_id"]) == ("name", group["id"])
    by_snapshot = f"consisgroup-create-from-src --name other --cgsnapshot {taken['id']}"
    assert cinder.show(*by_snapshot.split())["cgsnapshot_id"] == taken["id"]


def test_seed_001_shows_types_as_it_prints_them(cinder: House) -> None:
    group_type, volume_type, create, show = lines(SEED_001)
    shown = cinder.ok(*group_type.split()).out.splitlines()
    assert [line.split("|")[1].strip() for line in shown[3:-1]] == [
        "description", "group_specs", "id", "is_public", "name",
    ]  # fmt: skip
    assert "| group_specs | consistent_group_snapshot_enabled : <is> True |" in shown
    shown = cinder.ok(*volume_type.split()).out.splitlines()
    assert [line.split("|")[1].strip() for line in shown[3:-1]] == [
        "description", "extra_specs", "id", "is_public", "name", "os-volume-type-access:is_public", "qos_specs_id",
    ]  # fmt: skip
    cinder.ok(*create.split())
    assert cinder.ok(*show.split(), "-f", "value", "-c", "name").last == "my_group"


@pytest.mark.parametrize("line", lines(SEED_001_REPLICATION))
def test_seed_001_replication_is_spelled_as_it_is_written(line: str) -> None:
    name, *words = line.split()
    if name in COMMANDS:
        parsed(name, *words)
