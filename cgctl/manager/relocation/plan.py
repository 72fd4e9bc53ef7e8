"""What moves, and from where to where, as the journal keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cgctl.manager.activities.copies import Original
from drivers import contract


@dataclass(frozen=True)
class Relocating:
    """Volumes, by id and size; group_id: of all of them, where it is a group that moves. image_ids: by which they are
    read, in their order, where they are not disks. volume_type_id: what a single one becomes, where that changes.
    """

    source: str
    destination: str
    volumes: Sequence[Sequence[Any]]
    group_id: str | None = None
    image_ids: Sequence[str] = ()
    volume_type_id: str | None = None

    def objects(self) -> list[contract.Volume]:
        """As drivers see them: the same ids on both sides."""
        return [contract.Volume(str(key), int(size), self.group_id) for key, size in self.volumes]

    def originals(self) -> list[Original]:
        """How they are read, in the same order."""
        image_ids = self.image_ids or [one.id for one in self.objects()]
        return [Original(one, image_id) for one, image_id in zip(self.objects(), image_ids, strict=True)]
