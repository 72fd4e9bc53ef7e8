"""LVM thin: a group snapshot holds the gates of all members while one lvm process snapshots their LVs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from drivers import errors
from drivers.backends.lvm import findings, layout
from drivers.backends.lvm.listing import Listing, manageable
from drivers.backends.lvm.scripts import METHODS, load
from drivers.backends.scripted.driver import ScriptedDriver, Source, ToolErrors
from drivers.command import Script
from drivers.contract import (
    ActivityAttributes,
    Context,
    Finding,
    HandleScope,
    Manageable,
    ObjectKind,
    ServerObject,
    SourceForm,
    Volume,
)

# tests/data/lvm has the output that these were made from.
TOOL_ERRORS: ToolErrors = ((re.compile(r"^.*(?:insufficient free space|reached threshold).*$", re.M), errors.PoolFull),)


@dataclass(frozen=True)
class LvmDriver(ScriptedDriver):
    """pool: VG/THINPOOL, raises PoolMissing when it is not. makes_images: of file systems."""

    makes_images: bool = False

    forms: ClassVar[Mapping[str, SourceForm]] = {
        "local": SourceForm.BLOCK_DEVICE,
        "iscsi": SourceForm.BLOCK_DEVICE,
        "nfs": SourceForm.FILE_SYSTEM,
    }

    def __post_init__(self) -> None:
        layout.checked_pool(self.pool)

    @property
    def name(self) -> str:
        return "lvm"

    @property
    def activities(self) -> ActivityAttributes:
        return ActivityAttributes(
            stateless_activities=frozenset(METHODS) | {"create_volume_from_snapshot", "create_cloned_volume"},
            handle_scope=HandleScope.UNRESTRICTED,
        )

    def repair(self, context: Context) -> None:
        self._run(context, "repair")

    @property
    def _tool_errors(self) -> ToolErrors:
        return TOOL_ERRORS

    @property
    def activity_directory(self) -> str:
        return f"/var/lib/cgctl/activities/{layout.checked_pool(self.pool)}"

    def volume_source(self, volume: Volume) -> str:
        return layout.mount_point(volume) if self.source_form is SourceForm.FILE_SYSTEM else layout.gate(volume)

    @property
    def source_form(self) -> SourceForm:
        return SourceForm.BLOCK_DEVICE if self.makes_images else super().source_form

    @property
    def images(self) -> LvmDriver:
        return replace(self, makes_images=True) if self.source_form is SourceForm.FILE_SYSTEM else self

    @property
    def _file_system(self) -> str:
        """What new volumes are made, in the words of the scripts."""
        if self.makes_images:
            return "image"
        return "xfs" if self.source_form is SourceForm.FILE_SYSTEM else ""

    @property
    def _settings(self) -> tuple[str, ...]:
        return (self._file_system,)

    def _load(self, method: str) -> Script:
        return load(method)

    def _source(self, source: Source) -> str:
        return layout.source(source)

    def _room(self, text: str) -> findings.Room:
        return findings.Room.parse(text)

    def _objects(self, text: str) -> list[ServerObject]:
        return Listing.parse(text).objects()

    def _manageable(self, text: str, kind: ObjectKind) -> list[Manageable]:
        return manageable(text, kind)

    def _reference(self, text: str) -> str:
        return layout.checked_name(text)

    def _given_back(self, name: str) -> str:
        return layout.checked_name(name)

    def _findings(self, text: str, owner: str) -> Iterable[Finding]:
        return findings.of_facts(text, owner, self.pool)

    def _finding(self, refusal: errors.ServerRefused) -> Finding:
        return findings.of_refusal(refusal)
