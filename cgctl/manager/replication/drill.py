"""`group-test-failover`: would a failover work, now? The newest recovery point is cloned where it is, offered to one
client under names of its own, checked by the operator's command, and removed; replication goes on beside it.

Decided 2026-11-21: the clone's ids derive from the drill's, so that whoever settles an interrupted drill finds what
to remove; it has no rows. RTO is measured from the command's beginning until the clone can be used, RPO is the point's
age.

A clone that is kept (`--keep`) stands until `drill-end`; one that an interrupted drill left is removed by the next
command on the group's drills, or `cgctl recover`, whatever was wished. Its secret is told once, and stored nowhere.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused, ServerFailure, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.exports import connection_of
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication.drill_end import NotCleanedUp, clean_up, drill_key, end_row
from cgctl.manager.replication.lag import lag_seconds
from cgctl.manager.replication.line import is_on, line
from cgctl.manager.replication.members import (
    ReplicatedGroup,
    check_targets,
    destination,
    load,
    others,
    target_of,
)
from cgctl.manager.replication.promotion import sizes
from cgctl.manager.replication.sides import observe_side
from cgctl.manager.rules import replication as rules
from cgctl.model.clients import checked_address, checked_initiator
from cgctl.model.replication import Drill
from cgctl.model.tables import Volume, new_id, utc_now
from drivers import contract
from drivers.command import Secret
from drivers.contract import Access, Context, Exported
from drivers.errors import DriverError
from drivers.replication import RecoveryPoint

INITIATOR = "iqn.2026-11.io.cgctl:drill"
SECRET_LENGTH = 16
LOG_CHARACTERS = 64 * 1024
Members = Sequence[tuple[str, contract.Volume]]
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Test:
    """What the operator wants. check: a shell command of this machine; initiator or ip: who may use the clone."""

    backend_id: str | None = None
    check: str | None = None
    initiator: str = INITIATOR
    ip: str | None = None
    keep: bool = False
    timeout_seconds: float = 3600.0


def checked_test(
    backend_id: str | None, check: str | None, initiator: str | None, ip: str | None, *, keep: bool = False
) -> Test:
    """Raises UsageError for a name or an address that no client can have."""
    address = checked_address(ip) if ip is not None else None
    return Test(backend_id, check, checked_initiator(initiator or INITIATOR), address, keep)


@dataclass
class Tested:
    """What a drill came to, as far as it went; reason: why it failed. connections: how each member is reached."""

    point: RecoveryPoint
    ready_at: datetime | None = None
    log: str = ""
    reason: str | None = None
    is_kept: bool = False
    connections: list[dict[str, object]] = field(default_factory=list)
    timeline: list[dict[str, str]] = field(default_factory=list)

    def note(self, what: str, at: datetime | None = None) -> None:
        """The next entry of the timeline."""
        self.timeline.append({"at": (at or utc_now()).isoformat(), "what": what})


@dataclass(frozen=True)
class Drilling:
    """The group, and the drill's row. told: what the operator is told once: who may use a clone that is kept."""

    replicated: ReplicatedGroup
    row: Drill
    told: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TestFailover:
    """The operation; it holds a lock of its own, so that syncs go on."""

    env: Environment
    reference: str
    test: Test
    kind: str = "group-test-failover"

    def intend(self, intent: Intent) -> Drilling:
        replicated = load(intent.session, self.reference)
        intent.lock(drill_key(replicated.id))
        rules.check_sync(replicated.group)
        host = _host(self.env, replicated, self.test)
        refuse_frozen(intent.session, replicated.name, host)
        row = Drill(group_id=replicated.id, group_name=replicated.group.name, host=host, check_command=self.test.check)
        intent.add(row)
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("end-drill", id=replicated.id, drill=row.id, host=host)
        intent.will(f"{self.env.backends.server(host)}: clone the newest recovery point of {replicated.name}, check it")
        return Drilling(replicated, row)

    def work(self, context: Context, subject: Drilling) -> Tested:
        return _Run(self.env, context, subject.replicated, subject.row, self.test, subject.told).run()

    def finish(self, session: Session, subject: Drilling, outcome: Tested) -> CgctlError | None:
        row = session.get_one(Drill, subject.row.id)
        row.ended_at, row.log, row.reason = utc_now(), outcome.log[-LOG_CHARACTERS:], outcome.reason
        row.verdict = "failed" if outcome.reason else "passed"
        row.point_id, row.taken_at = outcome.point.id, outcome.point.taken_at
        row.rpo_seconds = lag_seconds(outcome.point.taken_at, row.started_at)
        row.is_kept, row.connections, row.timeline = outcome.is_kept, outcome.connections, outcome.timeline
        if outcome.ready_at is not None:
            row.rto_seconds = (outcome.ready_at - row.started_at).total_seconds()
        if outcome.reason is None:
            return None
        end = f"; its clone is kept: cgctl drill-end {row.id}" if row.is_kept else ""
        return ServerFailure(f"drill of {subject.replicated.name}", outcome.reason, f"cgctl drill-show {row.id}{end}")

    def refuse(self, session: Session, subject: Drilling) -> None:
        session.delete(session.get_one(Drill, subject.row.id))

    def fail(self, session: Session, subject: Drilling) -> None:
        end_row(session, subject.row.id, "interrupted")


def test_failover(env: Environment, reference: str, test: Test) -> tuple[str, dict[str, str]]:
    """Run a drill; its id, and who may use its clone. Raises ServerFailure when the check fails, once that is noted."""
    drilling = perform(env, TestFailover(env, reference, test))
    return drilling.row.id, drilling.told if test.keep else {}


def _host(env: Environment, replicated: ReplicatedGroup, test: Test) -> str:
    """Where the drill is: the named target, or the first backend that does not serve."""
    check_targets(env, replicated)
    found = [destination(env, replicated, test.backend_id).host] if test.backend_id else others(env, replicated)
    if not found or found[0] == replicated.active:
        reason, others_are = "is served by this backend: there is nothing to test", "group-list-replication-targets"
        raise FailoverRefused(replicated.name, reason, f"another one: cgctl {others_are} {replicated.id}")
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
    told: dict[str, str]

    def run(self) -> Tested:
        tested = Tested(self._newest())
        tested.note("the drill begins", self.row.started_at)
        tested.note(self._chosen(tested.point))
        try:
            self._try(tested)
        except DriverError as error:
            tested.reason = error.message
            tested.note(f"failed: {error.message}")
        finally:
            self._clean_up(tested)
        return tested

    def _chosen(self, point: RecoveryPoint) -> str:
        age = lag_seconds(point.taken_at, self.row.started_at)
        old = f"{age:.1f} s old" if age is not None else "from the future, by this machine's clock"
        promised = target_of(self.env, self.replicated, self.row.host).rpo_seconds
        beside = f"; the RPO is {promised} s" if promised is not None else ""
        return f"recovery point {point.id} is the newest on backend {self.row.host}: {old}{beside}"

    def _clean_up(self, tested: Tested) -> None:
        """A clone that is not offered is of no use to anyone: only a whole one is kept."""
        if tested.is_kept:
            tested.note("the clone is kept")
            return
        try:
            clean_up(self.env, self.context, self.row.id, self.row.host)
        except DriverError as error:
            raise NotCleanedUp(error.message) from error
        tested.note("the clone is removed")

    def _newest(self) -> RecoveryPoint:
        side = observe_side(self.env, self.context, self.replicated.name, self.replicated.id, self.row.host)
        assert self.replicated.record is not None
        with self.env.store.read() as session:
            known = line(session, self.replicated.id, self.replicated.record.generation_id, side.points)
        mine = [one for one in side.points if one.is_intact and is_on(known, one.point)]
        if not mine:
            reason = f"backend {self.row.host} has no complete recovery point"
            raise FailoverRefused(self.replicated.name, reason, f"cgctl group-sync-replication {self.replicated.id}")
        return max(mine, key=lambda one: one.point.sequence).point

    def _try(self, tested: Tested) -> None:
        members = self._clone_newest(tested)
        tested.note(f"{len(members)} volumes are cloned")
        tested.connections = self._connections(members)
        environment = self._environment(tested)
        self.told.update(self._export([volume for _, volume in members]))
        tested.ready_at = utc_now()
        tested.note("the clone can be used", tested.ready_at)
        if self.test.check is not None:
            tested.note("the check begins")
            ran = self.env.run_here(self.test.check, environment | self.told, self.test.timeout_seconds)
            tested.log = ran.output
            tested.reason = f"the check failed: {ran.reason}" if ran.reason else None
            tested.note(tested.reason or "the check has passed")
        tested.is_kept = self.test.keep

    def _clone_newest(self, tested: Tested) -> Members:
        """A sync that ends meanwhile lets go of the point that was chosen: its own is newer."""
        while True:
            try:
                return self._clone(tested.point)
            except DriverError:
                newest = self._newest()
                if newest.sequence <= tested.point.sequence:
                    raise
                clean_up(self.env, self.context, self.row.id, self.row.host)
                tested.point = newest
                tested.note(f"a sync has let go of it; {self._chosen(newest)}")

    def _clone(self, point: RecoveryPoint) -> Members:
        """The clone's volumes, with the words for the members that they are clones of."""
        there = sizes(self.env, self.context, self.row.host, point.id)
        found = [one for one in self.replicated.volumes if one.id in there]
        new = [contract.Volume(str(uuid5(UUID(self.row.id), one.id)), there[one.id], self.row.id) for one in found]
        old = [contract.Snapshot(new_id(), one.id, there[one.id], self.replicated.id, point.id) for one in found]
        self.env.backends.get(self.row.host).driver.create_consistencygroup_from_src(
            self.context, contract.Group(self.row.id), new, contract.GroupSnapshot(point.id, self.replicated.id), old
        )
        return list(zip(words_for(found), new, strict=True))

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

    def _connections(self, members: Members) -> list[dict[str, object]]:
        """How each member of the clone is reached: where its data are on the server, and what is offered."""
        backend = self.env.backends.get(self.row.host)
        found: list[dict[str, object]] = []
        for name, volume in members:
            source = backend.driver.volume_source(volume)
            offered = asdict(connection_of(backend, backend.export, volume.id)) if backend.export else {}
            offered |= {"username": _username(volume)} if offered.get("iqn") else {}
            said = {key: value for key, value in offered.items() if value is not None}
            found.append({"name": name, "source": source, **said})
        return found

    def _environment(self, tested: Tested) -> dict[str, str]:
        """CGCTL_CONNECTIONS: a line for each member, `NAME PORTAL IQN LUN USER` or `NAME PORTAL PATH`.
        CGCTL_SOURCES: `NAME PATH` on the server. NAME as of `words_for`."""
        offered = [one for one in tested.connections if "portal" in one]
        keys = [("name", "portal", *(("iqn", "lun", "username") if "iqn" in one else ("path",))) for one in offered]
        lines = [" ".join(str(one[key]) for key in of) for one, of in zip(offered, keys, strict=True)]
        return {
            "CGCTL_DRILL_ID": self.row.id,
            "CGCTL_GROUP_ID": self.replicated.id,
            "CGCTL_GROUP_NAME": self.replicated.group.name or "",
            "CGCTL_BACKEND": self.row.host,
            "CGCTL_TAKEN_AT": tested.point.taken_at.isoformat(),
            "CGCTL_CONNECTIONS": "\n".join(lines),
            "CGCTL_SOURCES": "\n".join(f"{one['name']} {one['source']}" for one in tested.connections),
        }


def words_for(volumes: Sequence[Volume]) -> list[str]:
    """How a check tells members apart: by name; by id where a name is no single word, or is another member's, too.
    Pure."""
    names = [one.name or "" for one in volumes]
    return [one.name if one.name and names.count(one.name) == 1 == len(one.name.split()) else one.id for one in volumes]


def _username(volume: contract.Volume) -> str:
    """One for each volume: tgt knows a user by his name alone."""
    return f"drill-{volume.id[:8]}{volume.id[9:13]}"
