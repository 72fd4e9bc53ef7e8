"""What the scheduler looks at, and why a candidate does not fit. Pure.

Rules and names: reference/cinder-groups.md, section C; beyond Cinder, group specs take part (its defect D13).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cgctl.model.names import GIB
from cgctl.model.specs import parse_bool, unmet

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
    """What is wanted: every specs (with the word that messages use for their owner), room in bytes, a zone."""

    specs: Sequence[tuple[str, Specs]]
    size_bytes: int = 0
    availability_zone: str | None = None


def rejections(request: Request, candidate: Candidate) -> list[str]:
    """Each reason for which a candidate does not fit; empty when it does."""
    if candidate.unusable:
        return [candidate.unusable]
    reasons = []
    if request.availability_zone and request.availability_zone != candidate.availability_zone:
        reasons.append(f"zone is {candidate.availability_zone}, not {request.availability_zone}")
    for owner, specs in request.specs:
        reasons += [f"{owner}: {failure}" for failure in unmet(specs, candidate.capabilities)]
    room = lack_of_room(request, candidate)
    return [*reasons, room] if room else reasons


def _number(candidate: Candidate, key: str) -> float:
    value = candidate.capabilities.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _is_thin(request: Request, candidate: Candidate) -> bool:
    thick = any(specs.get("provisioning:type") == "thick" for _, specs in request.specs)
    return not thick and parse_bool(candidate.capabilities.get("thin_provisioning_support")) is True


def usable_gib(candidate: Candidate) -> float:
    """The pool's room less the reserved part, in GiB."""
    total = _number(candidate, "total_capacity_gb")
    return total - math.floor(total * candidate.reserved_percentage / 100)


def virtual_free_gib(request: Request, candidate: Candidate) -> float:
    """The room that a request may be promised: over-subscribed where volumes are thin, never more than is free of data
    times the ratio."""
    usable = usable_gib(candidate)
    reserved = _number(candidate, "total_capacity_gb") - usable
    free = max(_number(candidate, "free_capacity_gb") - reserved, 0.0)
    provisioned = _number(candidate, "provisioned_capacity_gb")
    if not _is_thin(request, candidate):
        return min(free, usable - provisioned)
    ratio = candidate.max_over_subscription_ratio
    return min(free * ratio, usable * ratio - provisioned)


def lack_of_room(request: Request, candidate: Candidate) -> str | None:
    """Why the room is not enough, or None."""
    if not request.size_bytes:
        return None
    wanted = request.size_bytes / GIB
    free = virtual_free_gib(request, candidate)
    if wanted <= free:
        return None
    return f"room: {wanted:g} GiB wanted, {max(free, 0):.1f} GiB left to promise"
