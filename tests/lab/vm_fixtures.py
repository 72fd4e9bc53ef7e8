"""pytest fixtures of the virtual machines: `pytest_plugins = ["tests.lab.vm_fixtures"]` in a conftest.py at the top.

Ask for them before the fixture `lab`: that one moves the process into a network namespace with a loopback of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.command import LabError
from tests.lab.skipping import skip_or_fail
from tests.lab.vm import Machine, Machines, image, packages


def obstacle() -> str | None:
    """Why the machines cannot run here."""
    if os.geteuid() != 0:
        return "building the virtual machines needs root"
    if shutil.which("apt-get") is None:
        return "the virtual machines need Debian or Ubuntu (apt-get)"
    if not image.is_built():
        return build_obstacle()
    return None


def build_obstacle() -> str | None:
    """The image is built here, once: two minutes, some 200 MB of packages."""
    try:
        packages.install_missing()
        image.ensure()
    except LabError as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    """Room for both machines, which are off: `fresh_machines` or up(systemd=True) switch them on."""
    skip_or_fail(obstacle())
    result = Machines()
    try:
        yield result
    finally:
        result.down()


@pytest.fixture
def fresh_machines(machines: Machines) -> Machines:
    """Both, new from the saved state: an empty pool, no targets, no exports. Costs 3 to 6 s."""
    machines.up()
    return machines


@pytest.fixture
def vm1(fresh_machines: Machines) -> Machine:
    return fresh_machines.find("vm1")


@pytest.fixture
def vm2(fresh_machines: Machines) -> Machine:
    return fresh_machines.find("vm2")
