"""The driver of pools that are directories; what kinds of storage do differently is in their `storage.sh`."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Iterable
from dataclasses import dataclass

from drivers import errors
from drivers.backends.directory_pool import findings, layout
from drivers.backends.directory_pool.listing import Listing, manageable
from drivers.backends.directory_pool.scripts import load
from drivers.backends.scripted.driver import ScriptedDriver, Source, ToolErrors
from drivers.command import Script
from drivers.contract import Finding, Manageable, ObjectKind, ServerObject, Snapshot, Volume

# tests/data/btrfs has the output that these were made from. Scripts undo what they began when a tool fails.
TOOL_ERRORS: ToolErrors = ((re.compile(r"^.*(?:No space left on device|Disk quota exceeded)$", re.M), errors.PoolFull),)


@dataclass(frozen=True)
class DirectoryPoolDriver(ScriptedDriver, ABC):
    """pool: an absolute path on the server, raises PoolMissing when it is not."""

    def __post_init__(self) -> None:
        layout.checked_pool(self.pool)

    @property
    def _tool_errors(self) -> ToolErrors:
        return TOOL_ERRORS

    @property
    def activity_directory(self) -> str:
        return f"{layout.checked_pool(self.pool)}/.cgctl/activities"

    def volume_source(self, volume: Volume) -> str:
        return f"{layout.checked_pool(self.pool)}/{layout.volume_disk(volume)}"

    def snapshot_source(self, snapshot: Snapshot) -> str:
        return f"{layout.checked_pool(self.pool)}/{layout.place(snapshot)}"

    def _load(self, method: str) -> Script:
        return load(self.name, method)

    def _source(self, source: Source) -> str:
        return layout.place(source)

    def _room(self, text: str) -> findings.Room:
        return findings.Room.parse(text)

    def _objects(self, text: str) -> list[ServerObject]:
        return Listing.parse(text).objects()

    def _manageable(self, text: str, kind: ObjectKind) -> list[Manageable]:
        return manageable(text, kind)

    def _reference(self, text: str) -> str:
        return layout.checked_reference(self.pool, text)

    def _given_back(self, name: str) -> str:
        return f"{layout.checked_name(name)}.img"

    def _findings(self, text: str, owner: str) -> Iterable[Finding]:
        return findings.of_facts(text, owner, self.pool)

    def _finding(self, refusal: errors.ServerRefused) -> Finding:
        return findings.of_refusal(refusal)
