"""`group-verify-replica`: what the newest common recovery point holds, read on both sides, and compared.

Decided 2026-11-21: no lock of transfers is held, since a point of terabytes takes longer to read than an RPO lasts, and
a failover must never wait for it. The servers open all disks before they read the first: a point that is let go of
meanwhile is read to its end. Points that were changed by hand are looked at, too: this command finds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlmodel import Session

from cgctl.errors import CgctlError, FailoverRefused, NothingToChange, Refused, ServerFailure
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication.members import ReplicatedGroup, destination, load, others, replication_of
from cgctl.manager.replication.sides import observe_sides
from cgctl.manager.rules import replication as rules
from cgctl.manager.views import View
from cgctl.model.tables import Event
from drivers.contract import Context
from drivers.errors import DriverError
from drivers.replication import MemberSums, Side, Verifying

MEBIBYTE = 2**20
MOST_CHUNKS = 4096
"""Of one member: what a server prints stays below 300 kB for each."""

Sums = Mapping[str, MemberSums]


@dataclass(frozen=True)
class Verified:
    """One row for each member and backend, and what could not be compared, by backend."""

    rows: list[View]
    failed: dict[str, CgctlError]


@dataclass(frozen=True)
class Verifies:
    """The group, and the backends whose points are compared with those of the active one."""

    replicated: ReplicatedGroup
    hosts: Sequence[str]
    found: list[Verified]


@dataclass(frozen=True)
class Verify:
    """The operation; it changes nothing, and is in the history."""

    env: Environment
    reference: str
    backend_id: str | None
    kind: str = "group-verify-replica"

    def intend(self, intent: Intent) -> Verifies:
        replicated = load(intent.session, self.reference)
        rules.check_sync(replicated.group)
        intent.lock(f"{replicated.id}/verify")
        hosts = others(self.env, replicated)
        if self.backend_id is not None:
            hosts = [destination(self.env, replicated, self.backend_id).host]
            if hosts == [replicated.active]:
                reason = f"is served by backend {replicated.active}: there is nothing to compare"
                raise NothingToChange(replicated.name, reason, f"cgctl group-replication-status {replicated.id}")
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("nothing")
        for host in (replicated.active, *hosts):
            intent.will(f"{self.env.backends.server(host)}: read the newest common recovery point of {replicated.name}")
        return Verifies(replicated, hosts, [])

    def work(self, context: Context, subject: Verifies) -> Verified:
        return verify(self.env, context, subject.replicated, subject.hosts)

    def finish(self, session: Session, subject: Verifies, outcome: Verified) -> CgctlError | None:
        subject.found.append(outcome)
        group = subject.replicated.group
        told = "; ".join(str(row["result"]) for row in outcome.rows if row["result"] != "same") or "all is the same"
        session.add(
            Event(subject_kind="group", subject_id=group.id, subject_name=group.name, kind=self.kind, message=told)
        )
        return None

    def refuse(self, session: Session, subject: Verifies) -> None:
        """Nothing was written."""

    def fail(self, session: Session, subject: Verifies) -> None:
        """Nothing was written."""


def verify_replica(env: Environment, reference: str, backend_id: str | None) -> tuple[list[View], CgctlError | None]:
    """One row for each member and backend; the error for the exit code where something differs, or was not read."""
    verifies = perform(env, Verify(env, reference, backend_id))
    (found,) = verifies.found
    return found.rows, _verdict(verifies.replicated, found)


def _verdict(replicated: ReplicatedGroup, found: Verified) -> CgctlError | None:
    differing = [row for row in found.rows if row["result"] != "same"]
    if differing:
        told = "; ".join(f"volume {row['name']} on backend {row['host']} {row['result']}" for row in differing)
        hosts = ", ".join(dict.fromkeys(str(row["host"]) for row in differing))
        hint = f"do not fail over to {hosts}; look at its disks, then begin anew: cgctl group-disable-replication"
        return ServerFailure(
            replicated.name, told, f"{hint} {replicated.id}; cgctl group-enable-replication {replicated.id}"
        )
    return next(iter(found.failed.values()), None)


def verify(env: Environment, context: Context, replicated: ReplicatedGroup, hosts: Sequence[str]) -> Verified:
    """Compare the newest common point of each backend with the active one's."""
    sides = observe_sides(env, context, replicated.name, replicated.id, [replicated.active, *hosts])
    source = sides[replicated.active]
    if isinstance(source, DriverError):
        raise source
    verified = Verified([], {})
    for host in hosts:
        side = sides[host]
        try:
            if isinstance(side, DriverError):
                raise side
            verified.rows.extend(_compared(env, context, replicated, host, _newest(replicated, host, source, side)))
        except DriverError as error:
            verified.failed[host] = explain(error, f"{replicated.name} on backend {host}")
        except CgctlError as error:
            verified.failed[host] = error
    if not verified.rows and len(hosts) == len(verified.failed):
        raise next(iter(verified.failed.values()))
    return verified


def _newest(replicated: ReplicatedGroup, host: str, source: Side, side: Side) -> str:
    there = {one.point.id for one in side.points}
    common = [one.point for one in source.points if one.point.id in there]
    if not common:
        reason = f"has no recovery point in common with backend {host}"
        raise FailoverRefused(replicated.name, reason, f"cgctl group-sync-replication {replicated.id}")
    return max(common, key=lambda one: one.sequence).id


def _compared(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, point_id: str
) -> Iterator[View]:
    largest = max((one.size_bytes for one in replicated.volumes), default=0)
    chunk_bytes = chunk_for(largest)

    def read(one: str) -> Sums:
        replication = replication_of(env, one, replicated.name)
        if not isinstance(replication, Verifying):
            raise Refused(replicated.name, f"the driver of backend {one} cannot read recovery points", None)
        return replication.checksums(context, replicated.id, point_id, chunk_bytes)

    with ThreadPoolExecutor(max_workers=2) as pool:
        ours, theirs = pool.map(read, (replicated.active, host))
    names = {one.id: shown(one) for one in replicated.volumes}
    for key in sorted({*ours, *theirs}, key=lambda key: names.get(key, key)):
        mine, its = ours.get(key), theirs.get(key)
        yield {
            "name": names.get(key, key),
            "volume_id": key,
            "host": host,
            "point_id": point_id,
            "size": (mine or its or MemberSums(0, ())).size_bytes,
            "chunk_bytes": chunk_bytes,
            "result": difference(mine, its, chunk_bytes),
            "ranges": ranges(mine, its, chunk_bytes) if mine and its else [],
        }


def chunk_for(size_bytes: int) -> int:
    """A power of two from 1 MiB on that makes no more than MOST_CHUNKS. Pure."""
    chunk = MEBIBYTE
    while size_bytes > chunk * MOST_CHUNKS:
        chunk *= 2
    return chunk


def difference(mine: MemberSums | None, its: MemberSums | None, chunk_bytes: int) -> str:
    """`same`, or how it differs. Pure."""
    if mine is None or its is None:
        return "is not in the replica" if its is None else "is only in the replica"
    if mine.size_bytes != its.size_bytes:
        return f"has {its.size_bytes} bytes, not {mine.size_bytes}"
    found = ", ".join(f"{begin}-{end}" for begin, end in ranges(mine, its, chunk_bytes))
    return f"differs in bytes {found}" if found else "same"


def ranges(mine: MemberSums, its: MemberSums, chunk_bytes: int) -> list[tuple[int, int]]:
    """The byte ranges that differ, first and last byte, neighbours joined. Pure."""
    found: list[tuple[int, int]] = []
    size = max(mine.size_bytes, its.size_bytes)
    for number in range(max(len(mine.chunks), len(its.chunks))):
        if mine.chunks[number : number + 1] == its.chunks[number : number + 1]:
            continue
        begin, end = number * chunk_bytes, min((number + 1) * chunk_bytes, size) - 1
        if found and found[-1][1] + 1 == begin:
            begin = found.pop()[0]
        found.append((begin, end))
    return found
