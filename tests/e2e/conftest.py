"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from cgctl.remote.ssh_runner import SshRunner
from tests.contract.thin_pool import running_machine
from tests.e2e.cluster import Cluster, CommandLine
from tests.e2e.local_sshd import Sshd, running
from tests.e2e.machine_cluster import MachineCluster
from tests.lab import Lab
from tests.lab.vm import Machine, Machines


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """For a configuration and a state."""
    result = tmp_path / "cluster"
    result.mkdir(mode=0o700)
    return result


C = TypeVar("C", bound=CommandLine)


def with_types(cluster: C) -> C:
    cluster.make_types()
    return cluster


@pytest.fixture
def cluster(lab: Lab, clean_pools: None, directory: Path) -> Cluster:
    """Two servers with empty pools, a configuration and a fresh state with types."""
    return with_types(Cluster(lab, directory))


@pytest.fixture(scope="session")
def vm1() -> Iterator[Machine]:
    yield from running_machine()


@pytest.fixture
def lvm_cluster(vm1: Machine, directory: Path) -> MachineCluster:
    """A virtual machine: thin volumes by LIO, files on btrfs by the kernel's NFS server."""
    return with_types(MachineCluster(Machines(), vm1, "lvm", directory))


@pytest.fixture
def lvm_nfs_cluster(vm1: Machine, directory: Path) -> MachineCluster:
    """File systems on thin volumes by the kernel's NFS server, files on btrfs by LIO."""
    return with_types(MachineCluster(Machines(), vm1, "btrfs", directory, nfs_driver="lvm"))


@pytest.fixture
def btrfs_cluster(vm1: Machine, directory: Path) -> MachineCluster:
    """The same with files on btrfs by LIO, too."""
    return with_types(MachineCluster(Machines(), vm1, "btrfs", directory))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd of the module's own, that lets us in."""
    with running(tmp_path_factory.mktemp("sshd")) as result:
        yield result


@pytest.fixture
def runner(sshd: Sshd) -> Iterator[SshRunner]:
    result = SshRunner(sshd.settings)
    yield result
    result.close()
