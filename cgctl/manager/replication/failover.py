"""`group-failover-replication`: observe, plan, do the first step, again; the plan is cgctl.manager.failover_plan.

Failback is the same with the origin as its destination. What is interrupted is settled by running it again from the
journal's order, by the same command or `cgctl recover`: failovers are rolled forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused, Refused
from cgctl.manager.dependents import dependents_of
from cgctl.manager.environment import Environment
from cgctl.manager.failover_plan import plan_failover
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.offering import offer_key
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication import hints, members
from cgctl.manager.replication.catching_up import catch_up
from cgctl.manager.replication.following import clear_way
from cgctl.manager.replication.giving_up import order_giving_up
from cgctl.manager.replication.members import ReplicatedGroup, destination, load, load_any
from cgctl.manager.replication.moving import Moving
from cgctl.manager.replication.order import FailedOver, Order
from cgctl.manager.replication.outcome import write_outcome
from cgctl.manager.rules import replication as rules
from cgctl.manager.rules.group import check_nothing_stays
from cgctl.model.replication import GroupGeneration
from cgctl.model.states import GroupStatus, ReplicationStatus
from cgctl.model.tables import Operation, new_id, utc_now
from drivers.contract import Context


class ServedThere(Exception):
    """Not a failure: the destination serves the group already."""

    def __init__(self, replicated: ReplicatedGroup) -> None:
        super().__init__(replicated.active)
        self.replicated = replicated


@dataclass(frozen=True)
class Wishes:
    """The words of the command."""

    backend_id: str | None = None
    allow_attached_volume: bool = False
    source_is_down: bool = False
    accept_data_loss: bool = False


@dataclass(frozen=True)
class Leaving:
    """The group as it was, and what was ordered."""

    replicated: ReplicatedGroup
    order: Order
    before: Mapping[str, str]
    row: list[GroupGeneration] = field(default_factory=list)


@dataclass(frozen=True)
class Failover:
    """The operation. source: whom the operator's word is about; who serves when the command begins, as a rule."""

    env: Environment
    reference: str
    wishes: Wishes
    source: str | None = None
    kind: str = "group-failover-replication"

    def intend(self, intent: Intent) -> Leaving:
        replicated = load(intent.session, self.reference)
        intent.lock(*replicated.keys, offer_key(replicated.id))
        target = destination(self.env, replicated, self.wishes.backend_id)
        wishes = self.wishes
        _check(self.env, intent.session, replicated, target.host, wishes)
        if target.host == replicated.active:
            raise ServedThere(replicated)
        refuse_frozen(intent.session, replicated.name, target.host)
        self.refuse_word_for_another(replicated)
        order = Order(
            target.host, new_id(), utc_now(), target.rpo_seconds, wishes.source_is_down, wishes.accept_data_loss
        )
        leaving = Leaving(replicated, order, members.statuses(replicated))
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("failover", id=replicated.id, **order.as_json())
        members.write_status(intent.session, replicated, ReplicationStatus.FAILING_OVER)
        return leaving

    def refuse_word_for_another(self, replicated: ReplicatedGroup) -> None:
        """The word was given for who served when the command began: an interrupted failover may have ended since."""
        if self.wishes.source_is_down and self.source not in (None, replicated.active):
            reason = f"is served by backend {replicated.active} by now; that {self.source} is down says nothing of it"
            raise Refused(replicated.name, reason, hints.status(replicated))

    def work(self, context: Context, subject: Leaving) -> FailedOver:
        return Moving(self.env, context, subject.replicated, subject.order).run()

    def finish(self, session: Session, subject: Leaving, outcome: FailedOver) -> CgctlError | None:
        subject.row.append(write_outcome(self.env, session, subject.replicated, subject.order, outcome))
        return None

    def refuse(self, session: Session, subject: Leaving) -> None:
        members.restore(session, subject.replicated, subject.before)

    def fail(self, session: Session, subject: Leaving) -> None:
        members.write_status(session, subject.replicated, ReplicationStatus.ERROR, GroupStatus.ERROR)


def fail_over(env: Environment, reference: str, wishes: Wishes) -> GroupGeneration:
    """Move a group to another of its backends. Raises FailoverRefused where that could lose data. Again is fine."""
    if caught_up := _caught_up(env, reference, wishes):
        return caught_up
    if env.dry_run:
        _tell_plan(env, reference, wishes)
    with env.store.read() as session:  # before a word is written down, and before a sync is asked to make way
        replicated = load(session, reference)
        _refuse_frozen_sides(session, replicated, destination(env, replicated, wishes.backend_id).host)
    source = waive(env, reference, wishes)
    clear_way(env, reference, is_certain=wishes.source_is_down)
    try:
        return perform(env, Failover(env, reference, wishes, source)).row[0]
    except ServedThere as there:
        env.warn(f"{there.replicated.name}: is served by backend {there.replicated.active} already")
        return _current(env, there.replicated)


def _refuse_frozen_sides(session: Session, replicated: ReplicatedGroup, host: str) -> None:
    """Of a failover to this backend. Raises Refused."""
    for one in (replicated.active, host) if host != replicated.active else ():
        refuse_frozen(session, replicated.name, one)


def _caught_up(env: Environment, reference: str, wishes: Wishes) -> GroupGeneration | None:
    with env.store.read() as session:
        replicated = load(session, reference)
    return catch_up(env, replicated, destination(env, replicated, wishes.backend_id).host)


def _check(env: Environment, session: Session, replicated: ReplicatedGroup, host: str, wishes: Wishes) -> None:
    given = {hints.DOWN: wishes.source_is_down, hints.LOSS: wishes.accept_data_loss}
    again = hints.failover_to(env, replicated, host, *(flag for flag, wanted in given.items() if wanted))
    allowed = wishes.allow_attached_volume
    rules.check_failover(replicated.group, replicated.present, again, allow_attached_volume=allowed)
    if host == replicated.moving_to != replicated.active:  # a move leaves nothing where the group was
        check_nothing_stays(
            replicated.group, replicated.volumes, dependents_of(session, replicated.group, replicated.volumes)
        )


def settle(env: Environment, context: Context, plan: Mapping[str, Any], replicated: ReplicatedGroup) -> Any:
    """Roll an interrupted failover forward; what is returned writes the state."""
    order = Order.of_json(plan)
    if replicated.active == order.destination:
        return lambda _session: None
    outcome = Moving(env, context, replicated, order).run()

    def write(session: Session) -> None:
        write_outcome(env, session, load_any(session, replicated.id), order, outcome)

    return write


def _current(env: Environment, replicated: ReplicatedGroup) -> GroupGeneration:
    with env.store.read() as session:
        if replicated.record is None:
            raise FailoverRefused(
                replicated.name, "is not replicated", f"cgctl group-enable-replication {replicated.id}"
            )
        return session.get_one(GroupGeneration, replicated.record.generation_id)


def waive(env: Environment, reference: str, wishes: Wishes) -> str:
    """What the operator says now goes for the failover that was interrupted, too; or it is to be given up.

    Returns whom `--source-is-down` is about.
    """
    with env.store.write() as session:
        replicated = load(session, reference)
        operation = members.interrupted(session, replicated, "failover")
        if operation is None:
            return replicated.active
        if destination(env, replicated, wishes.backend_id).host != replicated.active:
            _take_word(operation, wishes)
            return replicated.active
        begun_to = str(operation.plan["destination"])
        again = hints.failover_to(env, replicated, replicated.active, hints.DOWN)
        order_giving_up(replicated, operation, again, is_down=wishes.source_is_down)
        return begun_to


def waive_for_undo(env: Environment, reference: str, wishes: Wishes) -> str:
    """The same for an undo, which has no destination to name."""
    with env.store.write() as session:
        replicated = load(session, reference)
        operation = members.interrupted(session, replicated, "failover")
        if operation is not None and not env.dry_run:
            _refuse_frozen_sides(session, replicated, str(operation.plan["destination"]))
            _take_word(operation, wishes)
        return replicated.active


def _take_word(operation: Operation, wishes: Wishes) -> None:
    """Until the word came, the source was taken for one that serves: what is lost, and the RPO, count from now."""
    if wishes.source_is_down and not operation.plan["source_is_down"]:
        operation.plan = {**operation.plan, "at": utc_now().isoformat()}
    for key in ("source_is_down", "accept_data_loss"):
        if getattr(wishes, key):
            operation.plan = {**operation.plan, key: True}


def _tell_plan(env: Environment, reference: str, wishes: Wishes) -> None:
    """--dry-run: the plan as the servers are now, checked as in earnest. Raises DryRun."""
    from cgctl.errors import DryRun  # noqa: PLC0415

    with env.store.read() as session:
        replicated = load(session, reference)
        target = destination(env, replicated, wishes.backend_id)
        _check(env, session, replicated, target.host, wishes)
        if target.host == replicated.active:
            raise DryRun([f"nothing: {replicated.name} is served by backend {target.host} already"])
        _refuse_frozen_sides(session, replicated, target.host)
    order = Order(target.host, new_id(), utc_now(), target.rpo_seconds, wishes.source_is_down, wishes.accept_data_loss)
    moving = Moving(env, env.context("dry-run"), replicated, order)
    view = moving.checked_view()
    raise DryRun([f"{moving.place_of(step)}: {step.value}" for step in plan_failover(view)])
