"""The one reading of a driver's updates (seed 003). Pure.

Decided 2026-11-21: the seed's rule for every method, also for `create_consistencygroup_from_src`, where Cinder's
manager ignores what the driver reports (its defect D1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cgctl.model.states import TRANSITIONAL
from drivers.contract import GroupUpdates, ModelUpdate

ERRORS = frozenset({"error", "error_deleting"})


@dataclass(frozen=True)
class Reading:
    """What becomes of the whole and of each member, by id; reasons: the server's words, where it gave some."""

    whole: str
    members: dict[str, str]
    reasons: dict[str, str] = field(default_factory=dict)
    reason: str | None = None

    @property
    def failed(self) -> bool:
        return self.whole in ERRORS

    @property
    def failed_members(self) -> list[str]:
        return [member for member, status in self.members.items() if status in ERRORS]

    @property
    def why(self) -> str:
        """What the server said, of members and of the whole."""
        return "; ".join([*self.reasons.values(), *([self.reason] if self.reason else [])])

    def told(self, member: str, name: str) -> str:
        """`name (why)` of a member, for messages."""
        return f"{name} ({self.reasons[member]})" if member in self.reasons else name


def read_updates(
    member_ids: Sequence[str],
    model_update: ModelUpdate | None,
    member_updates: Sequence[ModelUpdate] | None,
    success: str,
) -> Reading:
    """`None` is success; an error in any entry lifts the whole to `error`; then a member that no entry speaks of is in
    `error` as well: nobody has said that it is well, or gone."""
    listed = _listed(member_updates)
    whole = _whole(model_update, listed, success)
    unlisted = "error" if whole == "error" else success
    statuses = {member: listed.get(member, unlisted) for member in member_ids}
    return Reading(whole, statuses, _reasons(member_updates), (model_update or {}).get("reason"))


def read_group_updates(
    moved_ids: Sequence[str], updates: GroupUpdates, success: str, before: Mapping[str, str]
) -> Reading:
    """The same of `update_consistencygroup`: who came and went keeps the status `before`, unless the driver lists
    another; an error anywhere is everyone's, since nobody can say who has moved."""
    model_update, added, removed = updates
    both = [*(added or ()), *(removed or ())]
    listed = _listed(both)
    whole = _whole(model_update, listed, success)
    statuses = {one: "error" if whole == "error" else listed.get(one, before[one]) for one in moved_ids}
    return Reading(whole, statuses, _reasons(both), (model_update or {}).get("reason"))


def _listed(updates: Sequence[ModelUpdate] | None) -> dict[str, str]:
    """Statuses by id; one that no object may be left in is an error."""
    found = {update["id"]: update["status"] for update in updates or () if "id" in update and "status" in update}
    return {row_id: "error" if status in TRANSITIONAL else status for row_id, status in found.items()}


def _whole(model_update: ModelUpdate | None, listed: Mapping[str, str], success: str) -> str:
    whole = (model_update or {}).get("status", success)
    return "error" if whole in ERRORS | TRANSITIONAL or ERRORS & set(listed.values()) else whole


def _reasons(updates: Sequence[ModelUpdate] | None) -> dict[str, str]:
    return {update["id"]: update["reason"] for update in updates or () if update.get("reason")}
