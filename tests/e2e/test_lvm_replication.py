"""Replication between two virtual machines: LVM thin with chunks of two sizes, LIO clients that write from outside.

CI runs none of it: a fork takes 50 ms there. CGCTL_VM=1: about 10 min; CGCTL_SOAK=1 runs more cycles.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.thin_pool import EDIT, running_machines
from tests.e2e.cluster import SOAK
from tests.e2e.failover_cycles import interrupt_and_go_on, kill_at_any_moment
from tests.e2e.replicated_machines import LITTLE_ROOM, MachinePair, NfsMachinePair, TwoMachines
from tests.lab.vm import Machine, Machines

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]
CYCLES = int(os.environ.get("CGCTL_CYCLES", "20")) if SOAK else 3
MIB = 1024**2


@pytest.fixture(scope="module")
def found() -> Iterator[list[Machine]]:
    yield from running_machines("vm1", "vm2")


@pytest.fixture
def pair(found: list[Machine], directory: Path) -> MachinePair:
    return MachinePair.build(TwoMachines(Machines(), found, directory))


def status(pair: MachinePair) -> dict[str, object]:
    row: dict[str, object] = pair.cluster.run("group-replication-status", "db", "-f", "json").json[0]
    return row


@pytest.mark.parametrize("kind", [MachinePair, NfsMachinePair], ids=["iscsi", "nfs"])
def test_over_and_back_with_clients_that_write_and_a_server_that_loses_its_power(
    kind: type[MachinePair], found: list[Machine], directory: Path, tmp_path: Path
) -> None:
    pair = kind.build(TwoMachines(Machines(), found, directory))
    with pair.writing("alpha", tmp_path, 1) as writer:
        writer.wait_for_rounds(20)
        pair.sync()
        row = status(pair)
        assert (row["is_full"], int(str(row["stream_bytes"])) < 4 * MIB) == (False, True)
        writer.wait_for_rounds(5)
        shown = pair.fail_over("beta").json
        acked = writer.acked
    assert (shown["is_planned"], shown["loss_seconds"]) == (True, 0.0)
    assert min(pair.counters("beta")) >= acked
    with pair.writing("beta", tmp_path, acked + 1) as writer:
        writer.wait_for_rounds(20)
        pair.sync()
        synced = writer.acked
        writer.wait_for_rounds(20)
        last = writer.acked
        pair.machine("beta").kill()
    shown = pair.fail_over("alpha", "--source-is-down").json
    assert shown["is_planned"] is False
    assert acked <= min(pair.counters("alpha")) <= synced + 1
    with pair.writing("alpha", tmp_path, 1_000_000) as writer:
        writer.wait_for_rounds(20)
        pair.machine("beta").start()
        pair.sync()
    point = str(status(pair)["point_id"])
    assert status(pair)["is_full"] is False
    assert pair.set_digests("alpha", point) == pair.set_digests("beta", point)
    pair.fail_over("beta")
    kept = pair.cluster.run("group-snapshot-list", "--long", "-f", "json").json
    assert [row["name"].startswith("diverged-") for row in kept] == [True]
    assert last <= min(pair.set_counters("beta", kept[0]["id"])) < 1_000_000
    assert min(pair.counters("beta")) >= 1_000_000
    assert pair.left_behind() == []


def test_interrupted_anywhere_the_same_command_goes_on(pair: MachinePair, tmp_path: Path) -> None:
    interrupt_and_go_on(pair, tmp_path, CYCLES, (5.0, 45.0))


def test_servers_that_are_killed_at_any_moment_lose_nothing_in_silence(pair: MachinePair, tmp_path: Path) -> None:
    kill_at_any_moment(pair, tmp_path, CYCLES, 60.0)


def test_a_server_that_loses_its_power_in_the_middle_of_a_transfer(pair: MachinePair) -> None:
    for victim, seconds in (("beta", 25.0), ("alpha", 20.0)):
        fill(pair, 16)
        killer = threading.Timer(seconds, lambda victim=victim: pair.machine(victim).kill())
        killer.start()
        result = pair.cluster.cgctl("group-sync-replication", "db")
        killer.join()
        pair.machine(victim).start()
        pair.cluster.run("backend-check", "--repair")
        assert result.exit_code in (0, 6, 8), result
    pair.sync()
    point = str(status(pair)["point_id"])
    assert pair.set_digests("alpha", point) == pair.set_digests("beta", point)
    assert pair.left_behind() == []


def test_a_replica_is_proven_neither_overwritten_nor_lost_where_it_was_edited_or_there_is_no_room(
    found: list[Machine], directory: Path
) -> None:
    pair = MachinePair.build(TwoMachines(Machines(), found, directory, LITTLE_ROOM), count=1, size="64M")
    fill(pair, 40)
    pair.sync()
    good = pair.last_point()
    fill(pair, 60)
    refused = pair.cluster.cgctl("group-sync-replication", "db")
    assert refused.exit_code == 6, refused
    assert "room for" in refused.stderr, refused
    assert pair.last_point() == good
    assert pair.left_behind() == []
    verified = pair.cluster.run("group-verify-replica", "db", "-f", "json").json
    assert [(row["point_id"], row["result"]) for row in verified] == [(good, "same")]
    (volume_id,) = pair.members.volume_ids
    pair.machine("beta").script(EDIT, f"/dev/cgvg/cgctl-{good}_{volume_id}", "by hand")
    edited = pair.set_digests("beta", good)
    differs = pair.cluster.cgctl("group-verify-replica", "db")
    assert (differs.exit_code, "differs in bytes 0-1048575" in differs.stderr) == (6, True), differs
    fill(pair, 1)
    refused = pair.cluster.cgctl("group-sync-replication", "db")
    assert refused.exit_code == 7, refused
    assert pair.set_digests("beta", good) == edited != pair.set_digests("alpha", good)


def fill(pair: MachinePair, mebibytes: int) -> None:
    """The first volume, from its begin."""
    gate = f"/dev/mapper/cgctl-{pair.members.volume_ids[0]}"
    text = 'dd if=/dev/urandom of="$1" bs=1M count="$2" oflag=direct status=none'
    pair.machine("alpha").script(text, gate, str(mebibytes))
