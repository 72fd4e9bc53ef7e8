"""A replicated group with all that its operations look at; the statuses that they write on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select, update

from cgctl.errors import ConfigurationError, NotFound, Refused
from cgctl.manager.environment import Environment, Way
from cgctl.manager.objects import shown
from cgctl.manager.placement import volume_types_of
from cgctl.manager.rules import replication as rules
from cgctl.manager.rules.status import is_absent
from cgctl.model.replication import Replica, Replicated
from cgctl.model.tables import Attachment, Group, GroupType, Lock, Operation, Volume, new_id
from cgctl.store.journal import is_left_behind
from cgctl.store.queries import attachments_of, find, get, members
from drivers import contract
from drivers.contract import Backend
from drivers.replication import Replication, ReplicationTarget

ORIGIN_WORD = "default"


@dataclass(frozen=True)
class ReplicatedGroup:
    """group.host is the active backend. record is None while replication is disabled."""

    group: Group
    volumes: Sequence[Volume]
    attachments: Sequence[Attachment]
    record: Replicated | None
    replicas: Sequence[Replica]

    @property
    def id(self) -> str:
        return self.group.id

    @property
    def name(self) -> str:
        return f"group {shown(self.group)}"

    @property
    def present(self) -> Sequence[Volume]:
        """The members that the active backend holds: all, but for those that a failover left behind."""
        return [one for one in self.volumes if not is_absent(one)]

    @property
    def active(self) -> str:
        return self.group.host or ""

    @property
    def origin(self) -> str:
        return self.record.origin if self.record else self.active

    @property
    def moving_to(self) -> str | None:
        return self.record.moving_to if self.record else None

    @property
    def keys(self) -> tuple[str, str]:
        """What a failover, an enabling or a disabling locks."""
        return self.id, sync_key(self.id)


def sync_key(group_id: str) -> str:
    """The lock of whoever transfers points of a group."""
    return f"{group_id}/sync"


def load(session: Session, reference: str) -> ReplicatedGroup:
    """Raises NotFound, and Refused for a group whose types do not ask for replication; to move, none needs to."""
    found = load_any(session, reference)
    if found.moving_to is None:
        group_type = get(session, GroupType, found.group.group_type_id)
        rules.check_types(found.group, group_type, volume_types_of(session, found.id))
    return found


def interrupted(session: Session, replicated: ReplicatedGroup, action: str) -> Operation | None:
    """The operation that holds the group and was left behind, where this would settle it."""
    lock = session.get(Lock, replicated.id)
    operation = session.get(Operation, lock.operation_id) if lock else None
    if operation is None or operation.plan.get("action") != action or not is_left_behind(operation):
        return None
    return operation


def load_any(session: Session, reference: str) -> ReplicatedGroup:
    """Whatever its types ask for: to settle what was begun, and to begin a move. Raises NotFound."""
    group = find(session, Group, reference)
    volumes = members(session, group.id)
    replicas = session.exec(select(Replica).where(Replica.group_id == group.id).order_by(col(Replica.host))).all()
    attachments = attachments_of(session, [one.id for one in volumes])
    return ReplicatedGroup(group, volumes, attachments, session.get(Replicated, group.id), replicas)


def targets(env: Environment, replicated: ReplicatedGroup) -> Sequence[ReplicationTarget]:
    """Where the group may be replicated to, by its origin's configuration; where it moves to, and nowhere else."""
    return targets_from(env, replicated.origin, replicated.moving_to)


def targets_from(env: Environment, origin: str, moving_to: str | None) -> Sequence[ReplicationTarget]:
    """Of any group of that origin, unless that is not configured any more. What moves loses nothing: its RPO is 0."""
    known = env.backends.get(origin).replication_targets if origin in env.backends.ids() else ()
    if moving_to is None:
        return known
    limits = next((one for one in known if one.host == moving_to), ReplicationTarget(moving_to, moving_to))
    return [replace(limits, backend_id=moving_to, rpo_seconds=0)]


def target_of(env: Environment, replicated: ReplicatedGroup, host: str) -> ReplicationTarget:
    """What the configuration says of a backend of the group: bandwidth and RPO.

    It says nothing of the origin itself: on the way home goes what it says of the pair, by the target that serves.
    """
    known = {one.host: one for one in targets(env, replicated)}
    if host in known:
        return known[host]
    pair = known.get(replicated.active, ReplicationTarget(ORIGIN_WORD, host))
    return replace(pair, backend_id=ORIGIN_WORD, host=host, keep_snapshots=None)


def way_to(env: Environment, replicated: ReplicatedGroup, host: str) -> Way:
    """How points travel to a backend of the group; between two targets at the pace of the slower one."""
    target, usual = target_of(env, replicated, host), env.settings().way
    ends = (target, target_of(env, replicated, replicated.active))
    limits = [one.bandwidth_limit_bytes for one in ends if one.bandwidth_limit_bytes is not None]
    return Way(target.path or usual.path, target.compression or usual.compression, min(limits, default=None))


def destination(env: Environment, replicated: ReplicatedGroup, backend_id: str | None) -> ReplicationTarget:
    """What --secondary-backend-id means; the first configured target when nothing is said.

    Raises NotFound, and ConfigurationError where nothing says what it means.
    """
    check_configured(env, replicated, replicated.origin)
    known = targets(env, replicated)
    if backend_id == ORIGIN_WORD:
        return target_of(env, replicated, replicated.origin)
    if backend_id is None and known:
        return known[0]
    for one in known:
        if one.backend_id == backend_id:
            return one
    words = ", ".join([one.backend_id for one in known] + [ORIGIN_WORD])
    raise NotFound(
        f"replication target {backend_id}",
        f"is not configured for backend {replicated.origin}",
        f"one of: {words}; cgctl group-list-replication-targets {replicated.id}",
    )


def others(env: Environment, replicated: ReplicatedGroup) -> list[str]:
    """The backends that hold points for the active one."""
    home = [replicated.origin] if replicated.origin in env.backends.ids() else []
    hosts = dict.fromkeys([*home, *(one.host for one in targets(env, replicated))])
    return [host for host in hosts if host != replicated.active]


def former(env: Environment, replicated: ReplicatedGroup) -> list[str]:
    """Backends that the configuration does not name as targets any more, and that may hold points, or still serve."""
    known = (replicated.active, *others(env, replicated))
    return [one.host for one in replicated.replicas if one.host not in known]


def replication_of(env: Environment, host: str, subject: str) -> Replication:
    """A backend's replicating half. Raises Refused where its driver has none."""
    backend = env.backends.get(host)
    if backend.replication is None:
        raise Refused(subject, f"the {backend.driver.name} driver of backend {host} does not replicate", None)
    return backend.replication


def check_configuration(env: Environment, replicated: ReplicatedGroup) -> None:
    """Source and targets understand each other's streams, and offer volumes alike."""
    source = env.backends.get(replicated.active)
    check_targets(env, replicated)
    for host in others(env, replicated):
        _check_alike(replicated.name, source, env.backends.get(host))
        if env.backends.share_machine(replicated.active, host):
            _check_apart(replicated.name, source, env.backends.get(host))


def check_targets(env: Environment, replicated: ReplicatedGroup) -> None:
    """There is somewhere to replicate to: the configuration may have changed since it was enabled."""
    for host in (replicated.active, replicated.origin):
        check_configured(env, replicated, host)
    if not others(env, replicated):
        origin = replicated.origin
        hint = f"add `replication_targets:` below `backends.{origin}:` of the configuration"
        raise Refused(replicated.name, f"backend {origin} has no replication targets", hint)


def not_configured(env: Environment, replicated: ReplicatedGroup, host: str) -> ConfigurationError | None:
    """What there is to say of a backend of the group that the configuration does not have any more."""
    if host in env.backends.ids():
        return None
    word = f"backend {host}, its home," if host == replicated.origin else f"backend {host}"
    hint = f"put `{host}:` back below `backends:` of the configuration"
    if host == replicated.origin != replicated.active:
        stay = f"cgctl group-disable-replication --leave-replicas {replicated.id}"
        hint = f"{hint}; when it is gone for good, and the group stays where it is: {stay}"
    return ConfigurationError(replicated.name, f"{word} is not configured any more", hint)


def check_configured(env: Environment, replicated: ReplicatedGroup, host: str) -> None:
    """The configuration has a backend of the group. Raises ConfigurationError."""
    if error := not_configured(env, replicated, host):
        raise error


def _check_alike(subject: str, source: Backend, other: Backend) -> None:
    both = f"backends {source.id} ({source.driver.name}) and {other.id} ({other.driver.name})"
    one, two = (replication.forms if replication else () for replication in (source.replication, other.replication))
    if not set(one) & set(two):
        raise ConfigurationError(
            subject, f"{both} do not replicate to each other", "give it another replication target"
        )
    if source.driver.source_form.content != other.driver.source_form.content:
        hint = "volumes that lvm offers by nfs are file systems: replicate them to lvm, or offer them by iscsi"
        reason = f"{both} do not replicate to each other: volumes are file systems on the one, and disks on the other"
        raise ConfigurationError(subject, reason, hint)
    protocols = {backend.export.protocol if backend.export else None for backend in (source, other)}
    if len(protocols) > 1:
        reason = f"backends {source.id} and {other.id} do not offer volumes by the same protocol"
        raise ConfigurationError(subject, reason, f"give `backends.{other.id}.export` the same protocol")
    here, there = (_place(backend) for backend in (source, other))
    if here != there:
        reason = f"clients find volumes at {here} on backend {source.id} and at {there} on {other.id}: a failover would"
        hint = f"give `backends.{other.id}.export` the same server as `backends.{source.id}.export`"
        raise ConfigurationError(subject, f"{reason} change what they mount", hint)


def _check_apart(subject: str, source: Backend, other: Backend) -> None:
    """Of pools of one server: what is promoted must not meet what it replaces at the place where both are served."""
    volume = contract.Volume(new_id(), 512)
    if source.driver.volume_source(volume) == other.driver.volume_source(volume):
        reason = (
            f"backends {source.id} and {other.id} are pools of one server, where {source.driver.name} has one place"
        )
        hint = f"replicate to a pool of another server, or to another driver's: `replication_targets:` of {source.id}"
        raise ConfigurationError(subject, f"{reason} for a volume, whichever pool it is in", hint)


def _place(backend: Backend) -> str:
    """Where an export puts volumes, beside the server's own address."""
    found = backend.export.connection("ID") if backend.export else None
    return (found.path or "").partition(":")[2] if found else ""


def write_status(
    session: Session, replicated: ReplicatedGroup, replication_status: str, status: str | None = None
) -> None:
    """On the group and its members; status is the group's own."""
    group = session.get_one(Group, replicated.id)
    group.replication_status = replicated.group.replication_status = replication_status
    if status is not None:
        group.status = replicated.group.status = status
    ids = [one.id for one in replicated.present]
    session.exec(update(Volume).where(col(Volume.id).in_(ids)).values(replication_status=replication_status))


def statuses(replicated: ReplicatedGroup) -> Mapping[str, str]:
    """The replication statuses as they are, by id."""
    of_members = {row.id: row.replication_status for row in replicated.volumes}
    return {replicated.id: replicated.group.replication_status, **of_members}


def restore(session: Session, replicated: ReplicatedGroup, before: Mapping[str, str]) -> None:
    """Give group and members the replication statuses back that they had."""
    session.get_one(Group, replicated.id).replication_status = before[replicated.id]
    for row in replicated.volumes:
        session.get_one(Volume, row.id).replication_status = before[row.id]
