"""How recovery points travel between real servers: directly, relayed, compressed, limited; cut, stalled, taken over."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.replicated import Pair

pytestmark = pytest.mark.lab


def status(pair: Pair) -> dict[str, Any]:
    (row,) = pair.cluster.run("group-replication-status", "db", "-f", "json").json
    return dict(row)


def write_data(pair: Pair, megabytes: int, seed: int = 1) -> None:
    with pair.disks("alpha")[0].open("r+b") as file:
        file.write(random.Random(seed).randbytes(megabytes * 1024 * 1024))


def assert_equal_points(pair: Pair) -> None:
    point = status(pair)["point_id"]
    ours, theirs = (pair.set_disks(backend, point)[0].read_bytes() for backend in ("alpha", "beta"))
    assert ours == theirs == pair.disks("alpha")[0].read_bytes()


@pytest.fixture
def pair(cluster: Cluster) -> Pair:
    return Pair.build(cluster, count=1, size="64M")


def test_servers_that_reach_each_other_need_no_relay(pair: Pair) -> None:
    write_data(pair, 32)
    pair.sync()
    row = status(pair)
    assert (row["path"], row["path_note"]) == ("direct", None)
    assert row["stream_bytes"] > 32 * 1024 * 1024
    assert_equal_points(pair)
