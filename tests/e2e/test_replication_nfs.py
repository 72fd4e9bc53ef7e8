"""A failover of volumes that are offered by NFS: ganesha on both sides, a libnfs client, the same path. About 20 s."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.replicated import TARGET, Pair, replicated_group
from tests.e2e.writers import Writer

pytestmark = pytest.mark.lab


@dataclass
class NfsPair(Pair):
    """As Pair, by NFS."""

    @classmethod
    def build(cls, cluster: Cluster, count: int = 3, size: str = "16M", **target: Any) -> NfsPair:
        backends = cluster.backends()
        export = {"protocol": "nfs", "server": "ganesha", "portal": f"{cluster.lab.stor1.ip}:2049"}
        backends["alpha"]["export"] = export
        backends["alpha"]["replication_targets"] = [{**TARGET, **target}]
        return cls(cluster, *replicated_group(cluster, backends, count, size, ("--ip", cluster.client_ip)))

    def urls(self, backend: str) -> list[str]:
        """The path that the client was told once, at the backend's server."""
        first = self.cluster.lab.stor1.ip
        return [one.url.replace(f"nfs://{first}/", f"nfs://{self.host(backend).ip}/") for one in self.attached]

    @contextmanager
    def writing(self, backend: str, directory: Path, first_round: int) -> Iterator[Writer]:
        with Writer("nfs", self.urls(backend), directory, first_round=first_round) as writer:
            yield writer


def test_a_client_finds_the_same_path_after_a_failover_and_its_last_acknowledged_write(
    cluster: Cluster, tmp_path: Path
) -> None:
    pair = NfsPair.build(cluster)
    acked = 0
    for source, to in (("alpha", "beta"), ("beta", "alpha")):
        with pair.writing(source, tmp_path, acked + 1) as writer:
            writer.wait_for_rounds(30)
            assert pair.fail_over(to).json["is_planned"] is True
            acked = writer.acked
        assert min(pair.counters(to)) >= acked > 0
    with pair.writing("alpha", tmp_path, acked + 1) as writer:
        writer.wait_for_rounds(5)
    shown = [pair.cluster.run("attachment-show", one.id, "-f", "json").json for one in pair.attached]
    assert [one["path"] for one in shown] == [one.shown["path"] for one in pair.attached]
    checked = pair.cluster.run("group-test-failover", "db", "--ip", cluster.client_ip, "--keep", "-f", "json").json
    (drilled, *_) = [one["path"].partition(":")[2] for one in checked["connections"]]
    assert drilled not in {str(one["path"]).partition(":")[2] for one in shown}
    pair.cluster.run("drill-end", checked["id"])
    assert {row["result"] for row in pair.cluster.run("group-verify-replica", "db", "-f", "json").json} == {"same"}
    assert pair.left_behind() == []
