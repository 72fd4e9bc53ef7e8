"""`group-test-failover`: would a failover work, now? The newest recovery point is cloned where it is, offered to one
client under names of its own, checked by the operator's command, and removed; replication goes on beside it.

Decided 2026-11-21: the clone's ids derive from the drill's, so that whoever settles an interrupted drill finds what
to remove; it has no rows. RTO is measured from the command's beginning until the clone can be used, RPO is the point's
age.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused, ServerFailure, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication.diverged import lineage
from cgctl.manager.replication.members import ReplicatedGroup, destination, load, others, replication_of
from cgctl.manager.replication.promotion import sizes
from cgctl.manager.rules import replication as rules
from cgctl.manager.updates import read_updates
from cgctl.model.clients import checked_address, checked_initiator
from cgctl.model.replication import Drill
from cgctl.model.tables import new_id, utc_now
from drivers import contract
from drivers.command import Secret
from drivers.contract import Access, Context, Exported
from drivers.errors import DriverError, OutcomeUnknown
from drivers.replication import RecoveryPoint

INITIATOR = "iqn.2026-11.io.cgctl:drill"
SECRET_LENGTH = 16
LOG_CHARACTERS = 64 * 1024
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Test:
    """What the operator wants. check: a shell command of this machine; initiator or ip: who may use the clone."""

    backend_id: str | None = None
    check: str | None = None
    initiator: str = INITIATOR
    ip: str | None = None
    timeout_seconds: float = 3600.0


def checked_test(backend_id: str | None, check: str | None, initiator: str | None, ip: str | None) -> Test:
    """Raises UsageError for a name or an address that no client can have."""
    address = checked_address(ip) if ip is not None else None
    return Test(backend_id, check, checked_initiator(initiator or INITIATOR), address)


@dataclass(frozen=True)
class Tested:
    """What a drill came to; reason: why it failed."""

    point: RecoveryPoint | None
    ready_at: datetime | None
    log: str
    reason: str | None


class NotCleanedUp(OutcomeUnknown):
    """The clone may still be there."""

    hint = "cgctl recover removes it"


@dataclass(frozen=True)
class TestFailover:
    """The operation; it holds a lock of its own, so that syncs go on."""

    env: Environment
    reference: str
    test: Test
    kind: str = "group-test-failover"

    def intend(self, intent: Intent) -> tuple[ReplicatedGroup, Drill]:
        replicated = load(intent.session, self.reference)
        intent.lock(f"{replicated.id}/drill")
        rules.check_sync(replicated.group)
        host = _host(self.env, replicated, self.test)
        row = Drill(group_id=replicated.id, group_name=replicated.group.name, host=host, check_command=self.test.check)
        intent.add(row)
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("end-drill", id=replicated.id, drill=row.id, host=host)
        intent.will(f"{self.env.backends.server(host)}: clone the newest recovery point of {replicated.name}, check it")
        return replicated, row

    def work(self, context: Context, subject: tuple[ReplicatedGroup, Drill]) -> Tested:
        return _Run(self.env, context, *subject, self.test).run()

    def finish(self, session: Session, subject: tuple[ReplicatedGroup, Drill], outcome: Tested) -> CgctlError | None:
        row = session.get_one(Drill, subject[1].id)
        row.ended_at, row.log, row.reason = utc_now(), outcome.log[-LOG_CHARACTERS:], outcome.reason
        row.verdict = "failed" if outcome.reason else "passed"
        if outcome.point is not None:
            row.point_id, row.taken_at = outcome.point.id, outcome.point.taken_at
            row.rpo_seconds = (row.started_at - outcome.point.taken_at).total_seconds()
        if outcome.ready_at is not None:
            row.rto_seconds = (outcome.ready_at - row.started_at).total_seconds()
        if outcome.reason is None:
            return None
        return ServerFailure(f"drill of {subject[0].name}", outcome.reason, f"cgctl drill-show {row.id}")

    def refuse(self, session: Session, subject: tuple[ReplicatedGroup, Drill]) -> None:
        session.delete(session.get_one(Drill, subject[1].id))

    def fail(self, session: Session, subject: tuple[ReplicatedGroup, Drill]) -> None:
        end_row(session, subject[1].id, "interrupted")


def test_failover(env: Environment, reference: str, test: Test) -> str:
    """Run a drill; its id. Raises ServerFailure when the check fails, after everything is cleaned up and kept."""
    return perform(env, TestFailover(env, reference, test))[1].id


def end_row(session: Session, drill_id: str, reason: str) -> None:
    """A drill that did not end by itself."""
    row = session.get(Drill, drill_id)
    if row is not None and row.verdict == "running":
        row.verdict, row.reason, row.ended_at = "failed", reason, utc_now()


def clean_up(env: Environment, context: Context, drill_id: str, host: str) -> None:
    """Remove what a drill made, also half of it. Raises what the server says."""
    backend = env.backends.get(host)
    found = [one for one in backend.driver.list_objects(context) if one.parent_id == drill_id]
    volumes = [contract.Volume(one.id, one.size_bytes or 0, drill_id) for one in found]
    if volumes and backend.export is not None:
        backend.export.remove_exports(context, [one.id for one in volumes])
    updates = backend.driver.delete_consistencygroup(context, contract.Group(drill_id), volumes)
    if read_updates([one.id for one in volumes], *updates, "deleted").failed:
        raise NotCleanedUp(f"{env.backends.server(host)}: the clone of the drill could not be removed")


def _host(env: Environment, replicated: ReplicatedGroup, test: Test) -> str:
    """Where the drill is: the named target, or the first backend that does not serve."""
    found = [destination(env, replicated, test.backend_id).host] if test.backend_id else others(env, replicated)
    if not found or found[0] == replicated.active:
        raise FailoverRefused(replicated.name, "is served by this backend: there is nothing to test", None)
    export = env.backends.get(found[0]).export
    if export is not None and export.protocol == "nfs" and test.ip is None:
        raise UsageError(replicated.name, "is offered by nfs, which needs the address of a client", "--ip ADDRESS")
    return found[0]


@dataclass(frozen=True)
class _Run:
    env: Environment
    context: Context
    replicated: ReplicatedGroup
    row: Drill
    test: Test

    def run(self) -> Tested:
        point = self._newest()
        try:
            tested = self._tested(point)
        except DriverError as error:
            tested = Tested(point, None, "", error.message)
        finally:
            try:
                clean_up(self.env, self.context, self.row.id, self.row.host)
            except DriverError as error:
                raise NotCleanedUp(error.message) from error
        return tested

    def _newest(self) -> RecoveryPoint:
        side = replication_of(self.env, self.row.host, self.replicated.name).observe(self.context, self.replicated.id)
        assert self.replicated.record is not None
        with self.env.store.read() as session:
            known = lineage(session, self.replicated.id, self.replicated.record.generation_id)
        mine = [one for one in side.points if one.is_intact and one.point.generation_id in known]
        if not mine:
            reason = f"backend {self.row.host} has no complete recovery point"
            raise FailoverRefused(self.replicated.name, reason, f"cgctl group-sync-replication {self.replicated.id}")
        return max(mine, key=lambda one: one.point.sequence).point

    def _tested(self, point: RecoveryPoint) -> Tested:
        members = self._clone(point)
        environment = self._environment(point, members)
        environment |= self._export(list(members.values()))
        ready_at = utc_now()
        if self.test.check is None:
            return Tested(point, ready_at, "", None)
        ran = self.env.run_here(self.test.check, environment, self.test.timeout_seconds)
        reason = f"the check failed: {ran.reason}" if ran.reason else None
        return Tested(point, ready_at, ran.output, reason)

    def _clone(self, point: RecoveryPoint) -> dict[str, contract.Volume]:
        """The clone's volumes, by the names of the members that they are clones of."""
        there = sizes(self.env, self.context, self.row.host, point.id)
        found = [one for one in self.replicated.volumes if one.id in there]
        new = [contract.Volume(str(uuid5(UUID(self.row.id), one.id)), there[one.id], self.row.id) for one in found]
        old = [contract.Snapshot(new_id(), one.id, there[one.id], self.replicated.id, point.id) for one in found]
        self.env.backends.get(self.row.host).driver.create_consistencygroup_from_src(
            self.context, contract.Group(self.row.id), new, contract.GroupSnapshot(point.id, self.replicated.id), old
        )
        return {one.name or one.id: volume for one, volume in zip(found, new, strict=True)}

    def _export(self, volumes: Sequence[contract.Volume]) -> dict[str, str]:
        backend = self.env.backends.get(self.row.host)
        if backend.export is None:
            return {}
        iscsi = backend.export.protocol == "iscsi"
        secret = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))

        def access(volume: contract.Volume) -> Access:
            if not iscsi:
                return Access(volume.id, None, self.test.ip)
            return Access(volume.id, self.test.initiator, None, _username(volume), Secret(secret))

        offered = [
            Exported(one.id, backend.driver.volume_source(one), one.size_bytes, (access(one),)) for one in volumes
        ]
        backend.export.ensure_exports(self.context, offered)
        return {"CGCTL_INITIATOR": self.test.initiator, "CGCTL_SECRET": secret} if iscsi else {}

    def _environment(self, point: RecoveryPoint, members: Mapping[str, contract.Volume]) -> dict[str, str]:
        """CGCTL_CONNECTIONS: a line for each member, `NAME PORTAL IQN LUN USER` or `NAME PORTAL PATH`.
        CGCTL_SOURCES: `NAME PATH` on the server."""
        backend = self.env.backends.get(self.row.host)
        lines = []
        for name, volume in members.items() if backend.export else ():
            assert backend.export is not None
            found = backend.export.connection(volume.id, backend.driver.volume_source(volume))
            where = f"{found.iqn} {found.lun} {_username(volume)}" if found.iqn else str(found.path)
            lines.append(f"{name} {found.portal} {where}")
        sources = [f"{name} {backend.driver.volume_source(volume)}" for name, volume in members.items()]
        return {
            "CGCTL_DRILL_ID": self.row.id,
            "CGCTL_GROUP_ID": self.replicated.id,
            "CGCTL_GROUP_NAME": self.replicated.group.name or "",
            "CGCTL_BACKEND": self.row.host,
            "CGCTL_TAKEN_AT": point.taken_at.isoformat(),
            "CGCTL_CONNECTIONS": "\n".join(lines),
            "CGCTL_SOURCES": "\n".join(sources),
        }


def _username(volume: contract.Volume) -> str:
    """One for each volume: tgt knows a user by his name alone."""
    return f"drill-{volume.id[:8]}{volume.id[9:13]}"
