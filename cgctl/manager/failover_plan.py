"""Which steps of a failover are missing: pure. Observed view in, steps out; resuming is planning again.

No current step is stored anywhere: each step leaves a mark on a server (a fence's note, a point, a generation), and the
plan is what the marks do not show. tests/manager/test_failover_plan.py interrupts after every step.

Invariants: nothing is promoted before the source is fenced, or was said or proven to be down; nothing that is live on
the destination is replaced before what only it holds is kept; a final point is one of the generation that serves now,
taken behind its fence.

Decided 2026-11-21: who begins to serve always begins a new generation, also when a fence is lifted. So a final point
can never be taken for the end of a generation that went on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf


class Step(StrEnum):
    """What a failover does, in this order."""

    FENCE_DESTINATION = "fence what is live on the destination"
    KEEP_DIVERGED = "keep what only the destination holds"
    FENCE_SOURCE = "fence the source"
    FINAL_POINT = "take the final recovery point"
    SHIP = "ship it"
    PROMOTE = "promote a recovery point"
    RESUME = "let what is live on the destination serve again"
    EXPORT = "export the volumes"
    RETIRE_SOURCE = "retire what the source served"


@dataclass(frozen=True)
class PointView:
    """A complete recovery point."""

    id: str
    sequence: int
    generation: str
    is_final: bool = False
    is_intact: bool = True


@dataclass(frozen=True)
class SideView:
    """One server. live: the generation of what is live there."""

    live: str | None = None
    is_fenced: bool = False
    points: tuple[PointView, ...] = ()

    def newest(self, ancestors: frozenset[str], ends: Mapping[str, float]) -> PointView | None:
        """Of the line that serves now: points of a branch that was given up are none of its."""
        line = (one for one in self.points if one.is_intact and one.generation in ancestors)
        mine = (one for one in line if one.sequence <= ends.get(one.generation, inf))
        return max(mine, key=lambda one: one.sequence, default=None)

    def final(self, generation: str) -> PointView | None:
        """The point behind which this generation wrote nothing."""
        return next((one for one in self.points if one.is_final and one.generation == generation), None)


@dataclass(frozen=True)
class View:
    """What there is. current: the generation that serves; next: the one that the failover begins.

    ancestors: current and what it descends from. source: None when it does not answer. exported: whether the
    destination offers the volumes, as far as this run knows. undo_point: where the current generation began, when it
    shall be undone: the destination then goes on with what it has, or with that point. ends: the sequence of the last
    point of an ancestor that the current generation descends from, where it is known. branches: all generations that
    the group ever had.
    """

    current: str
    next: str
    source: SideView | None
    destination: SideView
    ancestors: frozenset[str] = field(default_factory=frozenset)
    exported: bool = False
    undo_point: str | None = None
    ends: Mapping[str, float] = field(default_factory=dict)
    branches: frozenset[str] = field(default_factory=frozenset)

    @property
    def promoted(self) -> bool:
        return self.destination.live == self.next

    @property
    def to_promote(self) -> PointView | None:
        """The point that the destination would serve: behind a fence no other than the final one."""
        final = self.source.final(self.current) if self.source else None
        wanted = self.undo_point or (final.id if final else None)
        if wanted is None:
            return self.destination.newest(self.ancestors, self.ends)
        return next((one for one in self.destination.points if one.id == wanted and one.is_intact), None)


@dataclass(frozen=True)
class Terms:
    """What the operator and the configuration say. source_is_down: his word, or proven by the fence hook.

    lag_seconds: below 0 for a point from the future, by this machine's clock. newer_at: another backend that has a
    newer point, as far as this machine knows.
    """

    source_is_down: bool = False
    accept_data_loss: bool = False
    rpo_seconds: float | None = None
    lag_seconds: float | None = None
    newer_at: str | None = None


def plan_failover(view: View) -> Iterator[Step]:
    """The missing steps."""
    destination = view.destination
    if not view.promoted and view.undo_point is not None:
        if view.source is not None and not view.source.is_fenced:
            yield Step.FENCE_SOURCE
        yield Step.PROMOTE if destination.live is None else Step.RESUME
    elif not view.promoted:
        if destination.live is not None:
            if not destination.is_fenced:
                yield Step.FENCE_DESTINATION
            yield Step.KEEP_DIVERGED
        if view.source is not None:
            yield from _cut_over(view, view.source)
        yield Step.PROMOTE
    if not view.exported:
        yield Step.EXPORT
    if view.source is not None and view.source.live == view.current:
        yield Step.RETIRE_SOURCE


def _cut_over(view: View, source: SideView) -> Iterator[Step]:
    if not source.is_fenced:
        yield Step.FENCE_SOURCE
    final = source.final(view.current)
    if final is None:
        yield Step.FINAL_POINT
    if final is None or final.id not in {one.id for one in view.destination.points}:
        yield Step.SHIP


def objection(view: View, terms: Terms) -> str | None:
    """Why going on could lose data that nobody said may be lost; None when it cannot."""
    destination = view.destination
    if view.promoted:
        return None
    if destination.live is not None and destination.live not in view.ancestors | view.branches:
        return f"what is live on the destination (generation {destination.live}) is no ancestor of what serves now"
    if view.undo_point is not None and view.to_promote is None:
        return "the recovery point that the failover began with is not on the destination any more, or was changed"
    return _unplanned(view, terms) if view.source is None else _planned(view, view.source)


def _planned(view: View, source: SideView) -> str | None:
    if source.live != view.current:
        return f"the source serves {source.live or 'nothing'}, not generation {view.current}"
    final = source.final(view.current)
    if final and view.to_promote is None and final.id in {one.id for one in view.destination.points}:
        return "the final recovery point was changed by hand on the destination"
    return None


def _unplanned(view: View, terms: Terms) -> str | None:
    if not terms.source_is_down:
        return "the source does not answer, and nothing proves that it cannot write any more"
    return _unusable_point(view) or _loses_more_than_needed(view, terms) or _beyond_rpo(view, terms)


def _loses_more_than_needed(view: View, terms: Terms) -> str | None:
    if view.undo_point is not None or terms.accept_data_loss or terms.newer_at is None:
        return None
    return f"backend {terms.newer_at} has a newer recovery point: less would be lost there"


def _unusable_point(view: View) -> str | None:
    newest = view.to_promote
    if newest is None:
        return "the destination has no complete recovery point"
    if any(not one.is_intact and one.sequence > newest.sequence for one in view.destination.points):
        return "the destination's newest recovery point was changed by hand"
    return None


def _beyond_rpo(view: View, terms: Terms) -> str | None:
    newest = view.to_promote  # final for an older generation, it says nothing of what was written since
    is_final = newest is not None and newest.is_final and newest.generation == view.current
    loses_nothing = view.undo_point is not None or is_final
    if loses_nothing or terms.accept_data_loss or terms.rpo_seconds is None or terms.lag_seconds is None:
        return None
    if terms.lag_seconds < 0:
        return "how much would be lost cannot be told: by this machine's clock the newest point is in the future"
    if terms.lag_seconds > terms.rpo_seconds:
        return (
            f"up to {terms.lag_seconds:.0f} s of writes would be lost, more than the RPO of {terms.rpo_seconds:.0f} s"
        )
    return None
