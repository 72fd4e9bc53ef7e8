"""`reset-state`: what an operator may say of an object (B.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from cgctl.errors import Refused, UsageError
from cgctl.manager.rules.status import called
from cgctl.model import states
from cgctl.model.tables import Volume

STATUSES: Mapping[str, type[StrEnum]] = {
    "volume": states.VolumeStatus,
    "snapshot": states.SnapshotStatus,
    "group": states.GroupStatus,
    "group-snapshot": states.GroupSnapshotStatus,
    "backup": states.BackupStatus,
}
"""The words of `--type`, with what each may be set to."""


def checked_status(word: str, state: str) -> str:
    """One that the kind has, in any case of letters, and not one in which only an operation leaves an object."""
    wanted = state.strip().lower()
    allowed = [one.value for one in STATUSES[word] if one.value not in states.TRANSITIONAL and one.value != "deleted"]
    if wanted not in allowed:
        raise UsageError(f"state '{state}'", f"is not one that a {word} can be set to", f"one of: {', '.join(allowed)}")
    return wanted


def check_attachments(volume: Volume, attachments: Sequence[str], wanted: str) -> None:
    """`available` and `in-use` say whether somebody has access: that is not a matter of opinion."""
    if wanted == "in-use" and not attachments:
        raise Refused(called("volume", volume), "has no attachment", f"cgctl attachment-create {volume.id}")
    if wanted == "available" and attachments:
        raise Refused(called("volume", volume), "has attachments", f"cgctl attachment-delete {attachments[0]}")
