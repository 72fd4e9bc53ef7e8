"""What can be configured, by its word in the configuration: one explicit table each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.directory_pool.replication.driver import DirectoryPoolReplication
from drivers.backends.file.driver import FileDriver
from drivers.backends.lvm.driver import LvmDriver
from drivers.backends.lvm.replication.driver import LvmReplication
from drivers.contract import Driver, ExportServer, SourceForm
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
    "lvm": LvmReplication,
}

# (protocol, server): (backend id, portal, runner)
EXPORTS: dict[tuple[str, str], Callable[[str, str, Runner], ExportServer]] = {
    ("iscsi", "tgt"): TgtExports,
    ("iscsi", "lio"): LioExports,
    ("nfs", "ganesha"): GaneshaExports,
    ("nfs", "kernel"): KernelNfsExports,
}

# What volumes are, by driver and protocol, where they are not files.
FORMS: dict[str, Mapping[str, SourceForm]] = {"lvm": LvmDriver.forms}

# (protocol, server): what it can offer
SERVES: dict[tuple[str, str], frozenset[SourceForm]] = {
    ("iscsi", "tgt"): TgtExports.serves,
    ("iscsi", "lio"): LioExports.serves,
    ("nfs", "ganesha"): GaneshaExports.serves,
    ("nfs", "kernel"): KernelNfsExports.serves,
}


def misfit(driver: str, protocol: str, server: str) -> str | None:
    """Why this export server cannot offer volumes of this driver, and which can; None where it can."""
    form = FORMS.get(driver, {}).get(protocol, SourceForm.FILE)
    able = [name for (word, name), forms in SERVES.items() if word == protocol and form in forms]
    if server in able or (protocol, server) not in SERVES:
        return None
    return f"{server} cannot offer a {form}, which is what {driver} has for {protocol}; one of: {', '.join(able)}"
