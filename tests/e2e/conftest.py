"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster
from tests.lab import Lab


@pytest.fixture
def cluster(lab: Lab, clean_pools: None, tmp_path: Path) -> Cluster:
    """Two servers with empty pools, a configuration and a fresh state with types."""
    directory = tmp_path / "cluster"
    directory.mkdir(mode=0o700)
    result = Cluster(lab, directory)
    result.make_types()
    return result
