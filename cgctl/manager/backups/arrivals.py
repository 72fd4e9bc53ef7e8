"""An image of a repository on its way to a volume, new or existing, and how it takes the place of the old data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cgctl.errors import ServerFailure
from cgctl.manager.activities.work import Plan
from drivers import contract
from drivers.contract import Context, Driver, ObjectKind, SourceForm


@dataclass(frozen=True)
class Arrival:
    """An image, and the volume that receives it. replaces: the existing volume whose data it becomes."""

    member_id: str
    image_bytes: int
    volume_id: str
    size_bytes: int
    group_id: str | None = None
    replaces: str | None = None
    replaced_bytes: int = 0
    replaced_group_id: str | None = None
    before: str = ""

    @property
    def volume(self) -> contract.Volume:
        return contract.Volume(self.volume_id, self.size_bytes, self.group_id)

    @property
    def replaced(self) -> contract.Volume:
        return contract.Volume(self.replaces or "", self.replaced_bytes, self.replaced_group_id)


@dataclass(frozen=True)
class Restoring:
    """group_id: of the new group."""

    backup_id: str
    repository: str
    host: str
    arrivals: Sequence[Arrival]
    group_id: str | None = None

    @classmethod
    def of(cls, plan: Plan) -> Restoring:
        """From the journal."""
        return cls(**{**plan, "arrivals": [Arrival(**one) for one in plan["arrivals"]]})


def take_place(driver: Driver, context: Context, one: Arrival) -> None:
    """The received data become those of the existing volume; the same call again ends it.

    A clone shares them where the pool can: a copy takes as long as the restore did, and nobody sees how far it is.
    """
    there = whole_ids(driver, context)
    if one.volume_id in there:
        driver.delete_volume(context, one.replaced)
        if driver.source_form is SourceForm.FILE_SYSTEM:
            driver.copy_volume(context, one.replaced, driver.images.volume_source(one.volume))
        else:
            driver.create_cloned_volume(context, one.replaced, one.volume)
        driver.delete_volume(context, one.volume)
    elif one.replaces not in there:
        raise ServerFailure(
            f"volume {one.replaces}", "neither it nor what was received is there", "cgctl backend-check"
        )


def stands_alone(one: Arrival, there: Collection[str]) -> bool:
    """The old data went already, and what was received has to stand in. Neither of both: they were not there before."""
    return one.replaces not in there and one.volume_id in there


def whole_ids(driver: Driver, context: Context) -> set[str]:
    """The ids of the volumes that are there whole."""
    return {item.id for item in driver.list_objects(context) if item.kind is ObjectKind.VOLUME and item.complete}
