"""What the scripts print, as updates."""

from __future__ import annotations

from drivers.contract import Group, HoldReceipt, ModelUpdate, Updates


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
