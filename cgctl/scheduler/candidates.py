"""What the scheduler looks at. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Specs = Mapping[str, str | None]


@dataclass(frozen=True)
class Candidate:
    """A backend with what its driver reported; unusable says why nothing could be reported."""

    backend_id: str
    availability_zone: str
    reserved_percentage: int = 0
    max_over_subscription_ratio: float = 20.0
    capabilities: Mapping[str, object] = field(default_factory=dict)
    unusable: str | None = None


@dataclass(frozen=True)
class Request:
    """What is wanted: every specs (with the word that messages use for their owner), room in bytes, a zone.

    apart_from: backends that are not wanted, with the reason.
    """

    specs: Sequence[tuple[str, Specs]]
    size_bytes: int = 0
    availability_zone: str | None = None
    apart_from: Mapping[str, str] = field(default_factory=dict)
