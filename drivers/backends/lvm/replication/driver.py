"""The replicating half of the lvm driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from drivers.backends.lvm import layout, scripts
from drivers.backends.lvm.driver import TOOL_ERRORS
from drivers.backends.scripted.driver import ToolErrors
from drivers.backends.scripted.replication import ScriptedReplication, head_reader, shipper, summer
from drivers.command import Script
from drivers.replication import BLOCKS, StreamForm

_PACKAGE = "drivers.backends.lvm.replication"
PARTS: dict[str, tuple[str, ...]] = {
    "observe": (),
    "note": (scripts.SERVER,),
    "note_point": (),
    "forget": (),
    "send": ("delta",),
    "receive": (scripts.SERVER,),
    "identity": (),
    "changes": ("delta",),
    "checksums": (),
}
"""Each method's script, and which shared parts stand before its own lines."""


@cache
def load(method: str) -> Script:
    """The script of one of PARTS."""
    own = resources.files(_PACKAGE)
    parts = [own.joinpath(f"{shared}.sh").read_text() for shared in ("notes", "maps")]
    parts += [
        scripts.server() if part == scripts.SERVER else own.joinpath(f"{part}.sh").read_text() for part in PARTS[method]
    ]
    if method == "receive":
        parts.append(head_reader())
    parts.append(own.joinpath(f"{method}.sh").read_text())
    script = Script(f"lvm/replication/{method}.sh", "\n".join([scripts.head(), *parts]))
    script = script.with_text("map_pl", own.joinpath("map.pl").read_text())
    if method == "checksums":
        return script.with_text("sums_pl", summer())
    return script.with_text("ship_pl", shipper()) if method in ("send", "receive") else script


@dataclass(frozen=True)
class LvmReplication(ScriptedReplication):
    """pool: VG/THINPOOL."""

    def __post_init__(self) -> None:
        layout.checked_pool(self.pool)

    @property
    def forms(self) -> Sequence[StreamForm]:
        return (BLOCKS,)

    @property
    def _tool_errors(self) -> ToolErrors:
        return TOOL_ERRORS

    @property
    def _settings(self) -> tuple[str, ...]:
        """A point is kept as LVs, whatever their volumes are."""
        return ("",)

    def _script(self, method: str) -> Script:
        return load(method)
