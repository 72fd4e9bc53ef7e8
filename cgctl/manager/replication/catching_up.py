"""A state that was restored from a copy of before a failover: it follows the backend that has served since.

Decided 2026-11-22: only by the command that orders that very failover, only over one failover, and only where the notes
of all servers prove it. All have some; who serves by the state is fenced, so that nobody has written there since; the
destination serves a generation that began with a point of what the state knows; no server knows any other generation
that the state does not; the members are those of the state. Nothing is changed on a server. Where it is not proven, the
failover goes its usual way, and says why it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused
from cgctl.manager.environment import Environment
from cgctl.manager.offering import offer_key
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication.diverged import find_kept
from cgctl.manager.replication.fencing import is_newer
from cgctl.manager.replication.line import generations_of
from cgctl.manager.replication.members import ReplicatedGroup, former, load, others, replication_of
from cgctl.manager.replication.order import FailedOver, Order
from cgctl.manager.replication.outcome import write_outcome
from cgctl.manager.replication.promotion import live_sizes
from cgctl.manager.replication.sides import observe_sides, reached
from cgctl.manager.rules import replication as rules
from cgctl.model.replication import GroupGeneration
from cgctl.model.states import GroupStatus
from cgctl.model.tables import Volume, new_id, utc_now
from drivers.contract import Context
from drivers.errors import DriverError
from drivers.replication import Generation, PointOnServer, Side, SideState


class NotProven(CgctlError):
    """What was seen before the locks is not so any more."""


@dataclass(frozen=True)
class CatchUp:
    """The operation: all servers are looked at under the group's locks, and what they prove is written to the state."""

    env: Environment
    seen: ReplicatedGroup
    host: str
    row: list[GroupGeneration] = field(default_factory=list)
    kind: str = "group-failover-replication"

    def intend(self, intent: Intent) -> ReplicatedGroup:
        replicated = load(intent.session, self.seen.id)
        intent.lock(*replicated.keys, offer_key(replicated.id))
        if _generation(replicated) != _generation(self.seen) or not _is_at_rest(replicated):
            raise NotProven(replicated.name, "is being failed over by another command", None)
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("nothing")
        intent.will(f"state only: {replicated.name} is served by {self.env.backends.server(self.host)} already")
        return replicated

    def work(self, context: Context, subject: ReplicatedGroup) -> tuple[Order, FailedOver]:
        found = _proven(self.env, context, subject, self.host)
        if found is None:
            raise NotProven(subject.name, "servers have changed meanwhile", None)
        began, point, sides = found
        present = live_sizes(self.env, context, subject.id, self.host)
        _check_members(subject, self.host, present)
        with self.env.store.read() as session:
            known = [*generations_of(session, subject.id), began.id]
        kept = [one for host in sides for one in find_kept(self.env, context, subject, host, known)]
        written = (one.point.taken_at for one in sides[self.host].points if one.point.generation_id == began.id)
        served_since = min(written, default=utc_now())  # at the latest: nobody has noted when
        return Order(self.host, began.id, served_since), FailedOver(point, present, began, served_since, kept)

    def finish(
        self, session: Session, subject: ReplicatedGroup, outcome: tuple[Order, FailedOver]
    ) -> CgctlError | None:
        order, moved = outcome
        told = f"backend {self.host} serves generation {order.generation_id}, which began with what the state knows"
        check = f"what else the copy does not know: cgctl backend-check {self.host}"
        self.env.warn(f"{subject.name}: {told}: the state was older, and follows it now; {check}")
        self.row.append(write_outcome(self.env, session, subject, order, moved))
        for volume_id, size_bytes in moved.present.items():
            volume = session.get_one(Volume, volume_id)
            volume.size_bytes = max(volume.size_bytes, size_bytes)
        return None

    def refuse(self, session: Session, subject: ReplicatedGroup) -> None:
        """Nothing was written."""

    def fail(self, session: Session, subject: ReplicatedGroup) -> None:
        """The state is as it was."""


def catch_up(env: Environment, replicated: ReplicatedGroup, host: str) -> GroupGeneration | None:
    """The generation that a backend serves, which is the state's from now on; None where there is none to follow.

    Raises FailoverRefused where only the members are others.
    """
    if host == replicated.active or not _is_at_rest(replicated):
        return None
    try:
        there = replication_of(env, host, replicated.name).observe(env.context(new_id()), replicated.id)
        if not is_newer(replicated, there) or _proven(env, env.context(new_id()), replicated, host) is None:
            return None
    except DriverError:
        return None
    operation = CatchUp(env, replicated, host)
    try:
        perform(env, operation)
    except NotProven:
        return None
    return operation.row[0]


def _is_at_rest(replicated: ReplicatedGroup) -> bool:
    """No failover is on its way, nor was one interrupted: what that has begun is newer than the state, too."""
    group = replicated.group
    return group.status == GroupStatus.AVAILABLE and group.replication_status in rules.CAN_FAIL_OVER


def _generation(replicated: ReplicatedGroup) -> str | None:
    return replicated.record.generation_id if replicated.record else None


def _proven(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str
) -> tuple[Generation, PointOnServer, Mapping[str, Side]] | None:
    """What began there, with which point, and all sides; None where one does not answer, or says otherwise."""
    hosts = [replicated.active, *others(env, replicated), *former(env, replicated)]
    if replicated.record is None or replicated.moving_to or not set(hosts) <= set(env.backends.ids()):
        return None
    sides = dict(reached(observe_sides(env, context, replicated.name, replicated.id, hosts)))
    if len(sides) < len(hosts):
        return None
    there, left, current = sides[host], sides[replicated.active], replicated.record.generation_id
    with env.store.read() as session:
        known = set(generations_of(session, replicated.id))
    told = {one.id: one for side in sides.values() for one in side.generations if one.id not in known}
    began = told.get(there.generation_id or "")
    if began is None or len(told) > 1 or began.parent_id != current or not _is_told(sides.values()):
        return None
    point = there.point(began.point_id or "")
    serves = there.has_live and there.state is SideState.SERVING
    is_left = left.state is SideState.FENCED and left.generation_id == current
    if not (serves and is_left and point and point.is_intact):
        return None
    return began, point, sides


def _is_told(sides: Iterable[Side]) -> bool:
    """A pool that is not mounted knows nothing of the group, and might know of another generation."""
    return all(one.generations or one.points for one in sides)


def _check_members(replicated: ReplicatedGroup, host: str, present: Mapping[str, int]) -> None:
    """Who came, went or was made anew since the copy was made is not known here: nobody is guessed."""
    sizes = {one.id: one.size_bytes for one in replicated.present}
    differs = sorted(one for one in sizes.keys() | present.keys() if present.get(one, -1) < sizes.get(one, 0))
    differs += sorted(present.keys() - sizes.keys())
    if differs:
        raise FailoverRefused(
            replicated.name,
            f"backend {host} has served it since the state was copied, with other members: {', '.join(differs)}",
            f"look at it on that server; to go on without it: cgctl group-disable-replication --leave-replicas "
            f"{replicated.id}",
        )
