"""Taking a recovery point: a group snapshot without a row, noted on the servers when it is shipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused
from cgctl.manager.between_hooks import take_between_hooks
from cgctl.manager.creation import Made
from cgctl.manager.environment import Environment
from cgctl.manager.missing import named
from cgctl.manager.operation import Intent, begun, perform
from cgctl.manager.quiesce import bounded, hooks_of, require_quiet
from cgctl.manager.replication.members import ReplicatedGroup, load, replication_of
from cgctl.manager.rules import replication as rules
from cgctl.model.replication import Replicated
from cgctl.model.tables import new_id, utc_now
from drivers import contract
from drivers.contract import Context
from drivers.errors import ServerRefused
from drivers.replication import RecoveryPoint, Side

METHOD = "create_cgsnapshot"


@dataclass(frozen=True)
class TakePoint:
    """The operation that holds the group's own lock, only while the point is taken."""

    env: Environment
    reference: str
    point_id: str
    above: int = 0
    kind: str = "recovery-point"

    def intend(self, intent: Intent) -> tuple[ReplicatedGroup, RecoveryPoint]:
        replicated = load(intent.session, self.reference)
        intent.lock(replicated.id)
        rules.check_sync(replicated.group)
        hooks = hooks_of(self.env, replicated.group)
        driver = self.env.backends.get(replicated.active).driver
        require_quiet(driver, METHOD, replicated.name, replicated.present, hooks)
        point = next_point(intent.session, replicated, self.point_id, above=self.above)
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("settle-point", id=replicated.id, point=point.id)
        intent.will(f"{self.env.backends.server(replicated.active)}: take a recovery point of {replicated.name}")
        return replicated, point

    def work(self, context: Context, subject: tuple[ReplicatedGroup, RecoveryPoint]) -> Made:
        """The point is noted at once: a set without a note is nobody's when its server dies before it is shipped."""
        replicated, point = subject
        made = take_point(self.env, context, replicated, point)
        with begun():
            replication_of(self.env, replicated.active, replicated.name).note_point(context, point)
        return made

    def finish(
        self,
        session: Session,  # noqa: ARG002
        subject: tuple[ReplicatedGroup, RecoveryPoint],  # noqa: ARG002
        outcome: Made,
    ) -> CgctlError | None:
        if outcome.complaint:
            self.env.warn(f"{outcome.complaint.subject}: {outcome.complaint.reason}")
        return None

    def refuse(self, session: Session, subject: tuple[ReplicatedGroup, RecoveryPoint]) -> None:
        """Nothing was written but the number, and a number that is left out does no harm."""

    def fail(self, session: Session, subject: tuple[ReplicatedGroup, RecoveryPoint]) -> None:
        """The group is as it was."""


def take(env: Environment, reference: str, point_id: str, above: int = 0) -> tuple[ReplicatedGroup, RecoveryPoint]:
    """A point of what the group holds now, and the group as it was then. above: the newest sequence that servers know.

    Raises what a group snapshot raises.
    """
    return perform(env, TakePoint(env, reference, point_id, above))


def final_point_id(generation_id: str) -> str:
    """Of the point that a failover takes behind the fence; by what it begins: the same again after an interruption."""
    return str(uuid5(UUID(generation_id), "final"))


def newest_sequence(sides: Iterable[object]) -> int:
    """Of all points that were seen: a state that was restored from a copy may have forgotten the newest. Pure."""
    found = (one.point.sequence for side in sides if isinstance(side, Side) for one in side.points)
    return max(found, default=0)


def next_point(
    session: Session, replicated: ReplicatedGroup, point_id: str, *, is_final: bool = False, above: int = 0
) -> RecoveryPoint:
    """The point's values; taken_at is now, before the hold. Raises FailoverRefused where nothing is enabled."""
    record = session.get(Replicated, replicated.id)
    if record is None:
        raise FailoverRefused(
            replicated.name, "is not replicated", f"cgctl group-enable-replication {replicated.group.id}"
        )
    record.last_sequence = max(record.last_sequence, above) + 1
    return RecoveryPoint(point_id, replicated.id, record.generation_id, record.last_sequence, utc_now(), is_final)


def take_point(env: Environment, context: Context, replicated: ReplicatedGroup, point: RecoveryPoint) -> Made:
    """On the active server, between the group's hooks where it has some and the point is not behind a fence.

    Raises what the server says; a refusal names the members that are not there.
    """
    try:
        return _take(env, context, replicated, point)
    except ServerRefused as refusal:
        raise named(env, context, replicated.group, replicated.present, refusal) from refusal


def _take(env: Environment, context: Context, replicated: ReplicatedGroup, point: RecoveryPoint) -> Made:
    driver = env.backends.get(replicated.active).driver
    on_server = contract.GroupSnapshot(point.id, replicated.id)
    snapshots = [
        contract.Snapshot(new_id(), one.id, one.size_bytes, replicated.id, point.id) for one in replicated.present
    ]
    if point.is_final:  # nobody writes any more: nothing needs to be quiet, and a copy may take its time
        patient = bounded(env, driver, METHOD, context, hooks_of(env, replicated.group))
        return Made(driver.create_cgsnapshot(patient, on_server, snapshots))
    hooks = hooks_of(env, replicated.group)
    held = bounded(env, driver, METHOD, context, hooks)

    def make() -> contract.Updates:
        return driver.create_cgsnapshot(held, on_server, snapshots)

    def remove() -> None:
        driver.delete_cgsnapshot(context, on_server, snapshots)

    return take_between_hooks(env, context, replicated.group, make, remove)
