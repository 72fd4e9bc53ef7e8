"""Choosing the backend: filter, then the most room first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.errors import ConfigurationError, Refused
from cgctl.scheduler.candidates import Candidate, Request, rejections, virtual_free_gib


@dataclass(frozen=True)
class Ranked:
    """One candidate's place: the reasons against it (none: it fits) and the room that it can promise, GiB."""

    backend_id: str
    reasons: tuple[str, ...]
    free_gib: float


def rank(request: Request, candidates: Sequence[Candidate]) -> list[Ranked]:
    """All candidates: those that fit first, most room first, then by name."""
    ranked = [
        Ranked(candidate.backend_id, tuple(rejections(request, candidate)), virtual_free_gib(request, candidate))
        for candidate in candidates
    ]
    return sorted(ranked, key=lambda one: (bool(one.reasons), -one.free_gib, one.backend_id))


def choose(subject: str, request: Request, candidates: Sequence[Candidate]) -> Ranked:
    """The best candidate. Raises Refused, and names for every backend what failed."""
    if not candidates:
        raise ConfigurationError(
            subject, "no backend is configured", "add one below `backends:`, then: cgctl config-check"
        )
    ranking = rank(request, candidates)
    if not ranking[0].reasons:
        return ranking[0]
    failures = "; ".join(f"{one.backend_id}: {', '.join(one.reasons)}" for one in ranking)
    raise Refused(
        subject,
        f"no backend fits ({failures})",
        "see what backends offer: cgctl get-pools --detail; what types ask for: cgctl extra-specs-list",
    )
