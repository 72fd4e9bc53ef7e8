from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drivers.contract import Context
from tests.contract.exports.host_runner import HostRunner
from tests.lab.command import LabError
from tests.lab.host import Host
from tests.lab.vm import Machine, Machines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The virtual machines take minutes: only where they are asked for."""
    if os.environ.get("CGCTL_VM") != "1":
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("vm")])
        items[:] = [item for item in items if not item.get_closest_marker("vm")]


@pytest.fixture
def context() -> Context:
    return Context("operation-1", "owner-1", datetime.now(UTC) + timedelta(seconds=60))


@pytest.fixture
def runner(stor1: Host, clean_pools: None) -> HostRunner:
    return HostRunner(stor1)


@pytest.fixture(scope="session")
def vm1() -> Iterator[Machine]:
    """A virtual machine of the lab: the one that runs, else a fresh one for this session."""
    machines = Machines()
    with_own = not _is_running(machines)
    if with_own:
        machines.up(only="vm1")
    yield machines.find("vm1")
    if with_own:
        machines.down()


def _is_running(machines: Machines) -> bool:
    try:
        return machines.find("vm1").is_running()
    except LabError:
        return False
