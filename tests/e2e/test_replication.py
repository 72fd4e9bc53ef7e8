"""Replication between real servers: btrfs send over SSH, iSCSI clients that write all the time, servers that die.

The short form takes about 90 s; CGCTL_SOAK=1 runs 100 cycles, or as many as CGCTL_CYCLES says.
"""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from tests.e2e.cluster import POOL, SOAK, Cluster
from tests.e2e.failover_cycles import interrupt_and_go_on, kill_at_any_moment, kill_behind_each_step
from tests.e2e.replicated import Pair
from tests.e2e.writers import is_ordered, read_counters

pytestmark = pytest.mark.lab

CYCLES = int(os.environ.get("CGCTL_CYCLES", "100")) if SOAK else 5
LONG = pytest.mark.timeout(300 + 120 * CYCLES)


@pytest.fixture
def pair(cluster: Cluster) -> Pair:
    return Pair.build(cluster)


def test_a_planned_failover_under_load_has_the_last_acknowledged_write(pair: Pair, tmp_path: Path) -> None:
    with pair.writing("alpha", tmp_path, 1) as writer:
        writer.wait_for_rounds(50)
        pair.sync()
        shown = pair.fail_over("beta").json
        acked = writer.acked
    assert (shown["is_planned"], shown["loss_seconds"]) == (True, 0.0)
    assert min(pair.counters("beta")) >= acked
    with pair.writing("beta", tmp_path, acked + 1) as writer:
        writer.wait_for_rounds(50)
        pair.fail_over("alpha")
        acked = writer.acked
    assert min(pair.counters("alpha")) >= acked
    with pair.writing("alpha", tmp_path, acked + 1) as writer:
        writer.wait_for_rounds(5)
    assert pair.left_behind() == []


def test_an_unplanned_failover_loses_exactly_what_it_says(pair: Pair, tmp_path: Path) -> None:
    with pair.writing("alpha", tmp_path, 1) as writer:
        writer.wait_for_rounds(20)
        before_sync = writer.acked
        pair.sync()
        after_sync = writer.acked
        writer.wait_for_rounds(50)
        last = writer.acked
        pair.host("alpha").kill()
    assert pair.fail_over("beta", expect=7).stderr.count("--source-is-down")
    shown = pair.fail_over("beta", "--source-is-down").json
    assert shown["is_planned"] is False
    assert before_sync <= min(pair.counters("beta")) <= after_sync + 1
    with pair.writing("beta", tmp_path, 1_000_000) as writer:
        writer.wait_for_rounds(20)
        pair.host("alpha").start()
        pair.sync()
        pair.fail_over("alpha")
        acked = writer.acked
    assert min(pair.counters("alpha")) >= acked >= 1_000_000
    kept = pair.cluster.run("group-snapshot-list", "--long", "-f", "json").json
    assert [row["name"].startswith("diverged-") for row in kept] == [True]
    diverged = read_counters(pair.set_disks("alpha", kept[0]["id"]))
    assert is_ordered(diverged)
    assert last <= min(diverged) < 1_000_000
    assert pair.left_behind() == []


def test_a_source_that_was_only_cut_off_is_fenced_when_it_comes_back(pair: Pair, tmp_path: Path) -> None:
    with pair.writing("alpha", tmp_path, 1) as writer:
        writer.wait_for_rounds(20)
        pair.host("alpha").cut()
        pair.fail_over("beta", "--source-is-down")
        pair.host("alpha").join()
        pair.sync()
        written = writer.acked
        stale = pair.counters("alpha")
        with pytest.raises(AssertionError, match="more rounds"):
            _more(writer, 1)
        assert writer.acked == written
    assert pair.counters("alpha") == stale
    pair.fail_over("alpha")
    assert pair.left_behind() == []


def _more(writer: object, count: int) -> None:
    from tests.lab.command import LabError

    try:
        writer.wait_for_rounds(count, 3)  # type: ignore[attr-defined]
    except LabError as error:
        raise AssertionError(f"more rounds: {error}") from error


@LONG
def test_interrupted_anywhere_the_same_command_goes_on(pair: Pair, tmp_path: Path) -> None:
    interrupt_and_go_on(pair, tmp_path, CYCLES if SOAK else 3, (0.8, 3.8))
    assert pair.cluster.run("group-snapshot-list", "-f", "value").value == ""


@LONG
def test_servers_that_are_killed_at_any_moment_lose_nothing_in_silence(pair: Pair, tmp_path: Path) -> None:
    kill_at_any_moment(pair, tmp_path, CYCLES, 5.0)


@LONG
def test_servers_that_are_killed_behind_each_step_lose_nothing_in_silence(pair: Pair, tmp_path: Path) -> None:
    assert kill_behind_each_step(pair, tmp_path, 1 if SOAK else 36) > 0


def test_a_server_that_is_cut_off_in_the_middle_of_a_transfer(cluster: Cluster) -> None:
    pair = Pair.build(cluster, count=1, size="256M")
    disk = pair.disks("alpha")[0]
    with disk.open("r+b") as file:
        file.write(random.Random(1).randbytes(192 * 1024 * 1024))
    for victim, way in (("beta", "kill"), ("alpha", "kill")):
        killer = threading.Timer(1.5, _kill_and_start, (pair, victim))
        killer.start()
        result = pair.cluster.cgctl("group-sync-replication", "db")
        killer.join()
        assert result.exit_code in (0, 6, 8), (way, result)
    pair.sync()
    row = pair.cluster.run("group-replication-status", "db", "-f", "json").json[0]
    ours, theirs = (pair.set_disks(backend, row["point_id"])[0] for backend in ("alpha", "beta"))
    live = pair.disks("alpha")[0]  # a host that was started anew has another path
    assert ours.read_bytes() == theirs.read_bytes() == live.read_bytes()
    assert pair.left_behind() == []


def _kill_and_start(pair: Pair, victim: str) -> None:
    pair.host(victim).kill()
    pair.host(victim).start()


CHECK = """
echo "$CGCTL_CONNECTIONS" | while read -r name portal iqn lun user; do
    login="$user%$CGCTL_SECRET@"
    iscsi-inq -i "$CGCTL_INITIATOR" "iscsi://$login$portal/$iqn/$lun" >/dev/null || exit 1
    echo "$name answers"
done
"""


def test_a_drill_offers_the_newest_point_beside_the_running_replication(pair: Pair, tmp_path: Path) -> None:
    with pair.writing("alpha", tmp_path, 1) as writer:
        writer.wait_for_rounds(20)
        pair.sync()
        shown = pair.cluster.run("group-test-failover", "db", "--check", CHECK, "-f", "json").json
        writer.wait_for_rounds(5)
        pair.sync()
    assert shown["verdict"] == "passed"
    assert shown["log"].splitlines() == [f"db-{number} answers" for number in range(3)]
    assert pair.cluster.run("group-test-failover", "db", "--check", "exit 3", expect=6).stderr
    assert pair.left_behind() == []
    assert not list(pair.host("beta").path(POOL).glob("live/*"))
