"""A group on its way to another backend: what the servers show, and how each step of the plan is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from cgctl.errors import CgctlError, FailoverRefused
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.failover_plan import PointView, SideView, Step, Terms, View, objection, plan_failover
from cgctl.manager.replication import hints
from cgctl.manager.replication.diverged import Diverged, find_kept, list_kept, retire
from cgctl.manager.replication.fencing import StillServes, end_exports, fence
from cgctl.manager.replication.giving_up import note_promoting
from cgctl.manager.replication.hooks import run_fence_hook, run_post_failover
from cgctl.manager.replication.lag import lag_seconds
from cgctl.manager.replication.line import generations_of, line
from cgctl.manager.replication.members import ReplicatedGroup, others, replication_of
from cgctl.manager.replication.order import FailedOver, Halfway, Order
from cgctl.manager.replication.points import final_point_id, newest_sequence, next_point, take_point
from cgctl.manager.replication.promotion import live_sizes, offer, promote, sizes
from cgctl.manager.replication.shipping import base_for, ship
from cgctl.manager.replication.sides import ancestors, observe_side, observe_surely, within
from cgctl.manager.rules.replication import check_undo
from cgctl.model.tables import utc_now
from drivers import contract
from drivers.contract import Context
from drivers.errors import (
    AtWork,
    DriverError,
    OutcomeUnknown,
    PoolFull,
    PoolMissing,
    ServerFailed,
    ServerNotReached,
    ToolMissing,
)
from drivers.replication import Generation, PointOnServer, Side, SideState

log = logging.getLogger(__name__)
QUICK_SECONDS = 3.0
"""How long a server that is said to be down gets to prove the opposite."""

ON_SOURCE = frozenset({Step.FENCE_SOURCE, Step.FINAL_POINT, Step.SHIP})


class Moving:
    """One run. What a run learns (the source is lost, the exports are made) is kept here; what it does, on servers."""

    def __init__(self, env: Environment, context: Context, replicated: ReplicatedGroup, order: Order) -> None:
        self._env, self._context, self._replicated, self._order = env, context, replicated, order
        self._sides: dict[str, Side | None] = {}
        self._source_lost = False
        self._proven_down = False
        self._wrote_until = order.at
        self._exported = False
        self._is_broken = False
        self._retired = False
        self._begun = self._changed = False
        self._present: Mapping[str, int] = {}
        self._planned: View | None = None
        assert replicated.record is not None
        self._current = replicated.record.generation_id

    def run(self) -> FailedOver:
        """To the end. Raises FailoverRefused or what a server says before the first step, Halfway after it."""
        try:
            while step := next(plan_failover(self.checked_view()), None):
                if step is Step.RETIRE_SOURCE and self._retired:
                    break
                self._begun = True
                self._end_exports_of_broken_source()
                log.info("%s: %s: %s", self._replicated.name, self.place_of(step), step.value)
                self._do(step)
                self._changed = True
            return self._outcome()
        except (DriverError, CgctlError) as error:
            if isinstance(error, AtWork) and not self._changed:  # who should be fenced first is busy, and as it was
                raise
            if not self._begun:
                if isinstance(error, ServerFailed):  # servers were looked at, no more: the group is as it was
                    raise explain(error, self._replicated.name) from error
                raise
            reason = error.message if isinstance(error, DriverError) else error.reason
            raise Halfway(f"the failover has begun and could not go on: {reason}", self._ways_on()) from error

    def place_of(self, step: Step) -> str:
        """Where a step is done, for messages."""
        on_source = step in ON_SOURCE or step is Step.RETIRE_SOURCE
        return self._env.backends.server(self._replicated.active if on_source else self._order.destination)

    def checked_view(self) -> View:
        """What the servers show now. Raises FailoverRefused where going on could lose data."""
        view = self._view()
        why = objection(view, self._terms(view))
        if why and view.source is None and self._has_hook(view) and not self._env.dry_run:
            why = self._objection_if_down(view)
            if why is None:  # a server is cut off only where nothing else is in the way
                self._proven_down = run_fence_hook(self._env, self._replicated)
                self._wrote_until = utc_now()
                why = objection(view, self._terms(view))
        if why:
            raise FailoverRefused(self._replicated.name, why, self._hint(view))
        if view.undo_point is not None and not view.promoted:
            self._check_same_members(view.undo_point)
        if view.source is not None and not view.promoted and view.undo_point is None:
            source, there = self._side(self._replicated.active), self._side(self._order.destination)
            base_for(self._env, self._replicated, self._order.destination, source, there)
        self._planned = view
        return view

    def _check_same_members(self, undo_point: str) -> None:
        """An undo goes on with what was there: whoever came or left since would be lost, or be there twice."""
        there = self._order.destination
        has_live = self._side(there).has_live
        ids = set(
            live_sizes(self._env, self._context, self._replicated.id, there)
            if has_live
            else sizes(self._env, self._context, there, undo_point)
        )
        check_undo(self._replicated.group, self._replicated.volumes, ids, has_live=has_live)

    def _again(self, *flags: str) -> str:
        """What was ordered, as a command."""
        order = self._order
        if order.undo_point:
            return hints.undo(self._replicated, *(flag for flag in flags if flag != hints.LOSS))
        return hints.failover_to(self._env, self._replicated, order.destination, *flags)

    def _hint(self, view: View) -> str:
        """The flag that would let it go on, where one would; else where to look."""
        terms, has_hook = self._terms(view), self._has_hook(view)
        is_silent = (view.source is None or view.source.live is None) and not terms.source_is_down
        if is_silent and not (has_hook and view.source is None and self._objection_if_down(view)):
            return f"when the source is certainly down: {self._again(hints.DOWN)}"
        if objection(view, replace(terms, source_is_down=True, accept_data_loss=True)) is None:
            down = [] if has_hook else [hints.DOWN]
            less = hints.failover_to(self._env, self._replicated, terms.newer_at, *down) if terms.newer_at else ""
            loss = f"when that may be lost: {self._again(*down, hints.LOSS)}"
            return f"to lose less: {less}; {loss}" if less else loss
        name = self._replicated.id
        return f"{hints.status(self._replicated)}; other targets: cgctl group-list-replication-targets {name}"

    def _has_hook(self, view: View) -> bool:
        """Whether a fence hook may prove what nobody has said."""
        return (
            not self._terms(view).source_is_down and self._env.backends.get(self._replicated.active).fence is not None
        )

    def _objection_if_down(self, view: View) -> str | None:
        return objection(view, replace(self._terms(view), source_is_down=True))

    def _ways_on(self) -> str:
        back = hints.failover_to(self._env, self._replicated, self._replicated.active)
        without = f"if the source is gone: {self._again(hints.DOWN)}"
        if self._order.source_is_down:
            without = f"to go on without {self._env.backends.server(self._replicated.active)}, shut it down before"
        return f"mend the cause, then: {self._again()}; {without}; to give it up: {back}"

    def _terms(self, view: View) -> Terms:
        newest = view.to_promote
        found = self._side(self._order.destination).point(newest.id) if newest else None
        lag = lag_seconds(found.point.taken_at, self._wrote_until) if found else 0.0
        down = self._order.source_is_down or self._proven_down
        newer_at = self._newer_than(newest.sequence) if newest else None
        return Terms(
            down, self._order.accept_data_loss, self._order.rpo_seconds, -1.0 if lag is None else lag, newer_at
        )

    def _newer_than(self, sequence: int) -> str | None:
        """Which other backend has the newest point of all, by the state: to ask it now would take time."""
        hosts = others(self._env, self._replicated)
        known = (one for one in self._replicated.replicas if one.taken_at and one.host in hosts)
        newest = max(known, key=lambda one: one.sequence or 0, default=None)
        if newest is None or newest.host == self._order.destination or (newest.sequence or 0) <= sequence:
            return None
        return newest.host

    def _view(self) -> View:
        self._observe()
        source, there = self._sides[self._replicated.active], self._side(self._order.destination)
        answering = [side for side in (source, there) if side is not None]
        with self._env.store.read() as session:
            points = (one for side in answering for one in side.points)
            ends = line(session, self._replicated.id, self._current, points)
            branches = frozenset(generations_of(session, self._replicated.id))
        known = frozenset(ends).union(*(ancestors(side, self._current) for side in answering))
        seen = None if source is None or self._retired else _seen(source)
        words = known, self._exported, self._order.undo_point, ends, branches
        return View(self._current, self._order.generation_id, seen, _seen(there), *words)

    def _observe(self) -> None:
        """Both servers at once: one that is silent has its time while the other answers."""
        if self._exported and self._source_lost:
            return  # nothing is left to do
        source, there = self._replicated.active, self._order.destination
        if self._source_lost:
            self._sides[there] = self._ask(there)
            return
        with ThreadPoolExecutor(max_workers=1) as beside:
            asked = beside.submit(self._ask_source, source)
            self._sides[there] = self._ask(there)
        self._sides[source] = asked.result()
        self._source_lost = self._sides[source] is None

    def _ask(self, host: str) -> Side:
        return observe_side(self._env, self._context, self._replicated.name, self._replicated.id, host)

    def _ask_source(self, host: str) -> Side | None:
        down = self._order.source_is_down
        try:
            if down and not self._begun:
                side = within(QUICK_SECONDS, lambda: observe_surely(lambda: self._ask(host)))
            else:
                side = observe_surely(lambda: self._ask(host))
        except (ServerNotReached, OutcomeUnknown) as error:
            self._env.warn(f"{self._replicated.name}: the source does not answer: {error.message}")
            return None
        except (ServerFailed, PoolMissing) as error:  # its disk is broken, or its file system away
            if not down:
                error.hint = f"mend it; when the source is certainly down: {self._again(hints.DOWN)}"
                raise
            self._do_without_source(f"the source fails ({error.message})")
            return None
        if down and not self._begun and not side.has_live:  # a new disk, or one that is not mounted
            self._do_without_source("the source holds nothing of the group")
            return None
        return side

    def _do_without_source(self, why: str) -> None:
        self._env.warn(f"{self._replicated.name}: {why}: going on without it")
        self._is_broken = True

    def _end_exports_of_broken_source(self) -> None:
        """It answers, so it may still serve: to end that needs no pool. Raises StillServes."""
        if self._is_broken:
            with suppress(ServerNotReached, OutcomeUnknown, ToolMissing, PoolMissing):
                end_exports(self._env, self._context, self._replicated, self._replicated.active)
            self._is_broken = False

    def _side(self, host: str) -> Side:
        side = self._sides[host]
        assert side is not None
        return side

    def _do(self, step: Step) -> None:
        try:
            _STEPS[step](self)
        except DriverError as error:
            if step is Step.RETIRE_SOURCE:
                self._env.warn(f"{self._replicated.name}: the old source is fenced and not cleaned up: {error.message}")
                self._retired = True
            elif isinstance(error, StillServes):  # it is not down, whatever was said
                raise
            elif self._is_of_source(step, error) and (self._order.source_is_down or self._proven_down):
                self._env.warn(f"{self._replicated.name}: the source fails ({error.message}): going on without it")
                self._source_lost, self._sides[self._replicated.active] = True, None
            else:
                raise

    def _is_of_source(self, step: Step, error: DriverError) -> bool:
        """Whether it is the source that cannot. One that is busy or full is there, with all that was written."""
        if step is Step.SHIP:
            return error.backend_id == self._replicated.active
        return step in ON_SOURCE and not isinstance(error.__cause__ or error, (AtWork, PoolFull))

    def _fence_destination(self) -> None:
        there = self._order.destination
        fence(self._env, self._context, self._replicated, there, self._side(there).generation_id or self._current)

    def _keep_diverged(self) -> None:
        self._retire(self._order.destination)

    def _fence_source(self) -> None:
        fence(self._env, self._context, self._replicated, self._replicated.active, self._current)

    def _final_point(self) -> None:
        with self._env.store.write() as session:
            point_id = final_point_id(self._order.generation_id)
            above = newest_sequence(self._sides.values())
            point = next_point(session, self._replicated, point_id, is_final=True, above=above)
        take_point(self._env, self._context, self._replicated, point)
        source = replication_of(self._env, self._replicated.active, self._replicated.name)
        source.note_point(self._context, point)

    def _ship(self) -> None:
        source, there = self._side(self._replicated.active), self._side(self._order.destination)
        point = next(
            one.point for one in source.points if one.point.is_final and one.point.generation_id == self._current
        )
        ship(self._env, self._context, self._replicated, point, self._order.destination, (source, there))
        self._context = self._env.context(self._context.operation_id)  # the rest has its own time

    def _promote(self) -> None:
        there = self._order.destination
        side, chosen = self._side(there), self._planned.to_promote if self._planned else None
        newest = side.point(chosen.id) if chosen else None
        assert newest is not None
        known = self._sides[self._replicated.active] or self._side(there)
        parent = (
            newest.point.generation_id if self._order.undo_point else self._current
        )  # what is undone is no ancestor
        begun = Generation(self._order.generation_id, parent, newest.point.id)
        self._present = promote(
            self._env, self._context, self._replicated, there, begun, newest, known.generations, self._note_promoting
        )

    def _note_promoting(self) -> None:
        note_promoting(self._env, self._context.operation_id)

    def _resume(self) -> None:
        there = self._order.destination
        side = self._side(there)
        self._grow(there)
        begun = Generation(self._order.generation_id, side.generation_id)  # with all that it wrote: from no point
        replication = replication_of(self._env, there, self._replicated.name)
        replication.note_side(self._context, self._replicated.id, begun.id, SideState.SERVING, [begun])

    def _grow(self, host: str) -> None:
        """Members that were extended on the other side since: the state says how large they are."""
        found = live_sizes(self._env, self._context, self._replicated.id, host)
        for one in self._replicated.volumes:
            if found.get(one.id, one.size_bytes) < one.size_bytes:
                volume = contract.Volume(one.id, found[one.id], self._replicated.id)
                self._env.backends.get(host).driver.extend_volume(self._context, volume, one.size_bytes)

    def _export(self) -> None:
        there = self._order.destination
        if not self._present:  # else this run has just made it
            self._present = live_sizes(self._env, self._context, self._replicated.id, there)
        offer(self._env, self._context, self._replicated, there, self._present)
        self._exported = True
        run_post_failover(self._env, self._replicated, there, self._present)

    def _retire_source(self) -> None:
        self._retire(self._replicated.active)
        self._retired = True

    def _retire(self, host: str) -> None:
        side = self._side(host)
        generations = [*self._side(self._order.destination).generations]
        generations += (self._sides[self._replicated.active] or side).generations
        began = [one.point_id for one in generations if one.parent_id == side.generation_id and one.point_id]
        began = [self._order.undo_point] if self._order.undo_point else began
        kept = retire(self._env, self._context, self._replicated, host, side, began[0] if began else None)
        if kept is not None:  # listed at once: whoever gives the failover up has it as well
            with self._env.store.write() as session:
                list_kept(self._env, session, self._replicated, [kept])

    def _promoted_point(self, began: Generation) -> PointOnServer:
        point_id = began.point_id or self._order.undo_point
        point = self._side(self._order.destination).point(point_id or "")
        if point is None:
            reason = f"the promoted recovery point {point_id} is not there any more"
            raise FailoverRefused(self._replicated.name, reason, hints.status(self._replicated))
        return point

    def _outcome(self) -> FailedOver:
        with self._env.store.read() as session:
            known = generations_of(session, self._replicated.id)
        reached = [host for host, side in self._sides.items() if side is not None]
        kept: list[Diverged] = []
        for host in reached:
            kept += find_kept(self._env, self._context, self._replicated, host, known)
        began = next(
            one for one in self._side(self._order.destination).generations if one.id == self._order.generation_id
        )
        return FailedOver(self._promoted_point(began), self._present, began, self._wrote_until, kept)


_STEPS: Mapping[Step, Callable[[Moving], None]] = {
    Step.FENCE_DESTINATION: Moving._fence_destination,
    Step.KEEP_DIVERGED: Moving._keep_diverged,
    Step.FENCE_SOURCE: Moving._fence_source,
    Step.FINAL_POINT: Moving._final_point,
    Step.SHIP: Moving._ship,
    Step.PROMOTE: Moving._promote,
    Step.RESUME: Moving._resume,
    Step.EXPORT: Moving._export,
    Step.RETIRE_SOURCE: Moving._retire_source,
}


def _seen(side: Side) -> SideView:
    points = tuple(
        PointView(one.point.id, one.point.sequence, one.point.generation_id, one.point.is_final, one.is_intact)
        for one in side.points
    )
    return SideView((side.generation_id or "unknown") if side.has_live else None, side.state == "fenced", points)
