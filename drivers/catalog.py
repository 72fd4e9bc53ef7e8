"""What can be configured, by its word in the configuration: one explicit table each."""

from __future__ import annotations

from collections.abc import Callable

from drivers.backends.btrfs.driver import BtrfsDriver
from drivers.backends.file.driver import FileDriver
from drivers.contract import Driver
from drivers.runner import Runner

# (backend id, pool, runner, storage protocol)
DRIVERS: dict[str, Callable[[str, str, Runner, str], Driver]] = {
    "file": FileDriver,
    "btrfs": BtrfsDriver,
}

# EXPORTS, a dict of the same form for `drivers/exports`, stands here.
