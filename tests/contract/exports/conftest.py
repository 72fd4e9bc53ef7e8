from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.contract import Context
from tests.contract.exports.host_runner import HostRunner
from tests.lab.host import Host


@pytest.fixture
def context() -> Context:
    return Context("operation-1", "owner-1", datetime.now(UTC) + timedelta(seconds=60))


@pytest.fixture
def runner(stor1: Host, clean_pools: None) -> HostRunner:
    return HostRunner(stor1)
