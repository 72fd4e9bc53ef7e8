"""A group that failed over, and whose home is gone for good: the operator has taken its section from the configuration.

What needs the backend that serves works on; what would need the other one says so, and how the group goes on without.
"""

from __future__ import annotations

import pytest

from tests.manager.house import House
from tests.manager.replicating import EXPORTS

NEEDS_ITS_HOME = (
    ("group-sync-replication", "db"),
    ("group-sync-replication", "db", "--detach"),
    ("group-test-failover", "db"),
    ("group-verify-replica", "db"),
    ("group-snapshot-create", "db", "--replicate"),
    ("group-failover-replication", "db", "--secondary-backend-id", "default", "--source-is-down"),
    ("group-failover-replication", "db", "--secondary-backend-id", "dr2"),
    ("group-undo-failover", "db", "--yes"),
    ("group-disable-replication", "db", "--yes"),
)


def without(house: House, *backends: str) -> None:
    """Take sections from the configuration."""
    for one in backends:
        del house.configuration["backends"][one]
    house.configure()


@pytest.fixture
def away(three: House) -> House:
    """Group `db` is served by beta; of alpha, its home, the configuration says nothing any more."""
    three.ok("group-failover-replication", "db")
    without(three, "alpha")
    return three


def stays(house: House) -> str:
    return f"cgctl group-disable-replication --leave-replicas {house.show('group-show', 'db')['id']}"


def test_it_can_be_looked_at_and_used(away: House) -> None:
    (row,) = away.show("group-replication-status", "db")
    assert (row["active_host"], row["error"]) == ("beta", "backend alpha, its home, is not configured any more")
    assert away.show("group-replication-status") == [row]
    listed = away.ok("group-list-replication-targets", "db", "-f", "json")
    assert listed.json == []
    assert stays(away) in listed.err
    away.ok("group-snapshot-create", "db", "--name", "later")
    away.ok("group-snapshot-delete", "later")
    away.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", "db-2")
    away.ok("extend", "db-0", "2M")


def test_what_needs_its_home_says_so_and_how_to_go_on(away: House) -> None:
    told = "group db: backend alpha, its home, is not configured any more"
    for words in NEEDS_ITS_HOME:
        with away.unchanged():
            ran = away.run(*words)
        assert (ran.code, told in ran.err, stays(away) in ran.err) == (3, True, True), ran
    ran = away.run("failover-host", "beta")
    assert (ran.code, "alpha, its home, is not configured" in ran.out, stays(away) in ran.err) == (3, True, True), ran


def test_it_is_at_home_where_it_is_served_on_the_operators_word(away: House) -> None:
    """Nothing of it is left on gamma; of alpha nobody can tell, and it is said."""
    away.write("db-0", b"written on beta")
    told = away.ok("group-disable-replication", "db", "--leave-replicas", "--yes").err
    assert "backend alpha is not configured any more; its recovery points are left there" in told
    shown = away.show("group-show", "db")
    assert (shown["replication_status"], shown["host"], shown["availability_zone"]) == ("disabled", "beta", "elsewhere")
    assert away.read("db-0", 15) == b"written on beta"
    assert list((away.root / "gamma").glob("groupsnap/*")) == []
    gamma = [{"backend_id": "dr2", "backend": "gamma"}]
    away.add_backend("beta", availability_zone="elsewhere", export=EXPORTS["beta"], replication_targets=gamma)
    away.ok("group-enable-replication", "db")
    assert [(one["host"], one["error"]) for one in away.show("group-replication-status", "db")] == [("gamma", None)]


def test_an_undo_to_a_target_that_is_not_configured_any_more_leaves_no_trace(three: House) -> None:
    three.ok("group-failover-replication", "db")
    three.ok("group-failover-replication", "db", "--secondary-backend-id", "default")
    three.add_backend("alpha", replication_targets=[{"backend_id": "dr2", "backend": "gamma"}], export=EXPORTS["alpha"])
    without(three, "beta")
    with three.unchanged():
        ran = three.run("group-undo-failover", "db", "--yes")
    assert (ran.code, "group db: backend beta is not configured any more" in ran.err) == (3, True), ran
