"""A group that is replicated from btrfs to a directory on XFS and to another btrfs, and goes from each to the next.

Between the two btrfs it goes as blocks, after it was elsewhere: neither descends from the other any more. About 20 s.
"""

from __future__ import annotations

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.replicated_around import Around

pytestmark = pytest.mark.lab
FILES = "/mnt/store/files"


def test_a_group_goes_from_btrfs_to_a_directory_to_another_btrfs_and_home(cluster: Cluster) -> None:
    cluster.lab.stor2.script('rm -rf "$1"; mkdir "$1"', FILES)
    found = cluster.backends()
    backends = {
        "alpha": found["alpha"],
        "files": {"driver": "file", "pool": FILES, "ssh": found["beta"]["ssh"]},
        "beta": found["beta"],
    }

    def script(host: str, text: str, *parameters: str) -> str:
        server = cluster.lab.stor1 if host == "alpha" else cluster.lab.stor2
        return server.script(text, *parameters)

    around = Around.build(cluster, backends, script)
    around.go_around()
