"""What a failover was ordered to do, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cgctl.manager.replication.diverged import Diverged
from drivers.errors import OutcomeUnknown
from drivers.replication import Generation, PointOnServer


@dataclass(frozen=True)
class Order:
    """What was ordered, as the journal keeps it."""

    destination: str
    generation_id: str
    at: datetime
    rpo_seconds: int | None = None
    source_is_down: bool = False
    accept_data_loss: bool = False
    undo_point: str | None = None

    def as_json(self) -> dict[str, object]:
        return {**self.__dict__, "at": self.at.isoformat()}

    @classmethod
    def of_json(cls, plan: Mapping[str, Any]) -> Order:
        words = {key: plan[key] for key in cls.__dataclass_fields__}
        return cls(**{**words, "at": datetime.fromisoformat(plan["at"])})


@dataclass(frozen=True)
class FailedOver:
    """What it came to. point: what was promoted; present: the members that it holds, with their sizes. began: as the
    destination has noted it. wrote_until: when the source was called down, or was proven to be."""

    point: PointOnServer
    present: Mapping[str, int]
    began: Generation
    wrote_until: datetime
    diverged: list[Diverged] = field(default_factory=list)


class Halfway(OutcomeUnknown):
    """A failover that has begun and could not go on: the same command goes on with it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
