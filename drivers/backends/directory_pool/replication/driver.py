"""The replicating half of the drivers whose pool is a directory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from drivers.backends.directory_pool.layout import checked_pool
from drivers.backends.directory_pool.scripts import storage
from drivers.backends.scripted.replication import ScriptedReplication, shipper, summer
from drivers.command import Script

_POOLS = "drivers.backends.directory_pool"


@cache
def _script(driver: str, method: str) -> Script:
    """What is shared by all, the storage's functions, the stream's, what pools share, notes, the method's own lines."""
    own = resources.files(f"drivers.backends.{driver}")
    pools = resources.files(_POOLS)
    parts = [own.joinpath("stream.sh"), pools.joinpath("pool.sh")]
    parts += [pools.joinpath("replication", f"{name}.sh") for name in ("notes", method)]
    text = "\n".join([storage(driver), *(part.read_text() for part in parts)])
    script = Script(f"{driver}/replication/{method}.sh", text)
    if method == "checksums":
        return script.with_text("sums_pl", summer())
    return script.with_text("ship_pl", shipper()) if driver == "file" else script


@dataclass(frozen=True)
class DirectoryPoolReplication(ScriptedReplication):
    """driver: `btrfs` or `file`. pool: an absolute path on the server."""

    def __post_init__(self) -> None:
        checked_pool(self.pool)

    @property
    def format(self) -> str:
        return {"btrfs": "btrfs-send", "file": "cgctl-ship"}[self.driver]

    def _script(self, method: str) -> Script:
        return _script(self.driver, method)
