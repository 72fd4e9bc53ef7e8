"""`freeze-host` on a replication target: while its server is worked on, nothing that cgctl does may change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import ConnectionLost
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import points, replica

CHANGES_IT = (
    ("group-sync-replication", "db"),
    ("group-sync-replication", "--all"),
    ("group-sync-replication", "db", "--detach"),
    ("group-test-failover", "db"),
    ("group-failover-replication", "db"),
    ("group-failover-replication", "db", "--dry-run"),
    ("group-failover-replication", "db", "--source-is-down"),
    ("failover-host", "alpha"),
    ("group-disable-replication", "db", "--leave-replicas", "--yes"),
)


def refused(house: House, host: str, *words: str) -> None:
    """With nothing changed, and the way out."""
    with house.unchanged():
        ran = house.run(*words)
    assert (ran.code, f"hint: cgctl thaw-host {host}\n" in ran.err) == (5, True), ran


def files(pool: Path) -> set[str]:
    """Everything that is on a server, but for locks."""
    return {str(path) for path in pool.rglob("*") if "/locks/" not in str(path)}


def test_what_would_change_a_frozen_target_is_refused(replicated: House) -> None:
    replicated.ok("freeze-host", "beta")
    for words in CHANGES_IT:
        refused(replicated, "beta", *words)
    replicated.ok("group-verify-replica", "db")
    assert replica(replicated)["error"] is None
    replicated.ok("thaw-host", "beta")
    replicated.ok("group-sync-replication", "--all")


def test_a_frozen_target_is_left_out_of_a_sync_and_the_others_are_not(three: House) -> None:
    three.ok("group-sync-replication", "db")
    before, old = files(three.root / "beta"), points(three, "gamma")
    three.ok("freeze-host", "beta")
    ran = three.run("group-sync-replication", "db")
    assert (ran.code, "beta: backend beta is frozen" in ran.err) == (10, True), ran
    assert replica(three)["error"] == "backend beta is frozen"
    assert files(three.root / "beta") == before
    assert points(three, "gamma").keys() != old.keys()
    three.ok("group-failover-replication", "db", "--secondary-backend-id", "dr2")
    assert files(three.root / "beta") == before
    three.ok("thaw-host", "beta")
    three.ok("group-sync-replication", "db")
    assert replica(three)["point_id"] in points(three, "beta").keys() & points(three, "gamma").keys()


def test_the_way_back_is_closed_while_the_home_is_frozen(replicated: House) -> None:
    replicated.ok("group-failover-replication", "db")
    replicated.ok("freeze-host", "alpha")
    refused(replicated, "alpha", "group-undo-failover", "db", "--yes")
    refused(replicated, "alpha", "group-failover-replication", "db", "--secondary-backend-id", "default")


def test_a_clone_that_a_drill_kept_stays_until_the_thaw(replicated: House) -> None:
    replicated.ok("group-test-failover", "db", "--keep")
    (drill,) = replicated.show("drill-list", "db")
    replicated.ok("freeze-host", "beta")
    refused(replicated, "beta", "drill-end", drill["id"])
    replicated.ok("thaw-host", "beta")
    replicated.ok("drill-end", drill["id"])


def test_an_interrupted_failover_waits_for_the_thaw_of_where_it_goes(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ConnectionLost("alpha: closed"), "note_side"))
    assert replicated.run("group-failover-replication", "db").code == 6
    faulty.install(monkeypatch, faulty.well)
    replicated.ok("freeze-host", "beta")
    with replicated.unchanged():
        ran = replicated.run("recover")
    assert (ran.code, "backend beta is frozen" in ran.out + ran.err) == (5, True), ran
    for words in (("group-failover-replication", "db"), ("group-undo-failover", "db", "--yes")):
        refused(replicated, "beta", *words, "--source-is-down")
    replicated.ok("thaw-host", "beta")
    replicated.ok("group-failover-replication", "db")
    assert replicated.show("group-show", "db")["host"] == "beta"
