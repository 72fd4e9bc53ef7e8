"""Enabling and disabling the replication of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, FailoverRefused, Refused
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.operation import Intent, begun, perform, wait_until_free
from cgctl.manager.replication import hints, members
from cgctl.manager.replication.diverged import list_kept, retire
from cgctl.manager.replication.fencing import fence_returned, is_newer
from cgctl.manager.replication.members import ReplicatedGroup, former, load, others, replication_of
from cgctl.manager.replication.retention import remove_unsettled
from cgctl.manager.replication.sides import observe_sides, reached
from cgctl.manager.replication.sync import sync_group
from cgctl.manager.replication.ways import forget_ways, used_ways, ways_among
from cgctl.manager.rules import replication as rules
from cgctl.model.replication import GroupGeneration, Replica, Replicated, UnsettledPoint
from cgctl.model.states import GroupStatus, MigrationStatus, ReplicationStatus
from cgctl.model.tables import Group, Volume, new_id
from drivers.contract import Context
from drivers.errors import DriverError, PoolMissing, ServerNotReached
from drivers.replication import Generation, Side, SideState


@dataclass(frozen=True)
class Turning:
    """The group, and the replication statuses that it had."""

    replicated: ReplicatedGroup
    before: Mapping[str, str]


@dataclass(frozen=True)
class Enable:
    """The operation: the first generation is noted, and the other backends are found ready. Copying comes after it.

    delete_replicas: recovery points that an earlier replication left there go; what it served is kept.
    """

    env: Environment
    reference: str
    generation_id: str
    kind: str = "group-enable-replication"
    delete_replicas: bool = False

    def intend(self, intent: Intent) -> Turning:
        replicated = self._checked(intent.session)
        intent.lock(*replicated.keys)
        members.check_configuration(self.env, replicated)
        for host in others(self.env, replicated):
            refuse_frozen(intent.session, replicated.name, host)
        turning = Turning(replicated, members.statuses(replicated))
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("stop-replication", id=replicated.id, host=replicated.active, status=replicated.group.status)
        for host in others(self.env, replicated):
            intent.will(
                f"{self.env.backends.server(replicated.active)}: replicate {replicated.name} "
                f"to {self.env.backends.server(host)}"
            )
            if self.delete_replicas:
                intent.will(f"{self.env.backends.server(host)}: remove what an earlier replication of it has left")
        members.write_status(intent.session, replicated, ReplicationStatus.ENABLING)
        return turning

    def work(self, context: Context, subject: Turning) -> None:
        replicated = subject.replicated
        hosts = [replicated.active, *others(self.env, replicated)]
        sides = observe_sides(self.env, context, replicated.name, replicated.id, hosts)
        for side in sides.values():
            if isinstance(side, DriverError):
                raise side
        here, *there = reached(sides)
        used = [(host, side) for host, side in there if _is_used(side)]
        for host, side in used:
            may_go = not side.has_live or side.generation_id not in (None, here[1].generation_id)
            if not (may_go and self.delete_replicas):
                raise self._not_overwritten(replicated, host, side, may_go=may_go)
        for host, side in used:
            self._clear(context, replicated, host, side)
        replication_of(self.env, replicated.active, replicated.name).note_side(
            context, replicated.id, self.generation_id, SideState.SERVING, [Generation(self.generation_id)]
        )

    def finish(self, session: Session, subject: Turning, outcome: None) -> CgctlError | None:  # noqa: ARG002
        replicated = subject.replicated
        session.add(replicated.record)
        session.add_all(Replica(group_id=replicated.id, host=host) for host in others(self.env, replicated))
        session.add(
            GroupGeneration(
                id=self.generation_id, group_id=replicated.id, host=replicated.active, reason="replication enabled"
            )
        )
        members.write_status(session, replicated, ReplicationStatus.ENABLED)
        return None

    def _clear(self, context: Context, replicated: ReplicatedGroup, host: str, side: Side) -> None:
        """Nothing of an earlier replication is left there but what it served, as a group snapshot."""
        if side.has_live:
            fence_returned(self.env, context, replicated, host, side)
            kept = retire(self.env, context, replicated, host, side, None)
            with self.env.store.write() as session:
                list_kept(self.env, session, replicated, [kept] if kept else [])
        replication_of(self.env, host, replicated.name).forget(context, replicated.id)

    def _not_overwritten(self, replicated: ReplicatedGroup, host: str, side: Side, *, may_go: bool) -> Refused:
        """may_go: it is of an earlier replication, and not what the group itself serves from a pool that is called by
        two names."""
        reason = f"backend {host} holds recovery points that an earlier replication of it has left"
        anew = "to remove them"
        if side.has_live:
            reason = f"backend {host} holds a group of this id already; it is not overwritten"
            anew = "to clear it away, its data kept there as a group snapshot"
        hint = f"{anew}: cgctl group-enable-replication --delete-replicas {replicated.id}"
        look = f"look at it on {self.env.backends.server(host)}"
        return Refused(replicated.name, reason, hint if may_go and not replicated.moving_to else look)

    def _checked(self, session: Session) -> ReplicatedGroup:
        found = load(session, self.reference)
        rules.check_enable(found.group, found.present)
        return self._with_record(found)

    def _with_record(self, found: ReplicatedGroup, moving_to: str | None = None) -> ReplicatedGroup:
        """The group with the record that it shall have."""
        generation_id = self.generation_id
        record = Replicated(group_id=found.id, origin=found.active, generation_id=generation_id, moving_to=moving_to)
        return replace(found, record=record)

    def refuse(self, session: Session, subject: Turning) -> None:
        members.restore(session, subject.replicated, subject.before)

    def fail(self, session: Session, subject: Turning) -> None:
        members.write_status(session, subject.replicated, ReplicationStatus.ERROR, GroupStatus.ERROR)


@dataclass(frozen=True)
class Disable:
    """The operation: points, notes and what else other backends hold of the group go; the active one keeps serving."""

    env: Environment
    reference: str
    leave_replicas: bool
    kind: str = "group-disable-replication"

    def intend(self, intent: Intent) -> Turning:
        replicated = load(intent.session, self.reference)
        intent.lock(*replicated.keys)
        has_moved = replicated.active == replicated.moving_to
        _check_sides(self.env, intent.session, replicated, leave_replicas=self.leave_replicas)
        rules.check_disable(replicated.group, stays=has_moved or self.leave_replicas)
        turning = Turning(replicated, members.statuses(replicated))
        intent.about("group", replicated.id, replicated.group.name)
        status = replicated.group.status
        intent.settled_by("disable-replication", id=replicated.id, leave_replicas=self.leave_replicas, status=status)
        for host in (replicated.active, *others(self.env, replicated)):
            intent.will(f"{self.env.backends.server(host)}: remove all recovery points of {replicated.name}")
        members.write_status(intent.session, replicated, ReplicationStatus.DISABLING)
        return turning

    def work(self, context: Context, subject: Turning) -> None:
        disable_on_servers(self.env, context, subject.replicated, leave_replicas=self.leave_replicas)

    def finish(self, session: Session, subject: Turning, outcome: None) -> CgctlError | None:  # noqa: ARG002
        forget(self.env, session, subject.replicated)
        return None

    def refuse(self, session: Session, subject: Turning) -> None:
        members.restore(session, subject.replicated, subject.before)

    def fail(self, session: Session, subject: Turning) -> None:
        members.write_status(session, subject.replicated, ReplicationStatus.ERROR, GroupStatus.ERROR)


def _is_used(side: Side) -> bool:
    return bool(side.has_live or side.points or side.generation_id)


def enable_replication(env: Environment, reference: str, *, delete_replicas: bool = False) -> None:
    """Enable it, and make the first recovery point. Enabled already: another point. Raises what the copy raises."""
    sync_group(env, enable(env, reference, delete_replicas=delete_replicas))


def enable(env: Environment, reference: str, *, delete_replicas: bool = False) -> str:
    """Enable it, unless it is; returns the group's id."""
    with env.store.read() as session:
        replicated = load(session, reference)
        rules.check_enable(replicated.group, replicated.present)
    if replicated.record is None or replicated.group.replication_status != ReplicationStatus.ENABLED:
        perform(env, Enable(env, reference, new_id(), delete_replicas=delete_replicas))
    return replicated.id


def disable_replication(env: Environment, reference: str, *, leave_replicas: bool = False) -> None:
    """Disable it. Raises ServerUnreachable for a backend that does not answer, unless its points may be left there."""
    if env.dry_run or not _went_on(env, reference, leave_replicas=leave_replicas):
        perform(env, Disable(env, reference, leave_replicas))


def _went_on(env: Environment, reference: str, *, leave_replicas: bool) -> bool:
    """Whether there was a disabling that was interrupted, and it is at its end now.

    What the operator says goes for that one, too: its backend may be gone for good.
    """
    with env.store.write() as session:
        replicated = load(session, reference)
        operation = members.interrupted(session, replicated, "disable-replication")
        if operation is None:
            return False
        if leave_replicas:
            operation.plan = {**operation.plan, "leave_replicas": True}
        keys = replicated.keys
    wait_until_free(env, *keys)
    with env.store.read() as session:
        return load(session, reference).record is None


def disable_on_servers(
    env: Environment, context: Context, replicated: ReplicatedGroup, *, leave_replicas: bool
) -> None:
    """As `remove_replicas`; the keys go, too, where this was the last group that needed them."""
    remove_replicas(env, context, replicated, leave_replicas=leave_replicas)
    with env.store.read() as session:
        used = used_ways(env, session, but=replicated.id)
    forget_ways(env, ways_among(env, (replicated.active, *others(env, replicated), *former(env, replicated))), used)


def remove_replicas(
    env: Environment, context: Context, replicated: ReplicatedGroup, *, leave_replicas: bool = False
) -> None:
    """Nothing of the group but what serves. Every backend must answer before the first is touched.

    Raises FailoverRefused for a side that once served, and was never taken back by a failback.
    """
    with env.store.read() as session:
        _check_sides(env, session, replicated, leave_replicas=leave_replicas)
    hosts = [*others(env, replicated), *_former_hosts(env, replicated)]
    sides = observe_sides(env, context, replicated.name, replicated.id, [*hosts, replicated.active])
    for host, side in sides.items():
        if isinstance(side, (ServerNotReached, PoolMissing)) and leave_replicas and host != replicated.active:
            told = f"what it may still offer is seen by: cgctl backend-check {host}"
            why = "does not answer" if isinstance(side, ServerNotReached) else f"is without its pool ({side.message})"
            env.warn(f"{replicated.name}: backend {host} {why}; its recovery points are left there; {told}")
        elif isinstance(side, DriverError):
            side.hint = f"cgctl group-disable-replication --leave-replicas {replicated.id}"
            raise side
    found = dict(reached(sides))
    standing = [host for host, side in found.items() if host != replicated.active and side.has_live]
    for host in standing:  # also where the rest is refused: it may have come back only now
        if not is_newer(replicated, found[host]):
            fence_returned(env, context, replicated, host, found[host])
    if standing and not leave_replicas:
        raise _may_hold_writes(env, replicated, standing)
    for host in standing:
        word = "the state does not know and may be served" if is_newer(replicated, found[host]) else "was served"
        env.warn(f"{replicated.name}: what {word} by backend {host} is left there, with its recovery points")
    for number, host in enumerate(host for host in found if host not in standing):
        with begun() if number else nullcontext():
            remove_unsettled(env, context, replicated, host)
            replication_of(env, host, replicated.name).forget(context, replicated.id)


def _check_sides(env: Environment, session: Session, replicated: ReplicatedGroup, *, leave_replicas: bool) -> None:
    """None is frozen; what the origin served may hold writes that nobody shipped, and is left unseen only on the
    operator's word."""
    if not leave_replicas:
        members.check_configured(env, replicated, replicated.origin)
    known = env.backends.ids()
    for host in (*others(env, replicated), *former(env, replicated)):
        refuse_frozen(session, replicated.name, host if host in known else None)


def _former_hosts(env: Environment, replicated: ReplicatedGroup) -> list[str]:
    """Those of them that can be asked; the others are told of."""
    known = env.backends.ids()
    for host in (hosts := former(env, replicated)):
        if host not in known:
            env.warn(
                f"{replicated.name}: backend {host} is not configured any more; its recovery points are left there"
            )
    return [host for host in hosts if host in known]


def _may_hold_writes(env: Environment, replicated: ReplicatedGroup, hosts: Sequence[str]) -> FailoverRefused:
    """What stood there when it was failed over may have writes that nobody shipped: they are not deleted in silence."""
    reason = f"what backend {', '.join(hosts)} served still stands there, and may hold writes that were never shipped"
    there_and_back = "; ".join(hints.failover_to(env, replicated, host) for host in (*hosts, replicated.active))
    leave = f"cgctl group-disable-replication --leave-replicas {replicated.id}"
    hint = f"to clear it away, its own writes kept as a group snapshot: {there_and_back}; to leave it: {leave}"
    return FailoverRefused(replicated.name, reason, hint)


def forget(env: Environment, session: Session, replicated: ReplicatedGroup) -> None:
    """The state's part of disabling. A group in `error` stays so until reset-state (E.3)."""
    if replicated.moving_to or replicated.active != replicated.origin:
        _write_moved(env, session, replicated)
    for table in (Replica, GroupGeneration, UnsettledPoint, Replicated):
        session.exec(delete(table).where(col(table.group_id) == replicated.id))
    members.write_status(session, replicated, ReplicationStatus.DISABLED)


def _write_moved(env: Environment, session: Session, replicated: ReplicatedGroup) -> None:
    """What `group-migrate`, or a failover for good, came to: the group is at home where it is served now."""
    has_moved = replicated.active == replicated.moving_to
    zone = env.backends.get(replicated.active).availability_zone
    session.get_one(Group, replicated.id).availability_zone = zone
    for one in replicated.volumes:
        row = session.get_one(Volume, one.id)
        row.availability_zone = zone
        if replicated.moving_to:
            row.migration_status = MigrationStatus.SUCCESS if has_moved else None
