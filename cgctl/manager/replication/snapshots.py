"""`group-snapshot-create --replicate`: a group snapshot that is on every backend of the group, as one of its own there.

Decided 2026-11-21: what arrives is a group snapshot with a row of its own, `NAME@BACKEND`, and goes by itself: by
`keep_snapshots` of the replication target, or when it is deleted. So it is there whoever serves, and whatever becomes
of the one that it was made of. It is no recovery point: those come and go with the replication.
"""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from sqlmodel import col, select

from cgctl.errors import CgctlError, DryRun, PartlyFailed, Refused
from cgctl.manager.activities.launch import launch
from cgctl.manager.environment import Environment
from cgctl.manager.group_snapshots import create_group_snapshot, delete_group_snapshot
from cgctl.manager.replication.members import ReplicatedGroup, check_targets, load, others, target_of
from cgctl.manager.rules import replication as rules
from cgctl.manager.snapshot_replication.work import SnapshotReplication
from cgctl.model.tables import GroupSnapshot


def create_replicated(env: Environment, group: str, name: str | None, description: str | None) -> GroupSnapshot:
    """A group snapshot, and its replicas. Raises PartlyFailed when it is there and a replica is not."""
    with env.store.read() as session:
        replicated = load(session, group)
        rules.check_sync(replicated.group)
        if replicated.record is None:
            raise Refused(replicated.name, "is not replicated", f"cgctl group-enable-replication {replicated.id}")
    check_targets(env, replicated)
    hosts = others(env, replicated)
    try:
        row = create_group_snapshot(env, replicated.id, name, description)
    except DryRun as told:
        steps = [f"{env.backends.server(host)}: make a replica of it" for host in hosts]
        raise DryRun([*told.steps, *steps]) from None
    failed = {host: error for host in hosts if (error := _failure(env, row, host)) is not None}
    for host in hosts:
        if host not in failed:
            _let_go(env, replicated, host)
    if failed:
        raise _told(row, failed)
    return row


def _failure(env: Environment, row: GroupSnapshot, host: str) -> CgctlError | None:
    try:
        launch(env, SnapshotReplication(env, row.id, host, replica_name(row, host)))
    except CgctlError as error:
        return error
    return None


def replica_name(row: GroupSnapshot, host: str) -> str:
    """What a group snapshot is called on another backend: names there are that can be told apart."""
    return f"{row.name or row.id}@{host}"


def _told(row: GroupSnapshot, failed: dict[str, CgctlError]) -> PartlyFailed:
    reasons = "; ".join(f"not replicated to {host}: {error.reason}" for host, error in failed.items())
    hint = "; ".join(
        f"cgctl snapshot-replicate {row.id} {host} --name {quote(replica_name(row, host))}" for host in failed
    )
    return PartlyFailed(f"group snapshot {row.name or row.id}", f"is there, but {reasons}", hint)


def _let_go(env: Environment, replicated: ReplicatedGroup, host: str) -> None:
    """The oldest replicas beyond what the configuration keeps; one that cannot go now goes the next time."""
    kept = target_of(env, replicated, host).keep_snapshots
    for row in _replicas(env, replicated.id, host)[kept:] if kept is not None else ():
        try:
            delete_group_snapshot(env, row.id)
        except CgctlError as error:
            env.warn(f"{replicated.name}: old replica {row.name} is still on backend {host}: {error.reason}")


def _replicas(env: Environment, group_id: str, host: str) -> Sequence[GroupSnapshot]:
    mine = select(GroupSnapshot).where(GroupSnapshot.group_id == group_id, GroupSnapshot.host == host)
    mine = mine.where(col(GroupSnapshot.replicates_id).is_not(None), GroupSnapshot.status == "available")
    with env.store.read() as session:
        return session.exec(mine.order_by(col(GroupSnapshot.created_at).desc())).all()
