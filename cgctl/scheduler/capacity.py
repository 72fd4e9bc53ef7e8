"""Room: what a backend may still promise, in GiB. Pure.

The numbers are what drivers report, in Cinder's words; `unknown` and `infinite` are words that they may report instead.
Decided as Cinder's CapacityFilter and CapacityWeigher do (reference, C.6 and C.7), the reserved part rounded down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cgctl.model.names import GIB
from cgctl.model.specs import parse_bool
from cgctl.scheduler.candidates import Candidate, Request

UNTOLD = frozenset({"unknown", "infinite"})
NOISE = 1 / 1000
"""The part of the room by which pools may differ and are still alike: two of one disk are not asked at one moment, and
which comes first shall not follow from what was written in between.
"""


def _number(candidate: Candidate, key: str) -> float:
    value = candidate.capabilities.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def is_untold(candidate: Candidate) -> bool:
    """Whether the backend does not say how much is free: then it is asked in vain, not left out."""
    return candidate.capabilities.get("free_capacity_gb") in UNTOLD


def is_thin(request: Request, candidate: Candidate) -> bool:
    """Whether volumes take room only as they are written: the backend can, and no type wants it thick."""
    thick = any(specs.get("provisioning:type") == "thick" for _, specs in request.specs)
    return not thick and parse_bool(candidate.capabilities.get("thin_provisioning_support")) is True


def usable_gib(candidate: Candidate) -> float:
    """The pool's room less the reserved part, to the byte: Cinder rounds that part down to whole GiB, and so keeps
    nothing back in a pool of 10 GiB with 5 %."""
    return _number(candidate, "total_capacity_gb") * (1 - candidate.reserved_percentage / 100)


def virtual_free_gib(request: Request, candidate: Candidate) -> float:
    """The room that a request may be promised: over-subscribed where volumes are thin, never more than is free of data
    times the ratio. Infinite where the backend does not tell."""
    if is_untold(candidate):
        return math.inf
    usable = usable_gib(candidate)
    reserved = _number(candidate, "total_capacity_gb") - usable
    free = max(_number(candidate, "free_capacity_gb") - reserved, 0.0)
    provisioned = _number(candidate, "provisioned_capacity_gb")
    if not is_thin(request, candidate):
        return min(free, usable - provisioned)
    ratio = candidate.max_over_subscription_ratio
    return min(free * ratio, usable * ratio - provisioned)


def lack_of_room(request: Request, candidate: Candidate) -> str | None:
    """Why the room is not enough, or None. What needs no room fits everywhere."""
    if not request.size_bytes:
        return None
    if is_untold(candidate) and candidate.capabilities.get("total_capacity_gb") in UNTOLD:
        return _unknowable(candidate)
    wanted, free = request.size_bytes / GIB, virtual_free_gib(request, candidate)
    if wanted <= free:
        return None
    return f"room: {round(wanted, 3):.15g} GiB wanted, {max(free, 0):.1f} GiB left to promise"


def _unknowable(candidate: Candidate) -> str | None:
    """A part of what nobody knows cannot be kept back."""
    if not candidate.reserved_percentage:
        return None
    return f"room: {candidate.reserved_percentage} % are reserved of a pool that does not tell its size"


def scores(rooms: Sequence[float], weight: float) -> list[float | None]:
    """A score for each room, most preferred highest: 0 to 1 times the weight (below 0: the fullest first).

    None where the room is not told: last, whatever the weight. Who has almost the most has the score of the most.
    """
    told = [room for room in rooms if math.isfinite(room)]
    most, least = (max(told), min(told)) if told else (0.0, 0.0)
    span = most - least if least < most * (1 - NOISE) else 0.0

    def score(room: float) -> float | None:
        if not math.isfinite(room):
            return None
        alike = room >= most * (1 - NOISE)
        return weight * (1.0 if span and alike else (room - least) / span if span else 0.0) + 0.0

    return [score(room) for room in rooms]
