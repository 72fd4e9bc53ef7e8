"""A group moves to another server and back while an iSCSI client writes to it; some 20 s."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cluster import INITIATOR, POOL, Attached, Cluster
from tests.e2e.replicated import Pair, attached_group, replicating
from tests.e2e.writers import Writer, read_counters

pytestmark = pytest.mark.lab
MOVE = ("group-migrate", "--allow-attached-volume", "db")


@pytest.fixture
def pair(cluster: Cluster) -> Pair:
    """Types that do not ask for replication, and backends that have no replication targets."""
    backends = replicating(cluster)
    del backends["alpha"]["replication_targets"]
    cluster.configure(backends=backends)
    cluster.run("type-create", "replicated")
    cluster.run("group-type-create", "rg")
    return Pair(cluster, *attached_group(cluster, 3, "16M", ("--initiator", INITIATOR)))


def test_a_group_in_use_moves_there_and_back_with_every_acknowledged_write(pair: Pair, tmp_path: Path) -> None:
    first_round = 1
    for source, destination in (("alpha", "beta"), ("beta", "alpha")):
        with pair.writing(source, tmp_path, first_round) as writer:
            writer.wait_for_rounds(50)
            if destination == "beta":
                pair.cluster.run(*MOVE, destination)
            else:  # a process of its own goes on with it
                key = pair.cluster.run(*MOVE, destination, "--detach", "-f", "json").json["id"]
                pair.cluster.run("activity-wait", key)
            acked = writer.acked
            shown = pair.cluster.run("group-show", "db", "-f", "json").json
        assert (shown["host"], shown["replication_status"]) == (destination, "disabled")
        assert min(pair.counters(destination)) >= acked > first_round
        assert not list(pair.host(source).path(POOL).glob("live/cgctl-*"))
        first_round = acked + 1
    with pair.writing("alpha", tmp_path, first_round) as writer:
        writer.wait_for_rounds(5)
    assert pair.left_behind() == []
    assert {one["status"] for one in pair.cluster.run("list", "-f", "json").json} == {"in-use"}


@pytest.mark.soak
def test_a_volume_in_no_group_moves_while_it_is_written_to(pair: Pair, tmp_path: Path) -> None:
    cluster = pair.cluster
    create = ("create", "16M", "--volume-type", "replicated", "--name", "alone", "--availability-zone", "nova")
    key = cluster.run(*create, "-f", "value", "-c", "id").value
    attached = Attached(cluster.run("attachment-create", key, "--initiator", INITIATOR, "-f", "json").json)
    with Writer("iscsi", [attached.url], tmp_path, initiator=INITIATOR, first_round=1) as writer:
        writer.wait_for_rounds(50)
        cluster.run("migrate", "--allow-attached-volume", "alone", "beta")
        acked = writer.acked
    shown = cluster.run("show", "alone", "-f", "json").json
    assert (shown["host"], shown["status"], shown["group_id"]) == ("beta", "in-use", None)
    (disk,) = pair.host("beta").path(POOL).glob(f"live/cgctl-{key}/cgctl-{key}/disk")
    assert read_counters([disk])[0] >= acked > 50
    assert not list(pair.host("alpha").path(POOL).glob(f"live/cgctl-{key}"))
    assert pair.left_behind() == []
    assert [one["name"] for one in cluster.run("group-list", "-f", "json").json] == ["db"]
