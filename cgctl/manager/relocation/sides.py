"""What a move looks for on its two servers, and what it removes there."""

from __future__ import annotations

from cgctl.errors import ServerFailure
from cgctl.manager.relocation.plan import Relocating
from cgctl.manager.updates import read_updates
from drivers import contract
from drivers.contract import Context, Driver, ObjectKind


def find_missing(driver: Driver, context: Context, work: Relocating) -> str | None:
    """The first that is not on a server whole."""
    there = whole(driver, context)
    return next((one.id for one in work.objects() if one.id not in there), None)


def whole(driver: Driver, context: Context) -> set[str]:
    """Ids of the volumes that a server has whole."""
    return {one.id for one in driver.list_objects(context) if one.kind is ObjectKind.VOLUME and one.complete}


def remove(driver: Driver, context: Context, work: Relocating) -> None:
    """All of them, and their group. Raises ServerFailure where some are left."""
    if not work.group_id:
        driver.delete_volume(context, work.objects()[0])
        return
    updates = driver.delete_consistencygroup(context, contract.Group(work.group_id), work.objects())
    reading = read_updates([one.id for one in work.objects()], *updates, "deleted")
    if reading.failed:
        raise ServerFailure(f"group {work.group_id}", reading.reason or "could not be removed", "cgctl recover")


def end_images(here: Driver, context: Context, work: Relocating) -> None:
    """Nothing is left of the images by which file systems are read."""
    for one in work.originals():
        one.end(here, context)
