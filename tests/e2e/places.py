"""Where an end-to-end test runs: a fixture of a cluster, and the volume type that chooses the export there."""

from __future__ import annotations

import pytest

from tests.e2e.cluster import ISCSI, NFS

Place = tuple[str, str]


def place(cluster: str, volume_type: str, *marks: pytest.MarkDecorator) -> object:
    return pytest.param((cluster, volume_type), marks=marks, id=f"{cluster}-{volume_type}")


NAMESPACES = [place("cluster", ISCSI, pytest.mark.lab), place("cluster", NFS, pytest.mark.lab)]
"""btrfs by tgt and by nfs-ganesha."""

VM, SOAK = pytest.mark.vm, pytest.mark.soak
MACHINE = [
    place("lvm_cluster", ISCSI, VM),
    place("lvm_nfs_cluster", NFS, VM),
    place("btrfs_cluster", NFS, VM, SOAK),
]
"""LVM thin by LIO and by the kernel's NFS server; in the long form btrfs by that, too."""

LONG_MACHINE = [
    place("lvm_cluster", ISCSI, VM, SOAK),
    place("btrfs_cluster", ISCSI, VM, SOAK),
    place("btrfs_cluster", NFS, VM, SOAK),
    place("lvm_nfs_cluster", NFS, VM, SOAK),
]
