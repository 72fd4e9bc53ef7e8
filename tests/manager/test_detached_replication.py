"""`--detach` of what replicates: a process of its own goes on, and what it leaves is settled like a command's.

A move to its end: tests/e2e/test_migration_in_use.py; here the process would need exports that are real.
"""

from __future__ import annotations

import time

import pytest

from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.replicating import build, replica
from tests.manager.test_failover_kill_points import leftovers
from tests.manager.test_migration_in_use import MOVE, data, state, write


def test_a_sync_goes_on_without_its_command(replicated: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the state is named as seen from the command's directory."""
    before = replica(replicated)["point_id"]
    replicated.write("db-0", b"more")
    monkeypatch.chdir(replicated.root)
    key = replicated.make("group-sync-replication", "db", "--detach", "--state", "sqlite:///state.db")
    replicated.ok("activity-wait", key)
    assert replica(replicated)["point_id"] != before
    assert replica(replicated)["error"] is None
    assert replicated.show("activity-show", key)["state"] == "succeeded"
    assert replicated.run("group-sync-replication", "--all", "--detach").code == 2
    assert leftovers(replicated) == []


def test_what_its_group_was_deleted_under_ends_as_failed(replicated: House) -> None:
    key = replicated.make("group-sync-replication", "db", "--detach")
    deletion = ("group-delete", "db", "--delete-volumes", "--delete-replicas", "--yes", "--lock-timeout", "60")
    replicated.ok(*deletion)
    replicated.run("activity-wait", key)
    assert replicated.show("activity-show", key)["state"] in ("failed", "succeeded")
    replicated.ok("recover")
    replicated.ok("activity-forget", key)
    assert replicated.rows("SELECT 1 FROM operations WHERE state NOT IN ('done', 'failed', 'settled')") == []


def test_replication_is_enabled_and_its_first_copy_goes_on(house: House) -> None:
    db = build(house.root)
    with db.unchanged():
        assert db.run("group-sync-replication", "db", "--detach").code == 5
    key = db.make("group-enable-replication", "db", "--detach")
    assert db.show("group-show", "db")["replication_status"] == "enabled"
    db.ok("activity-wait", key)
    assert replica(db)["is_full"] is True


@pytest.mark.parametrize("seconds", [0.5])
def test_a_move_that_is_cancelled_is_whole_on_one_side_and_nothing_is_left(used: House, seconds: float) -> None:
    written = write(used, "before")
    key = used.make(*MOVE, "beta", "--detach")
    time.sleep(seconds)
    used.run("activity-cancel", key)
    used.run("recover")
    host, status, replication, hosts = state(used)
    assert (status, replication, hosts) == ("available", "disabled", {host})
    assert data(used) == written
    assert used.show("show", "db-0")["migration_status"] in (None, "success")
    assert leftovers(used) == []
    assert disagreements(used) == []
