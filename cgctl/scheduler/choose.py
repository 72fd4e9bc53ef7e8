"""Choosing the backend: filter, then weigh. Pure.

Rules and names: reference/cinder-groups.md, section C; beyond Cinder, group specs take part (its defect D13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.errors import ConfigurationError, Refused
from cgctl.model.specs import unmet
from cgctl.scheduler.candidates import Candidate, Request
from cgctl.scheduler.capacity import lack_of_room, scores, virtual_free_gib


@dataclass(frozen=True)
class Ranked:
    """One candidate's place: the reasons against it (none: it fits), the room that it can promise in GiB, its score.

    score is None where there are reasons, or where the room is not told.
    """

    backend_id: str
    reasons: tuple[str, ...]
    free_gib: float
    score: float | None = None

    def told(self) -> str:
        """A line for people."""
        if self.reasons:
            return f"not {self.backend_id}: {', '.join(self.reasons)}"
        if self.score is None:
            return f"{self.backend_id}: last, its room is not told"
        return f"{self.backend_id}: score {self.score:.3f}, {self.free_gib:.1f} GiB left to promise"


def rejections(request: Request, candidate: Candidate) -> list[str]:
    """Each reason for which a candidate does not fit; empty when it does."""
    if candidate.unusable:
        return [candidate.unusable]
    reasons = [request.apart_from[candidate.backend_id]] if candidate.backend_id in request.apart_from else []
    if request.availability_zone and request.availability_zone != candidate.availability_zone:
        reasons.append(f"zone is {candidate.availability_zone}, not {request.availability_zone}")
    for owner, specs in request.specs:
        reasons += [f"{owner}: {failure}" for failure in unmet(specs, candidate.capabilities)]
    room = lack_of_room(request, candidate)
    return [*reasons, room] if room else reasons


def rank(request: Request, candidates: Sequence[Candidate], weight: float = 1.0) -> list[Ranked]:
    """All candidates: those that fit first, highest score first, then by name. weight: of the free room."""
    against = [tuple(rejections(request, one)) for one in candidates]
    rooms = [virtual_free_gib(request, one) for one in candidates]
    fitting = [room for room, reasons in zip(rooms, against, strict=True) if not reasons]
    score_of = iter(scores(fitting, weight))
    ranked = [
        Ranked(one.backend_id, reasons, room, None if reasons else next(score_of))
        for one, reasons, room in zip(candidates, against, rooms, strict=True)
    ]
    return sorted(ranked, key=_place)


def _place(one: Ranked) -> tuple[bool, bool, float, str]:
    return bool(one.reasons), one.score is None, -(one.score or 0.0), one.backend_id


def choose(subject: str, request: Request, candidates: Sequence[Candidate], weight: float = 1.0) -> list[Ranked]:
    """The ranking, the best candidate first. Raises Refused, and names for every backend what failed."""
    if not candidates:
        raise ConfigurationError(
            subject, "no backend is configured", "add one below `backends:`, then: cgctl config-check"
        )
    ranking = rank(request, candidates, weight)
    if not ranking[0].reasons:
        return ranking
    failures = "; ".join(f"{one.backend_id}: {', '.join(one.reasons)}" for one in ranking)
    raise Refused(
        subject,
        f"no backend fits ({failures})",
        "see what backends offer: cgctl get-pools --detail; what types ask for: cgctl extra-specs-list",
    )
