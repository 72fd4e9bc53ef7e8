"""The replicating half of the drivers whose pool is a directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from drivers.backends.directory_pool.layout import checked_pool
from drivers.backends.directory_pool.scripts import storage
from drivers.backends.scripted.replication import ScriptedReplication, head_reader, shipper, summer
from drivers.command import Script
from drivers.replication import BLOCKS, StreamForm

_POOLS = "drivers.backends.directory_pool"


FORMS = {
    "btrfs": (StreamForm("btrfs-send", by_descent=True), BLOCKS),
    "file": (StreamForm("cgctl-ship"), BLOCKS),
}
_SHIPPING = frozenset({"send", "receive", "changes"})


@cache
def _script(driver: str, method: str) -> Script:
    """What is shared by all, the storage's functions, the stream's, what pools share, notes, the method's own lines."""
    own = resources.files(f"drivers.backends.{driver}")
    pools = resources.files(_POOLS)
    parts = [own.joinpath("stream.sh"), pools.joinpath("pool.sh")]
    names = ("notes", "blocks", method) if method in _SHIPPING else ("notes", method)
    parts += [pools.joinpath("replication", f"{name}.sh") for name in names]
    read = [part.read_text() for part in parts]
    if method == "receive":
        read.insert(0, head_reader())
    script = Script(f"{driver}/replication/{method}.sh", "\n".join([storage(driver), *read]))
    if method == "checksums":
        return script.with_text("sums_pl", summer())
    if method not in _SHIPPING:
        return script
    if driver == "btrfs":
        script = script.with_text("extents_pl", own.joinpath("extents.pl").read_text())
    return script.with_text("ship_pl", shipper())


@dataclass(frozen=True)
class DirectoryPoolReplication(ScriptedReplication):
    """driver: `btrfs` or `file`. pool: an absolute path on the server."""

    def __post_init__(self) -> None:
        checked_pool(self.pool)

    @property
    def forms(self) -> Sequence[StreamForm]:
        return FORMS[self.driver]

    def _script(self, method: str) -> Script:
        return _script(self.driver, method)
