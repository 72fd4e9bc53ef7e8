"""`group-sync-replication`: a new recovery point, shipped to every backend of the group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, FailoverRefused, PartlyFailed, Refused
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import frozen_backends, refuse_all_frozen
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication.diverged import Diverged, keep_unshipped, list_kept
from cgctl.manager.replication.fencing import fence_returned, refuse_newer
from cgctl.manager.replication.following import MadeWay
from cgctl.manager.replication.lag import lag_seconds
from cgctl.manager.replication.members import (
    ReplicatedGroup,
    check_targets,
    former,
    load,
    others,
    sync_key,
    target_of,
    write_status,
)
from cgctl.manager.replication.points import newest_sequence, take
from cgctl.manager.replication.retention import let_go, settle_point
from cgctl.manager.replication.shipping import Shipped, ship
from cgctl.manager.replication.sides import Observed, observe_sides, reached
from cgctl.manager.rules import replication as rules
from cgctl.model.replication import Replica, Replicated
from cgctl.model.states import ReplicationStatus
from cgctl.model.tables import new_id, utc_now
from drivers.contract import Context
from drivers.errors import DriverError
from drivers.replication import Side, SideState

RETURN_SECONDS = 60.0
"""How long a server that was lost in the middle of a transfer may take to come back."""


@dataclass
class Synced:
    """What became of one point, by backend. members: those that it holds."""

    shipped: list[Shipped] = field(default_factory=list)
    failed: dict[str, CgctlError] = field(default_factory=dict)
    kept: list[Diverged] = field(default_factory=list)
    members: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Sync:
    """The operation; it holds the lock of transfers, and the group's own only while the point is taken."""

    env: Environment
    reference: str
    point_id: str
    is_new_pool: bool = False
    kind: str = "group-sync-replication"

    def intend(self, intent: Intent) -> ReplicatedGroup:
        replicated = load(intent.session, self.reference)
        intent.lock(sync_key(replicated.id))
        rules.check_sync(replicated.group)
        if replicated.record is not None:
            check_targets(self.env, replicated)
            refuse_all_frozen(intent.session, replicated.name, others(self.env, replicated))
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("settle-point", id=replicated.id, point=self.point_id)
        source = self.env.backends.server(replicated.active)
        for host in others(self.env, replicated):
            intent.will(f"{source}: ship a recovery point of {replicated.name} to {self.env.backends.server(host)}")
        return replicated

    def work(self, context: Context, subject: ReplicatedGroup) -> Synced:
        return sync(self.env, context, subject, self.point_id, is_new_pool=self.is_new_pool)

    def finish(self, session: Session, subject: ReplicatedGroup, outcome: Synced) -> CgctlError | None:
        for shipped in outcome.shipped:
            session.merge(replica_row(subject, shipped))
        for host, error in outcome.failed.items():
            row = session.get(Replica, (subject.id, host)) or Replica(group_id=subject.id, host=host)
            row.error = error.reason
            session.add(row)
        if outcome.shipped:
            now = load(session, subject.id)
            held = [one for one in now.volumes if one.id in outcome.members]  # who has joined since is in no point yet
            write_status(session, replace(now, volumes=held), now.group.replication_status)
        list_kept(self.env, session, subject, outcome.kept)
        return _verdict(subject, outcome)

    def refuse(self, session: Session, subject: ReplicatedGroup) -> None:
        """Nothing was written."""

    def fail(self, session: Session, subject: ReplicatedGroup) -> None:
        """The group is as replicated as it was."""


def sync_group(env: Environment, reference: str, *, is_new_pool: bool = False) -> None:
    """Bring all replicas of a group up to date. Raises what kept a replica from it, after the others are done.

    is_new_pool: a destination's pool without a mark is a new one, on the operator's word, though it had points.
    """
    perform(env, Sync(env, reference, new_id(), is_new_pool))


def due_groups(env: Environment, *, only_due: bool) -> list[str]:
    """The groups that `--all` syncs; only_due: those of which a replica is older than half of its RPO, or has none.

    A group of which that cannot be told is among them: its sync says why, and the others go on. What moves in use is
    brought up to date by whoever moves it.
    """
    with env.store.read() as session:
        ordered = select(Replicated.group_id).order_by(Replicated.group_id)
        ids = session.exec(ordered.where(col(Replicated.moving_to).is_(None))).all()
        return [one for one in ids if _is_wanted(env, session, one, only_due=only_due)]


def _is_wanted(env: Environment, session: Session, group_id: str, *, only_due: bool) -> bool:
    try:
        replicated = load(session, group_id)
        is_ready = replicated.group.replication_status in (ReplicationStatus.ENABLED, ReplicationStatus.FAILED_OVER)
        return is_ready and (not only_due or _is_due(env, replicated))
    except CgctlError:
        return True


def _is_due(env: Environment, replicated: ReplicatedGroup) -> bool:
    taken = {one.host: one.taken_at for one in replicated.replicas if one.completed_at}  # who was left may still serve
    for host in (hosts := others(env, replicated)):
        taken_at, rpo = taken.get(host), target_of(env, replicated, host).rpo_seconds
        lag = lag_seconds(taken_at, utc_now()) if taken_at else None
        if lag is None or rpo is None or lag >= rpo / 2:
            return True
    return not hosts  # its sync says that it is replicated to nobody


def sync(
    env: Environment, context: Context, replicated: ReplicatedGroup, point_id: str, *, is_new_pool: bool = False
) -> Synced:
    """Observe, fence what came back, take a point, ship it to each other side, let go of old ones."""
    hosts = others(env, replicated)
    frozen = frozen_backends(env)
    left = [one for one in former(env, replicated) if one in env.backends.ids() and one not in frozen]
    asked = [replicated.active, *hosts, *left]
    sides = observe_sides(env, context, replicated.name, replicated.id, asked, hosts if is_new_pool else ())
    for host, seen in reached(sides):
        refuse_newer(env, replicated, host, seen)
    source = active_side(replicated, sides)
    synced = Synced()
    for host in frozen.intersection(hosts):
        told = f"backend {host} is frozen"
        synced.failed[host] = Refused(f"{replicated.name} to {host}", told, f"cgctl thaw-host {host}")
    hosts = [host for host in hosts if host not in frozen]
    ready = {host: side for host in hosts if (side := _fenced(env, context, replicated, host, sides[host], synced))}
    for host in left:
        _fence_former(env, context, replicated, host, sides[host], synced)
    if ready:
        taken, point = take(env, replicated.id, point_id, newest_sequence(sides.values()))
        synced.members = {one.id for one in taken.present}
        for host, side in ready.items():
            try:
                synced.shipped.append(ship(env, context, replicated, point, host, (source, side), RETURN_SECONDS))
            except MadeWay:
                raise
            except CgctlError as error:
                synced.failed[host] = error
            except DriverError as error:
                synced.failed[host] = explain(error, f"{replicated.name} to {host}")
        _tidy(env, env.context(context.operation_id), replicated, point_id)
    return synced


def _fenced(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, observed: Observed, synced: Synced
) -> Side | None:
    """A side that serves nobody, for certain; None where that failed, and nothing may be shipped to it."""
    try:
        if isinstance(observed, DriverError):
            raise observed
        fence_returned(env, context, replicated, host, observed)
    except DriverError as error:
        synced.failed[host] = explain(error, f"{replicated.name} to {host}")
        return None
    if kept := _kept(env, context, replicated, host, observed):
        synced.kept.append(kept)
    return observed


def _fence_former(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, observed: Observed, synced: Synced
) -> None:
    """It is no target any more, and may have served when it was lost: that it is silent is no failure of a sync."""
    if isinstance(observed, DriverError):
        told = f"does not answer: if it still offers the group, that ends when it does ({observed.message})"
        env.warn(f"{replicated.name}: backend {host}, no replication target any more, {told}")
    else:
        _fenced(env, context, replicated, host, observed, synced)


def _kept(env: Environment, context: Context, replicated: ReplicatedGroup, host: str, side: Side) -> Diverged | None:
    """What cannot be kept now is kept by the next sync: nothing is removed before."""
    try:
        return keep_unshipped(env, context, replicated, host, side)
    except DriverError as error:
        env.warn(f"{replicated.name}: what backend {host} still holds is not kept yet: {error.message}")
        return None


def _tidy(env: Environment, context: Context, replicated: ReplicatedGroup, point_id: str) -> None:
    try:
        let_go(env, context, replicated, settle_point(env, context, replicated, point_id))
    except DriverError as error:
        env.warn(f"{replicated.name}: old recovery points are still there: {error.message}")


def active_side(replicated: ReplicatedGroup, sides: Mapping[str, Observed]) -> Side:
    """The side that serves. Raises its DriverError, and FailoverRefused when it is not what the state says."""
    side = sides[replicated.active]
    if isinstance(side, DriverError):
        raise side
    record = replicated.record
    is_fenced = side.state is SideState.FENCED  # and another serves, of which the state does not know
    if record is None or side.generation_id != record.generation_id or not side.has_live or is_fenced:
        serves = side.generation_id if side.has_live and not is_fenced else "nothing"
        raise FailoverRefused(
            replicated.name,
            f"backend {replicated.active} serves {serves}, not generation {record.generation_id if record else None}",
            "is the pool another one, or was the state restored? cgctl backend-check; cgctl group-replication-status",
        )
    return side


def replica_row(replicated: ReplicatedGroup, shipped: Shipped) -> Replica:
    """What is remembered of a point that arrived."""
    return Replica(
        group_id=replicated.id,
        host=shipped.host,
        point_id=shipped.point.id,
        sequence=shipped.point.sequence,
        taken_at=shipped.point.taken_at,
        completed_at=utc_now(),
        stream_bytes=shipped.carried.stream_bytes,
        seconds=shipped.carried.seconds,
        is_full=shipped.is_full,
        path=shipped.carried.path,
        compression=shipped.carried.compression,
        path_note=shipped.carried.note,
    )


def _verdict(replicated: ReplicatedGroup, synced: Synced) -> CgctlError | None:
    errors = list(synced.failed.values())
    if not errors:
        return None
    if len(errors) == 1 and not synced.shipped:
        return errors[0]
    told = "; ".join(f"{host}: {error.reason}" for host, error in synced.failed.items())
    return PartlyFailed(replicated.name, told, f"cgctl group-replication-status {replicated.id}")
