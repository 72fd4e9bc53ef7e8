"""Enabling, syncing and disabling replication, on real `file` pools."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import build, live, points, replica


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build(tmp_path)


def test_enabling_makes_the_first_point_on_both_sides(house: House) -> None:
    house.ok("group-enable-replication", "db")
    assert house.show("group-show", "db")["replication_status"] == "enabled"
    assert {row["replication_status"] for row in house.show("list")} == {"enabled"}
    row = replica(house)
    assert row["is_full"] is True
    assert row["within_rpo"] is True
    assert points(house, "alpha") == points(house, "beta")
    assert points(house, "beta")[str(row["point_id"])] == live(house, "alpha")


def test_a_sync_ships_what_changed_and_lets_go_of_the_old_point(house: House) -> None:
    house.ok("group-enable-replication", "db")
    first = replica(house)
    house.write("db-1", b"changed")
    house.ok("group-sync-replication", "db")
    row = replica(house)
    assert (row["is_full"], row["error"]) == (False, None)
    assert row["point_id"] != first["point_id"]
    assert list(points(house, "beta")) == list(points(house, "alpha"))
    assert points(house, "beta")[str(row["point_id"])] == live(house, "alpha")
    assert 0 < int(str(row["stream_bytes"])) < 200_000


def test_a_member_that_joined_is_carried_and_counted_as_replicated(house: House) -> None:
    house.ok("group-enable-replication", "db")
    house.ok("create", "2M", "--group-id", "db", "--volume-type", "gold", "--name", "late")
    house.ok("group-sync-replication", "--all")
    assert house.show("show", "late")["replication_status"] == "enabled"
    assert len(points(house, "beta")[str(replica(house)["point_id"])]) == 3


def test_disabling_leaves_nothing_on_the_other_side(house: House) -> None:
    before = {(one.kind, one.id) for one in house.objects()}
    house.ok("group-enable-replication", "db")
    house.ok("group-sync-replication", "db")
    house.ok("group-disable-replication", "db")
    assert house.show("group-show", "db")["replication_status"] == "disabled"
    assert {(one.kind, one.id) for one in house.objects()} == before
    assert not list((house.root / "alpha/.cgctl/replication").iterdir())
    assert house.run("group-sync-replication", "db").code == 5
    house.ok("group-enable-replication", "db")


def test_targets_are_listed_and_only_they_are_known(house: House) -> None:
    rows = house.show("group-list-replication-targets", "db")
    assert [(row["backend_id"], row["host"], row["rpo_seconds"]) for row in rows] == [("dr1", "beta", 900)]


def test_a_group_that_is_replicated_is_not_deleted(house: House) -> None:
    house.ok("group-enable-replication", "db")
    with house.unchanged():
        ran = house.run("group-delete", "--delete-volumes", "db")
    assert ran.code == 5
    assert "group-disable-replication" in ran.err
    house.ok("group-snapshot-create", "db", "--name", "keeps it")
    words = ("group-delete", "--delete-volumes", "--delete-replicas", "db")
    with house.unchanged():
        assert "has group snapshots" in house.run(*words).err
    house.ok("group-snapshot-delete", "keeps it")
    with house.unchanged():
        told = house.ok(*words, "--dry-run")
    assert "remove all recovery points" in told.out + told.err
    assert "delete group db with 2 members" in told.out + told.err
    house.ok(*words)
    assert house.objects() == []


def test_exports_that_clients_find_at_another_path_do_not_replicate_to_each_other(house: House) -> None:
    for backend_id, server in (("alpha", "ganesha"), ("beta", "kernel")):
        section = house.configuration["backends"][backend_id]
        house.configure(
            backends={backend_id: {**section, "export": {"protocol": "nfs", "server": server, "portal": "127.0.0.1"}}}
        )
    with house.unchanged():
        ran = house.run("group-enable-replication", "db")
    assert ran.code == 3
    assert "would change what they mount" in ran.err
    assert "the same server" in ran.err


@pytest.mark.parametrize(
    ("types", "told"),
    [(("plain", "gold"), "replication group type"), (("consistent", "silver"), "volume type silver")],
)
def test_types_that_do_not_ask_for_it_refuse_every_command(house: House, types: tuple[str, str], told: str) -> None:
    house.ok("group-type-create", "plain")
    house.ok("type-create", "silver")
    house.ok("group-create", *types, "--name", "other", "--availability-zone", "nova")
    for command in ("group-enable-replication", "group-disable-replication", "group-list-replication-targets"):
        with house.unchanged():
            ran = house.run(command, "other")
        assert ran.code == 5
        assert told in ran.err


def test_a_backend_without_targets_is_not_chosen_and_says_why(house: House) -> None:
    ran = house.run("group-create", "consistent", "gold", "--name", "other", "--availability-zone", "elsewhere")
    assert ran.code == 5
    assert "consistent_group_replication_enabled" in ran.err


def test_a_sync_whose_target_is_gone_says_so_and_leaves_the_group_enabled(house: House) -> None:
    house.ok("group-enable-replication", "db")
    before = points(house, "alpha")
    (house.root / "beta").rename(house.root / "away")
    ran = house.run("group-sync-replication", "db")
    assert ran.code == 6
    assert "beta" in ran.err
    assert house.show("group-show", "db")["replication_status"] == "enabled"
    assert "beta" in str(replica(house)["error"])
    assert points(house, "alpha") == before
    (house.root / "away").rename(house.root / "beta")
    house.ok("group-sync-replication", "db")
    assert replica(house)["error"] is None


def test_an_attached_file_group_is_not_synced_without_hooks(house: House) -> None:
    house.ok("group-enable-replication", "db")
    house.configure(hooks={"db": {"pre": "true"}})
    house.ok("group-sync-replication", "db")


def test_a_dry_run_names_both_servers_and_touches_nothing(house: House) -> None:
    with house.unchanged():
        for command in ("group-enable-replication",):
            ran = house.ok(command, "db", "--dry-run")
            assert "alpha" in ran.out
            assert "beta" in ran.out


def test_a_point_whose_server_is_lost_before_it_is_noted_is_removed_when_the_server_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ok("group-enable-replication", "db")
    pool, away = house.root / "alpha", house.root / "alpha.away"

    def lost_after_the_point(name: str, call: faulty.Call) -> object:
        done = call()
        if name == "create_cgsnapshot":
            pool.rename(away)
        return done

    with monkeypatch.context() as patch:
        patch.setenv("CGCTL_TEST_NOTES", str(house.root))
        faulty.install(patch, lost_after_the_point)
        assert house.run("group-sync-replication", "db").code == 6
    away.rename(pool)
    assert len(points(house, "alpha")) == 2
    house.ok("group-sync-replication", "db")
    assert list(points(house, "alpha")) == list(points(house, "beta")) == [replica(house)["point_id"]]
    assert house.rows("SELECT * FROM unsettled_points") == []
