"""What an activity is told, and what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drivers.command import Command


class ActivityState(StrEnum):
    """An activity's life on its server. lost: nobody works on it any more, and it has no end."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        return self not in _UNDER_WAY


_UNDER_WAY = frozenset({ActivityState.QUEUED, ActivityState.RUNNING, ActivityState.CANCELLING})


@dataclass(frozen=True)
class Program:
    """What an activity runs: `work`; whatever its end but success, `undo` removes what it left, and may run twice.

    label: one line for people: `snapshot-replicate nightly`. No command may carry a secret: they are kept in files.
    note: one line for who finds it there and knows nothing else of it.
    """

    work: Command
    undo: Command | None = None
    label: str = ""
    note: str = ""


@dataclass(frozen=True)
class ActivityReport:
    """An activity as its server shows it. Times are the server's clock; seconds: how long it runs, or has run.

    total_bytes: 0 where the work cannot say. remains: what it left could not be removed. reason: why it failed, in the
    words of the server; a refusal keeps its form (drivers/refusals.py).
    """

    id: str
    state: ActivityState
    exit_status: int | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float = 0.0
    done_bytes: int = 0
    total_bytes: int = 0
    remains: bool = False
    owner: str = ""
    label: str = ""
    reason: str = ""

    @property
    def rate_bytes(self) -> float:
        """Bytes per second, over the whole time."""
        return self.done_bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class LogPiece:
    """A part of a log. next_offset: where the next one begins, also when older parts are gone."""

    text: str
    next_offset: int
    state: ActivityState
