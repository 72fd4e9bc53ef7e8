"""The one reading of a driver's updates (seed 003). Pure.

Decided 2026-11-21: the seed's rule for every method, also for `create_consistencygroup_from_src`, where Cinder's
manager ignores what the driver reports (its defect D1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.contract import ModelUpdate

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

    def told(self, member: str, name: str) -> str:
        """`name (why)` of a member, for messages."""
        return f"{name} ({self.reasons[member]})" if member in self.reasons else name


def read_updates(
    member_ids: Sequence[str],
    model_update: ModelUpdate | None,
    member_updates: Sequence[ModelUpdate] | None,
    success: str,
) -> Reading:
    """`None` is success; an error in any entry lifts the whole to `error`; an error without a list is everyone's."""
    listed = {
        update["id"]: update["status"] for update in member_updates or () if "id" in update and "status" in update
    }
    whole = (model_update or {}).get("status", success)
    if whole in ERRORS or any(status in ERRORS for status in listed.values()):
        whole = "error"
    unlisted = "error" if whole == "error" and not listed else success
    reasons = {update["id"]: update["reason"] for update in member_updates or () if update.get("reason")}
    statuses = {member: listed.get(member, unlisted) for member in member_ids}
    return Reading(whole, statuses, reasons, (model_update or {}).get("reason"))
