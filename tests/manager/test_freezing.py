"""Frozen backends (Cinder's defect D12: group-update went through), services, capabilities, summary, attachments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cgctl.cli.app import main
from drivers.errors import ConnectionLost
from tests.manager import faulty, world
from tests.manager.agreement import disagreements
from tests.manager.house import House

Fresh = Callable[[], House]


@pytest.mark.parametrize("name", [*world.CHANGES])
def test_a_frozen_backend_refuses_every_modification(fresh: Fresh, name: str) -> None:
    house = fresh()
    words = world.ready(house, name)
    house.ok("freeze-host", "alpha")
    house.ok("freeze-host", "beta")
    with house.unchanged():
        ran = house.run(*words)
        assert ran.code == 5, ran
    assert "frozen" in ran.err
    assert house.show("message-list") == []
    house.ok("thaw-host", "alpha")
    house.ok("thaw-host", "beta")
    house.ok(*words)


def test_a_group_update_by_name_alone_is_refused_as_well(db: House) -> None:
    db.ok("freeze-host", "alpha")
    with db.unchanged():
        ran = db.run("group-update", "db", "--name", "other")
    assert ran.code == 5
    assert "hint: cgctl thaw-host alpha\n" in ran.err


def test_new_objects_go_to_a_backend_that_is_not_frozen(house: House) -> None:
    house.types()
    house.ok("freeze-host", "alpha")
    assert house.show("group-create", "consistent", "gold")["host"] == "beta"
    ran = house.run("group-create", "consistent", "gold", "--availability-zone", "nova")
    assert ran.code == 5
    assert "alpha: frozen" in ran.err


def test_what_was_interrupted_waits_for_the_thaw(db: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_after(ConnectionLost("alpha: closed"), "create_cgsnapshot"))
    assert db.run("group-snapshot-create", "db").code == 6
    faulty.install(monkeypatch, faulty.well)
    db.ok("freeze-host", "alpha")
    with db.unchanged():
        assert db.run("recover").code == 5
    db.ok("thaw-host", "alpha")
    db.ok("recover")
    assert disagreements(db) == []


def test_a_backend_is_frozen_once_and_thawed_once(db: House) -> None:
    assert db.run("thaw-host", "alpha").code == 5
    with db.unchanged():
        assert "would: " in db.ok("freeze-host", "alpha", "--dry-run").out
    db.ok("freeze-host", "stor1@alpha#pool")
    assert db.run("freeze-host", "alpha").code == 5
    assert db.run("freeze-host", "gamma").code == 3
    frozen, other = db.show("service-list", "--withreplication", "True")
    assert (frozen["status"], frozen["disabled_reason"], frozen["frozen"]) == ("disabled", "frozen", True)
    assert (other["status"], other["disabled_reason"], other["frozen"]) == ("enabled", None, False)


def test_services_are_picked_by_host_and_binary(db: House) -> None:
    assert [one["host"] for one in db.show("service-list", "--host", "beta")] == ["beta"]
    assert [one["host"] for one in db.show("service-list", "--host", "x@beta#p")] == ["beta"]
    assert db.show("service-list", "--binary", "cinder-backup") == []
    assert len(db.show("service-list", "--binary", "cgctl-volume")) == 2
    assert "| Frozen " in db.ok("service-list", "--withreplication").out
    assert "| Frozen " not in db.ok("service-list").out


def test_capabilities_are_two_tables_and_one_object(db: House) -> None:
    out = db.ok("get-capabilities", "alpha").out
    assert out.count("| Value") == 2
    assert "| Volume stats " in out
    assert "| Backend properties " in out
    shown = db.show("get-capabilities", "x@alpha#alpha")
    assert (shown["volume_backend_name"], shown["storage_protocol"]) == ("alpha", "local")
    assert "stateless_activities" in shown["activity_attributes"]


def test_pools_are_filtered_by_capability_and_by_what_a_type_asks_for(db: House) -> None:
    db.add_backend("alpha", capabilities={"tier": "gold"})
    db.ok("type-create", "fast")
    db.ok("type-key", "fast", "set", "tier=gold")
    for words in ("tier=gold", "name=alpha", "name~=lph", "volume_type=fast", "availability=x"):
        ran = db.run("get-pools", "--filters", words, "-f", "value")
        assert (ran.code, ran.out) == ((2, "") if words.startswith("availability") else (0, "alpha\n"))
    assert "| total_capacity_gb " in db.ok("get-pools", "--detail").out


def test_the_summary_counts_volumes_sizes_and_metadata(db: House) -> None:
    db.ok("create", "1", "--volume-type", "gold", "--metadata", "tier=hot")
    db.ok("create", "1", "--volume-type", "gold", "--metadata", "tier=cold")
    shown = db.show("summary", "--all-tenants", "1")
    assert shown == {"total_count": 4, "total_size": 2.001954, "metadata": {"tier": ["cold", "hot"]}}


def test_snapshots_are_renamed_and_their_state_is_reset(db: House) -> None:
    def reset(*words: str) -> int:
        return main([*db.words, "snapshot-reset-state", *words])  # its own --state stands behind it

    db.ok("snapshot-create", "db-0", "--name", "snap")
    db.ok("snapshot-rename", "snap", "later", "--description", "why")
    assert db.show("snapshot-show", "later")["description"] == "why"
    assert reset("later", "--state", "error") == 0
    assert db.show("snapshot-show", "later")["status"] == "error"
    assert reset("later", "nothing") == 10
    assert db.show("snapshot-show", "later")["status"] == "available"
    assert db.run("snapshot-rename", "later").code == 2


def test_an_attachment_is_complete_when_it_is_made(fresh: Fresh) -> None:
    house = fresh()
    words = ("--initiator", "iqn.2026-11.org.example:c9", "--connect", "True", "--mountpoint", "/dev/vdb")
    volume = house.show("list", "--name", "spare")[0]["id"]
    made = house.show("attachment-create", volume, *words, "--mode", "rw", "--ostype", "linux2")
    house.ok("attachment-complete", made["id"])
    assert house.run("attachment-complete", "nothing").code == 4
    assert house.run("attachment-create", volume, *words, "--mode", "ro").code == 2
