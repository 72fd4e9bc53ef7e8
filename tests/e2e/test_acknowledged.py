"""Every write that was acknowledged before a command began is in what the command made, also after a power loss."""

from __future__ import annotations

import random
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.e2e.cluster import ISCSI, NFS, SOAK, Cluster, CommandLine, Members
from tests.e2e.figures import record
from tests.e2e.places import MACHINE, NAMESPACES
from tests.e2e.under_load import spread, writing
from tests.e2e.writers import is_ordered, read_counters

pytestmark = pytest.mark.lab

CLONES = 50 if SOAK else 5
POWER_LOSSES = 20 if SOAK else 3
MOVES = 30 if SOAK else 3
KILLS = 20 if SOAK else 4


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("place", [*NAMESPACES, *MACHINE])
def test_a_clone_of_a_busy_group_has_all_acknowledged_writes_in_order(
    place: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fixture, volume_type = place
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 4, volume_type)
    seen = set()
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        for number in range(CLONES):
            acked_before = writer.acked
            cluster.run("group-create-from-src", "--source-group", "db", "--name", f"clone{number}")
            clone = cluster.members_of(f"clone{number}")
            counters = cluster.counters(clone)
            cluster.run("group-delete", "--delete-volumes", clone.group_id)
            assert is_ordered(counters)
            assert min(counters) >= acked_before
            seen.add(tuple(counters))
            writer.wait_for_rounds(2)
    assert len(seen) == CLONES


@dataclass(frozen=True)
class Acked:
    """Rounds that were acknowledged before the command, and before the power loss."""

    before_command: int
    before_loss: int


def lose_power_after_a_group_snapshot(cluster: Cluster, members: Members, name: str, directory: Path) -> Acked:
    """The server is off as soon as the command has ended, and on again."""
    host = cluster.host_of(members)
    attached = [cluster.attach(one, members.volume_type) for one in members.volume_ids]
    with writing(members, attached, directory) as writer:
        writer.wait_for_rounds(20)
        acked_before = writer.acked
        cluster.run("group-snapshot-create", "db", "--name", name)
        acked = Acked(acked_before, writer.acked)
        host.lose_power()
    host.start()
    for one in attached:
        cluster.run("attachment-delete", one.id)
    return acked


@pytest.mark.parametrize(("volume_type", "count"), [(ISCSI, POWER_LOSSES), (NFS, 1)])
def test_a_completed_group_snapshot_survives_a_power_loss(
    cluster: Cluster, tmp_path: Path, volume_type: str, count: int
) -> None:
    members = cluster.group("db", 4, volume_type)
    for number in range(count):
        name = f"s{number}"
        acked = lose_power_after_a_group_snapshot(cluster, members, name, tmp_path)
        shown = cluster.run("group-snapshot-show", name, "-f", "json").json
        counters = read_counters(cluster.snapshot_disks(members, shown["id"]))
        live = read_counters(cluster.disks(members))
        record("power loss", volume_type=volume_type, acked=asdict(acked), counters=counters, live=live)
        assert is_ordered(counters)
        assert min(counters) >= acked.before_command
        cluster.run("group-create-from-src", "--group-snapshot", name, "--name", f"after{number}")
        restored = cluster.members_of(f"after{number}")
        assert read_counters(cluster.disks(restored)) == counters
        if volume_type == NFS:  # synchronous files; an iSCSI initiator has to flush for that
            assert min(live) >= acked.before_loss


@pytest.mark.parametrize("volume_type", [ISCSI, NFS])
def test_a_volume_that_moves_while_it_is_written_to_keeps_every_acknowledged_write(
    cluster: Cluster, tmp_path: Path, volume_type: str
) -> None:
    """Out of its group and in again, time after time; the writer logs in again by itself."""
    members = cluster.group("db", 2, volume_type)
    attached = cluster.attach_all(members)
    shown = [cluster.run("show", one, "-f", "json").json["export"] for one in members.volume_ids]
    gaps = []
    with writing(members, attached, tmp_path) as writer:
        for _ in range(MOVES):
            for way, volume in (("remove", members.volume_ids[1]), ("add", members.volume_ids[1])):
                writer.wait_for_rounds(3)
                acked_before = writer.acked
                writer.reset_stall()
                told = cluster.run("group-update", "db", f"--{way}-volumes", volume).stderr
                writer.wait_for_rounds(3)
                gaps.append((float(re.findall(r"away for ([0-9.]+) s", told)[0]), writer.max_stall_seconds))
                moved = cluster.live_disk(members, volume)
                assert read_counters([moved])[0] >= acked_before
    record(
        "export gap of a move",
        volume_type=volume_type,
        gap=spread([gap for gap, _ in gaps]),
        stall=spread([stall for _, stall in gaps]),
    )
    assert [cluster.run("show", one, "-f", "json").json["export"] for one in members.volume_ids] == shown
    assert writer.summary is not None
    counters = read_counters(cluster.disks(members))
    assert is_ordered(counters)
    assert min(counters) >= writer.summary.rounds
    assert "exports were away for" in cluster.run("history", "db").stdout
    cluster.run("backend-check", "alpha" if volume_type == ISCSI else "beta")


def test_a_killed_clone_of_a_group_in_use_is_settled_without_a_trace(cluster: Cluster, tmp_path: Path) -> None:
    """D16, and kill -9 of cgctl at any moment: nothing hidden stays, and the next clone is whole."""
    members = cluster.group("db", 4, ISCSI)
    draw = random.Random(5)
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        for number in range(KILLS):
            process = cluster.start("group-create-from-src", "--source-group", "db", "--name", f"clone{number}")
            time.sleep(draw.uniform(0.5, 3))
            process.kill()
            process.communicate()
            cluster.run("recover")
            rows = cluster.run("group-list", "-f", "json").json
            assert {row["status"] for row in rows} == {"available"}
            for row in rows:
                if row["name"] != "db":
                    cluster.run("group-delete", "--delete-volumes", row["id"])
            assert cluster.run("group-snapshot-list", "-f", "json").json == []
            place = cluster.host_of(members).path("/srv/pool")
            assert [path.name for path in (place / "live").iterdir()] == [f"cgctl-{members.group_id}"]
            assert list((place / "groupsnap").iterdir()) == []
            writer.wait_for_rounds(2)
        cluster.run("group-create-from-src", "--source-group", "db", "--name", "whole")
    assert is_ordered(read_counters(cluster.disks(cluster.members_of("whole"))))
