"""The planner: every state that a failover can be interrupted in, and what is left to do then. Quick: under 2 s."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cgctl.manager.failover_plan import PointView, SideView, Step, Terms, View, objection, plan_failover

BASE = PointView("p1", 1, "g1")
DOWN = Terms(source_is_down=True)


@dataclass(frozen=True)
class World:
    """Servers that do what a step says; `down` is a source that does not answer."""

    source: SideView
    destination: SideView
    ancestors: frozenset[str]
    current: str
    down: bool = False
    exported: bool = False
    kept: bool = False
    undo_point: str | None = None

    def view(self) -> View:
        source = None if self.down else self.source
        words = self.ancestors, self.exported, self.undo_point
        return View(self.current, "next", source, self.destination, *words)

    def after(self, step: Step) -> World:  # noqa: PLR0911 (one per step)
        """The world when the step is done; asserts what must hold before it."""
        match step:
            case Step.FENCE_DESTINATION:
                return replace(self, destination=replace(self.destination, is_fenced=True))
            case Step.KEEP_DIVERGED:
                assert self.destination.is_fenced
                return replace(self, destination=replace(self.destination, live=None), kept=True)
            case Step.FENCE_SOURCE:
                return replace(self, source=replace(self.source, is_fenced=True))
            case Step.FINAL_POINT:
                assert self.source.is_fenced, "a final point is behind a fence"
                final = PointView("final", 9, self.current, is_final=True)
                return replace(self, source=replace(self.source, points=(*self.source.points, final)))
            case Step.SHIP:
                shipped = self.source.final(self.current)
                assert shipped
                return replace(self, destination=replace(self.destination, points=(*self.destination.points, shipped)))
            case Step.PROMOTE:
                assert self.down or self.source.is_fenced, "promoted beside a source that can write"
                assert self.destination.live is None, "what was live is overwritten"
                last = self.undo_point or self.destination.final(self.current)
                assert self.down or last, "promoted without the last writes"
                return replace(self, destination=replace(self.destination, live="next", is_fenced=False))
            case Step.RESUME:
                assert self.down or self.source.is_fenced, "two serve at once"
                return replace(self, destination=replace(self.destination, live="next", is_fenced=False))
            case Step.EXPORT:
                assert self.destination.live == "next"
                return replace(self, exported=True)
            case Step.RETIRE_SOURCE:
                assert self.exported
                return replace(self, source=replace(self.source, live=None))


def worlds() -> some.SearchStrategy[World]:
    """All kinds of beginnings: first failover, failback with or without something live on the destination."""
    source = some.builds(SideView, some.just("g1"), some.booleans(), some.just((BASE,)))
    lives = some.sampled_from([None, "g0"])
    destination = some.builds(SideView, lives, some.booleans(), some.just((BASE,)))
    ancestors = some.just(frozenset({"g0", "g1"}))
    undo = some.sampled_from([None, "p1"])
    return some.builds(World, source, destination, ancestors, some.just("g1"), some.booleans(), undo_point=undo)


@given(worlds())
def test_interrupted_after_any_step_exactly_the_rest_of_the_plan_is_left(world: World) -> None:
    plan = list(plan_failover(world.view()))
    for number, step in enumerate(plan):
        world = world.after(step)
        assert list(plan_failover(world.view())) == plan[number + 1 :]
    assert world.destination.live == "next"
    assert world.exported
    assert world.down or world.source.live is None


@given(worlds())
def test_a_source_that_is_lost_on_the_way_is_done_without(world: World) -> None:
    plan = list(plan_failover(replace(world, down=False).view()))
    for number in range(len(plan) + 1):
        lost = replace(world, down=False)
        for step in plan[:number]:
            lost = lost.after(step)
        lost = replace(lost, down=True)
        for step in plan_failover(lost.view()):
            assert step not in {Step.FENCE_SOURCE, Step.FINAL_POINT, Step.SHIP, Step.RETIRE_SOURCE}
            lost = lost.after(step)
        assert lost.destination.live == "next"


def first() -> World:
    ancestors = frozenset({"g1"})
    return World(SideView("g1", points=(BASE,)), SideView(points=(BASE,)), ancestors, "g1")


def test_a_planned_failover_fences_ships_promotes_exports_in_this_order() -> None:
    assert list(plan_failover(first().view())) == [
        Step.FENCE_SOURCE,
        Step.FINAL_POINT,
        Step.SHIP,
        Step.PROMOTE,
        Step.EXPORT,
        Step.RETIRE_SOURCE,
    ]


def test_an_unplanned_failover_promotes_and_exports() -> None:
    assert list(plan_failover(replace(first(), down=True).view())) == [Step.PROMOTE, Step.EXPORT]


def test_a_final_point_of_an_older_generation_is_none() -> None:
    old = PointView("old", 5, "g0", is_final=True)
    world = first()
    world = replace(world, source=replace(world.source, is_fenced=True, points=(BASE, old)))
    assert Step.FINAL_POINT in list(plan_failover(world.view()))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (Terms(), "nothing proves"),
        (Terms(accept_data_loss=True), "nothing proves"),
        (replace(DOWN, rpo_seconds=60, lag_seconds=61), "more than the RPO"),
        (replace(DOWN, rpo_seconds=60, lag_seconds=59), None),
        (replace(DOWN, rpo_seconds=60, lag_seconds=61, accept_data_loss=True), None),
        (DOWN, None),
    ],
)
def test_a_source_that_does_not_answer_needs_a_word_and_the_rpo(terms: Terms, told: str | None) -> None:
    found = objection(replace(first(), down=True).view(), terms)
    assert found is None if told is None else told in (found or "")


def test_a_destination_without_a_point_is_refused() -> None:
    world = replace(first(), down=True, destination=SideView())
    assert "no complete recovery point" in (objection(world.view(), DOWN) or "")


def test_a_newest_point_that_was_changed_is_refused_and_not_passed_over() -> None:
    changed = PointView("p2", 2, "g1", is_intact=False)
    world = replace(first(), down=True, destination=SideView(points=(BASE, changed)))
    assert "changed by hand" in (objection(world.view(), DOWN) or "")


def test_a_final_point_loses_nothing_however_old_it_is() -> None:
    final = PointView("p2", 2, "g1", is_final=True)
    world = replace(first(), down=True, destination=SideView(points=(BASE, final)))
    terms = replace(DOWN, rpo_seconds=1, lag_seconds=1000)
    assert objection(world.view(), terms) is None
    older = replace(final, generation="g0")
    view = replace(world.view(), destination=SideView(points=(older,)), ancestors=frozenset({"g0", "g1"}))
    assert "more than the RPO" in (objection(view, terms) or "")


def test_points_of_a_branch_that_was_given_up_are_not_promoted() -> None:
    given_up = PointView("p9", 9, "g9")
    world = replace(first(), down=True, destination=SideView(points=(BASE, given_up)))
    assert world.view().to_promote == BASE


def test_an_undo_needs_the_point_that_the_failover_began_with() -> None:
    world = replace(first(), undo_point="gone")
    assert "began with" in (objection(world.view(), Terms()) or "")


def test_a_destination_that_was_promoted_by_others_is_not_overwritten() -> None:
    world = replace(first(), destination=SideView("stranger", points=(BASE,)))
    assert "no ancestor" in (objection(world.view(), Terms()) or "")


def test_a_source_that_serves_another_generation_is_refused() -> None:
    world = replace(first(), source=SideView("other"))
    assert "not generation g1" in (objection(world.view(), Terms()) or "")


def test_points_that_an_ancestor_made_behind_the_branch_are_not_promoted() -> None:
    lost = PointView("p2", 2, "g1")
    view = View("g2", "next", None, SideView(points=(BASE, lost)), frozenset({"g1", "g2"}), ends={"g1": 1})
    assert view.to_promote == BASE


def test_behind_a_fence_nothing_but_the_final_point_is_promoted() -> None:
    final = PointView("final", 2, "g1", is_final=True)
    higher = PointView("p9", 9, "g1")
    source = SideView("g1", is_fenced=True, points=(BASE, final))
    view = View("g1", "next", source, SideView(points=(BASE, final, higher)), frozenset({"g1"}))
    assert view.to_promote == final
    changed = replace(view, destination=SideView(points=(BASE, replace(final, is_intact=False))))
    assert "changed by hand" in (objection(changed, Terms()) or "")


def test_a_destination_that_serves_a_branch_of_this_group_is_kept_and_goes_on() -> None:
    view = replace(first(), destination=SideView("undone", points=(BASE,))).view()
    known = replace(view, branches=frozenset({"g1", "undone"}))
    assert objection(known, Terms()) is None
    assert list(plan_failover(known))[:2] == [Step.FENCE_DESTINATION, Step.KEEP_DIVERGED]
