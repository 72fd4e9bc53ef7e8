"""Backups over SSH: a group that is written to comes back as one point in time; to this machine, and on its server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.under_load import writing
from tests.e2e.writers import is_ordered

REPOSITORY = "/srv/backups"


def with_repository(cluster: Cluster, place: str) -> None:
    """here: a directory of this machine; there: one of the server that is backed up."""
    if place == "here":
        directory = cluster.config.parent / "vault"
        directory.mkdir()
        cluster.configure(backup_repositories={"vault": {"directory": str(directory)}})
        return
    cluster.lab.stor1.script(f"rm -rf {REPOSITORY}; mkdir -p {REPOSITORY}")
    cluster.configure(backup_repositories={"vault": {"directory": REPOSITORY, "backend": "alpha"}})


@pytest.mark.lab
@pytest.mark.parametrize("place", ["here", "there"])
def test_a_group_in_use_is_backed_up_and_comes_back_as_one_point_in_time(
    cluster: Cluster, tmp_path: Path, place: str
) -> None:
    with_repository(cluster, place)
    members = cluster.group("db", 3, size="64M")
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        writer.wait_for_rounds(2)
        acked_before = writer.acked
        cluster.run("group-backup-create", "db", "--name", "first")
        writer.wait_for_rounds(2)
        cluster.run("group-backup-create", "db", "--name", "second", "--incremental")
    cluster.run("backup-verify", "second")
    counted = []
    for name in ("first", "second"):
        cluster.run("group-backup-restore", name, "--name", f"{name}-again")
        again = cluster.members_of(f"{name}-again")
        counters = cluster.counters(again)
        assert is_ordered(counters)
        assert min(counters) >= acked_before
        counted.append(min(counters))
    assert counted[0] < counted[1]
