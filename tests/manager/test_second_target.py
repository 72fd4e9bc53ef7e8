"""A group with two replication targets: from a failed-over group to the second one, and home again. About 10 s."""

from __future__ import annotations

import pytest

from cgctl.cli.wiring.carrying import Carrying
from cgctl.manager.environment import Carried, Delivery, Follow, Way
from tests.manager.house import House
from tests.manager.replicating import live, points, replica

FAIL_OVER = ("group-failover-replication", "db", "--secondary-backend-id")


@pytest.fixture
def house(three: House) -> House:
    return three


def served(house: House) -> tuple[str, str]:
    shown = house.show("group-show", "db")
    return str(shown["host"]), str(shown["replication_status"])


def gone(house: House, host: str) -> dict[str, object]:
    """Nobody finds this backend any more; its section as it was."""
    section = dict(house.configuration["backends"][host])
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": "/dev/null"}
    house.configure(backends={host: {**section, "ssh": nowhere}})
    return section


def test_a_sync_brings_the_point_to_both_targets(house: House) -> None:
    house.write("db-0", b"changed")
    house.ok("group-sync-replication", "db")
    assert points(house, "alpha") == points(house, "beta") == points(house, "gamma")
    assert replica(house, host="gamma")["is_full"] is False


def test_a_target_that_would_lose_more_than_another_one_is_refused_until_that_may_be(house: House) -> None:
    beta = gone(house, "beta")
    house.write("db-0", b"on gamma alone")
    assert house.run("group-sync-replication", "db").code == 10
    newest = live(house, "alpha")
    house.configure(backends={"beta": beta})
    gone(house, "alpha")
    for word in ((), ("--secondary-backend-id", "dr1")):
        refused = house.run(*FAIL_OVER[:2], *word, "--source-is-down")
        assert refused.code == 7
        assert "backend gamma has a newer recovery point" in refused.err
        assert "--accept-data-loss" in refused.err
    command = refused.err.partition("to lose less: cgctl ")[2].partition(";")[0]
    house.ok(*command.split())
    assert (served(house)[0], live(house, "gamma")) == ("gamma", newest)


def test_a_target_with_an_older_point_serves_where_that_is_said(house: House) -> None:
    before, beta = live(house, "alpha"), gone(house, "beta")
    house.write("db-0", b"on gamma alone")
    house.run("group-sync-replication", "db")
    house.configure(backends={"beta": beta})
    gone(house, "alpha")
    house.ok(*FAIL_OVER, "dr1", "--source-is-down", "--accept-data-loss")
    assert live(house, "beta") == before


@pytest.fixture
def paces(house: House, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], int | None]:
    """How fast points may travel from backend to backend: dr1 and dr2 have a limit each."""
    targets = house.configuration["backends"]["alpha"]["replication_targets"]
    limited = [{**one, "bandwidth_limit": limit} for one, limit in zip(targets, ("8M", "4M"), strict=True)]
    house.configure(backends={"alpha": {**house.configuration["backends"]["alpha"], "replication_targets": limited}})
    noted, carry = {}, Carrying.__call__

    def note(carrying: Carrying, delivery: Delivery, way: Way, follow: Follow) -> Carried:
        noted[delivery.source, delivery.destination] = way.bytes_per_second
        return carry(carrying, delivery, way, follow)

    monkeypatch.setattr(Carrying, "__call__", note)
    return noted


def test_from_the_first_target_to_the_second_and_home_with_every_write(
    house: House, paces: dict[tuple[str, str], int | None]
) -> None:
    for backend_id, host in (("dr1", "beta"), ("dr2", "gamma"), ("dr1", "beta"), ("default", "alpha")):
        house.write("db-0", f"before {host}".encode())
        before = live(house, house.show("group-show", "db")["host"])
        house.ok(*FAIL_OVER, backend_id)
        assert live(house, host) == before
        assert served(house) == (host, "enabled" if host == "alpha" else "failed-over")
        assert sum(bool(live(house, one)) for one in ("alpha", "beta", "gamma")) == 1
    house.ok("group-sync-replication", "db")
    for host in ("beta", "gamma"):
        assert points(house, host)[str(replica(house, host=host)["point_id"])] == live(house, "alpha")
    fast, slow = (number * 2**20 for number in (8, 4))
    one_way = {("alpha", "beta"): fast, ("alpha", "gamma"): slow, ("beta", "gamma"): slow}
    assert paces == {**one_way, ("gamma", "beta"): slow, ("beta", "alpha"): fast}


def test_both_older_sides_are_lost_and_the_second_target_serves_what_was_synced(house: House) -> None:
    alpha = gone(house, "alpha")
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    house.write("db-0", b"on beta, synced")
    assert house.run("group-sync-replication", "db").code == 10
    synced = live(house, "beta")
    house.write("db-0", b"on beta, not synced")
    beta = gone(house, "beta")
    assert house.run(*FAIL_OVER, "dr2").code == 7
    house.ok(*FAIL_OVER, "dr2", "--source-is-down", "--accept-data-loss")
    assert live(house, "gamma") == synced
    house.configure(backends={"alpha": alpha, "beta": beta})
    house.ok("group-sync-replication", "db")
    house.ok(*FAIL_OVER, "default")
    assert live(house, "alpha") == synced
    assert served(house) == ("alpha", "enabled")
    house.ok("group-sync-replication", "db")
    for host in ("beta", "gamma"):
        assert points(house, host)[str(replica(house, host=host)["point_id"])] == synced


def test_what_an_older_side_wrote_and_nobody_shipped_is_not_deleted_in_silence(house: House) -> None:
    """Beta comes back after gamma has served: its last writes are nowhere else."""
    house.ok(*FAIL_OVER, "dr1")
    house.write("db-0", b"on beta, not synced")
    unshipped = live(house, "beta")
    beta = gone(house, "beta")
    house.ok(*FAIL_OVER, "dr2", "--source-is-down", "--accept-data-loss")
    house.configure(backends={"beta": beta})
    house.ok(*FAIL_OVER, "default")
    synced = house.ok("group-sync-replication", "db").err
    (kept,) = house.show("group-snapshot-list", "--long")
    assert points(house, "beta")[kept["id"]] == unshipped
    assert (kept["host"], f"kept as group snapshot {kept['name']}" in synced) == ("beta", True)
    assert "the last at 20" in kept["description"]
    house.ok("group-snapshot-delete", kept["id"])
    house.ok("group-sync-replication", "db")
    assert house.show("group-snapshot-list") == []
    refused = house.run("group-disable-replication", "db")
    assert refused.code == 7
    assert "beta" in refused.err
    assert "--leave-replicas" in refused.err
    assert "group-failover-replication --secondary-backend-id dr1" in refused.err
    assert served(house) == ("alpha", "enabled")
    assert live(house, "beta") == unshipped
    told = house.ok("group-disable-replication", "db", "--leave-replicas")
    assert "backend beta is left there" in told.err
    assert live(house, "beta") == unshipped
    assert served(house) == ("alpha", "disabled")


def test_the_way_out_of_a_refused_disable_keeps_what_the_older_side_wrote(house: House) -> None:
    house.ok(*FAIL_OVER, "dr1")
    house.write("db-0", b"on beta, not synced")
    unshipped = live(house, "beta")
    beta = gone(house, "beta")
    house.ok(*FAIL_OVER, "dr2", "--source-is-down", "--accept-data-loss")
    house.ok(*FAIL_OVER, "default")
    house.configure(backends={"beta": beta})
    serving = live(house, "alpha")
    refused = house.run("group-disable-replication", "db")
    assert refused.code == 7
    for line in refused.err.partition("kept as a group snapshot: cgctl ")[2].split("; cgctl ")[:2]:
        house.ok(*line.partition("; to leave")[0].split())
    house.ok("group-disable-replication", "db")
    (kept,) = house.show("group-snapshot-list", "--long")
    assert points(house, "beta")[kept["id"]] == unshipped
    assert served(house) == ("alpha", "disabled")
    assert live(house, "alpha") == serving


def test_an_older_side_without_writes_of_its_own_is_let_go_by_the_next_sync(house: House) -> None:
    beta = gone(house, "alpha")
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    house.configure(backends={"alpha": beta})
    assert live(house, "alpha")
    house.ok("group-sync-replication", "db")
    assert not live(house, "alpha")
    assert house.show("group-snapshot-list") == []
    house.ok("group-undo-failover", "db")
    assert served(house) == ("alpha", "enabled")
