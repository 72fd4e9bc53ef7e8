"""pytest fixtures: `pytest_plugins = ["tests.lab.fixtures"]` in a conftest.py at the top."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import client_namespace
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.skipping import skip_or_fail


def obstacle() -> str | None:
    """Why the lab cannot run here. Missing packages are none: the lab installs them."""
    if os.geteuid() != 0:
        return "the lab needs root"
    if shutil.which("apt-get") is None:
        return "the lab needs Debian or Ubuntu (apt-get)"
    absent = [name for name in ("btrfs", "xfs") if name not in Path("/proc/filesystems").read_text()]
    if absent and shutil.which("modprobe") is None:
        return f"the kernel lacks {' '.join(absent)}"
    if not Path("/dev/loop-control").exists():
        return "no /dev/loop-control"
    return None


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab, up; this process is in the client's network namespace."""
    skip_or_fail(obstacle())
    result = Lab()
    try:
        result.up()
        with client_namespace.entered(result.client_namespace):
            yield result
    finally:
        result.down()


@pytest.fixture(scope="session")
def stor1(lab: Lab) -> Host:
    return lab.stor1


@pytest.fixture(scope="session")
def stor2(lab: Lab) -> Host:
    return lab.stor2


@pytest.fixture
def clean_pools(lab: Lab) -> None:
    """Both hosts run, are connected, and have an empty pool without exports."""
    lab.clean_pools()
