"""What can be configured, by its word in the configuration: one explicit table each."""

from __future__ import annotations

from collections.abc import Callable

from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.directory_pool.replication.driver import DirectoryPoolReplication
from drivers.backends.file.driver import FileDriver
from drivers.backends.lvm.driver import LvmDriver
from drivers.contract import Driver, ExportServer
from drivers.exports.iscsi_lio.server import LioExports
from drivers.exports.iscsi_tgt.server import TgtExports
from drivers.exports.nfs_ganesha.server import GaneshaExports
from drivers.exports.nfs_kernel.server import KernelNfsExports
from drivers.replication import Replication
from drivers.runner import Runner

# (backend id, pool, runner, storage protocol)
DRIVERS: dict[str, Callable[[str, str, Runner, str], Driver]] = {
    "file": FileDriver,
    "btrfs": BtrfsDriver,
    "lvm": LvmDriver,
}

# (driver's word, pool, runner)
REPLICATIONS: dict[str, Callable[[str, str, Runner], Replication]] = {
    "file": DirectoryPoolReplication,
    "btrfs": DirectoryPoolReplication,
}

# (protocol, server): (backend id, portal, runner)
EXPORTS: dict[tuple[str, str], Callable[[str, str, Runner], ExportServer]] = {
    ("iscsi", "tgt"): TgtExports,
    ("iscsi", "lio"): LioExports,
    ("nfs", "ganesha"): GaneshaExports,
    ("nfs", "kernel"): KernelNfsExports,
}
