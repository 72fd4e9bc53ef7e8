"""What the scripts print, as updates; and the wording of the tools that they call."""

from __future__ import annotations

import re

from drivers import errors
from drivers.contract import Group, HoldReceipt, ModelUpdate, Updates

# tests/data/btrfs has the output that these were made from. Scripts undo what they began when a tool fails.
TOOL_ERRORS: tuple[tuple[re.Pattern[str], type[errors.DriverError]], ...] = (
    (re.compile(r"^.*(?:No space left on device|Disk quota exceeded)$", re.M), errors.PoolFull),
)


def group_deletion(text: str, group: Group) -> Updates:
    """From lines `deleted ID` or `error_deleting ID REASON`, the group's among them."""
    updates = [_update(*line.split(" ", 2)) for line in text.splitlines()]
    of_group = next(update for update in updates if update["id"] == group.id)
    return of_group, [update for update in updates if update is not of_group]


def _update(status: str, key: str, reason: str = "") -> ModelUpdate:
    update = ModelUpdate(id=key, status=status)
    if reason:
        update["reason"] = reason.strip()
    return update


def hold_receipt(text: str) -> HoldReceipt:
    """From the line METHOD MEMBERS BEGAN ENDED BOUND_CENTISECONDS."""
    method, members, began_at, ended_at, bound = text.split()
    return HoldReceipt(
        method=method, members=int(members), began_at=began_at, ended_at=ended_at, bound_seconds=int(bound) / 100
    )
