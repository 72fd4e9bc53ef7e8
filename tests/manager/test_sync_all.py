"""`group-sync-replication --all` as cron runs it, and clocks that go wrong: real `file` pools, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.manager.house import House
from tests.manager.replicating import build, replica


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build(tmp_path)
    house.ok("group-enable-replication", "db")
    return house


def another_group(house: House, name: str) -> None:
    house.ok("type-create", f"{name}-type")
    house.ok("type-key", f"{name}-type", "set", "replication_enabled=<is> True")
    house.ok("group-create", "consistent", f"{name}-type", "--name", name)
    house.ok("create", "1M", "--group-id", name, "--volume-type", f"{name}-type", "--name", f"{name}-0")
    house.ok("group-enable-replication", name)


@pytest.mark.parametrize("words", [("--all",), ("--all", "--due")])
def test_a_group_that_lost_its_spec_stops_no_other(house: House, words: tuple[str, ...]) -> None:
    another_group(house, "old")
    before = str(replica(house)["point_id"])
    house.execute("UPDATE volume_types SET extra_specs = '{}' WHERE name = 'old-type'")
    house.execute("UPDATE replicas SET taken_at = '2026-01-01 00:00:00'")
    ran = house.run("group-sync-replication", *words)
    assert ran.code == 10, ran
    assert "old" in ran.err
    assert "1 of 2 failed" in ran.err
    assert replica(house)["point_id"] != before
    rows = {row["group"]: row for row in house.show("group-replication-status")}
    assert rows["db"]["error"] is None
    assert rows["old"]["error"]


def test_of_two_cron_runs_the_second_says_who_holds_the_group_and_since_when_or_waits(house: House) -> None:
    marker = house.root / "taken"
    hook = f"touch {marker}; while [ -e {marker} ]; do sleep 0.1; done"
    house.configure(hooks={"db": {"pre": hook, "timeout": "60s"}})
    first = process(house, "group-sync-replication", "--all", "--due", "--lock-timeout", "0")
    while not marker.exists():
        assert first.poll() is None, first.communicate()
    second = process(house, "group-sync-replication", "--all", "--due", "--lock-timeout", "0")
    _, said = second.communicate(timeout=60)
    assert second.returncode == 9, said
    assert f"(pid {first.pid} on " in said
    assert "since 20" in said
    waiting = process(house, "group-sync-replication", "--all", "--lock-timeout", "60")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    house.configuration.pop("hooks")
    house.configure()
    marker.unlink()
    assert first.wait(60) == 0
    assert waiting.wait(60) in (0, 6), waiting.communicate()  # the hook that it read may wait for the marker


def process(house: House, *words: str) -> subprocess.Popen[str]:
    house.execute("UPDATE replicas SET taken_at = '2026-01-01 00:00:00'")
    argv = [sys.executable, "-m", "cgctl", *words[:1], *house.words, *words[1:]]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})


def test_a_point_from_the_future_has_no_lag_and_is_within_no_rpo(house: House) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    house.execute(f"UPDATE replicas SET taken_at = '{ahead:%Y-%m-%d %H:%M:%S}'")
    row = replica(house)
    assert (row["lag_seconds"], row["within_rpo"]) == (None, False)
    assert "in the future" in str(row["error"])
    before = row["point_id"]
    house.ok("group-sync-replication", "--all", "--due")
    row = replica(house)
    assert row["point_id"] != before
    assert (row["within_rpo"], row["error"]) == (True, None)
    assert 0 <= float(str(row["lag_seconds"])) < 600


def test_a_slow_group_makes_no_other_late(house: House) -> None:
    """The hook of each waits until the other's has begun: one after the other, neither would end well."""
    another_group(house, "other")
    met = {name: house.root / f"met-{name}" for name in ("db", "other")}
    wait = "touch {0}; for _ in $(seq 600); do [ ! -e {1} ] || exit 0; sleep 0.1; done; exit 1"
    one, other = wait.format(met["db"], met["other"]), wait.format(met["other"], met["db"])
    house.configure(hooks={"db": {"pre": one, "timeout": "60s"}, "other": {"pre": other, "timeout": "60s"}})
    ran = house.ok("group-sync-replication", "--all")
    ids = sorted(house.show("group-show", name)["id"] for name in met)
    assert ran.err.splitlines() == [f"{one}: synced" for one in ids]


def test_ctrl_c_ends_all_transfers_and_leaves_groups_that_the_next_run_syncs(house: House) -> None:
    another_group(house, "other")
    (target,) = house.configuration["backends"]["alpha"]["replication_targets"]
    alpha = {**house.configuration["backends"]["alpha"], "replication_targets": [{**target, "bandwidth_limit": "20K"}]}
    usual = dict(house.configuration["backends"])
    house.configure(backends={"alpha": alpha})
    for volume in ("db-0", "other-0"):
        house.write(volume, os.urandom(2**20))
    running = process(house, "group-sync-replication", "--all")
    while len(house.rows("SELECT 1 FROM transfers WHERE stream_bytes > 0")) < 2:
        assert running.poll() is None, running.communicate()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=45)
    assert (running.returncode, "Traceback" in said) == (130, False), said
    assert house.rows("SELECT 1 FROM transfers") == []
    house.configure(backends=usual)
    house.ok("group-sync-replication", "--all")
    assert house.rows("SELECT 1 FROM locks") == []
