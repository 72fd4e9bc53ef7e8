"""`group-verify-replica`: what the newest common recovery point holds, read on both sides, and compared.

Decided 2026-11-21: no lock of transfers is held, since a point of terabytes takes longer to read than an RPO lasts, and
a failover must never wait for it. The servers open all disks before they read the first: a point that is let go of
meanwhile is read to its end; where it cannot go while it is read (lvm), a sync leaves it for a later one. Points that
were changed by hand are looked at, too: this command finds them.

An activity of this machine, since two servers and more take part. Its verdict is kept in its directory, and goes with
its handle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from cgctl.errors import CgctlError, FailoverRefused, NothingToChange, Refused, ServerFailure
from cgctl.failures import explain
from cgctl.manager.activities.launch import launch
from cgctl.manager.activities.waiting import watch
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent
from cgctl.manager.readings import RESULT, Answer, Reading, error_told, told, told_answer
from cgctl.manager.replication.compare import Sums, chunk_for, compared
from cgctl.manager.replication.line import Line, is_on, line
from cgctl.manager.replication.members import check_targets, destination, load, others, replication_of
from cgctl.manager.replication.sides import Observed, observe_sides, reached
from cgctl.manager.rules import replication as rules
from cgctl.manager.views import View
from cgctl.model.activities import Activity
from cgctl.model.tables import Event
from drivers.activities.values import Program
from drivers.contract import Context
from drivers.errors import DriverError
from drivers.replication import Side, Verifying

VERDICT = "verdict"
"""The file in the activity's directory that takes the place of what was read."""


@dataclass(frozen=True)
class Verified:
    """One row for each member and backend, and what could not be compared, by backend."""

    rows: list[View]
    failed: dict[str, CgctlError]


@dataclass(frozen=True)
class Verification:
    """The long work; it changes nothing. reference and backend_id are not needed to settle it."""

    env: Environment
    reference: str = ""
    backend_id: str | None = None
    kind: str = "group-verify-replica"

    def intend(self, intent: Intent) -> Intended:
        replicated = load(intent.session, self.reference)
        rules.check_sync(replicated.group)
        intent.lock(f"{replicated.id}/verify")
        check_targets(self.env, replicated)
        hosts = others(self.env, replicated)
        if self.backend_id is not None:
            hosts = [destination(self.env, replicated, self.backend_id).host]
        if not hosts or hosts == [replicated.active]:
            reason = f"is served by backend {replicated.active}: there is nothing to compare"
            raise NothingToChange(replicated.name, reason, f"cgctl group-replication-status {replicated.id}")
        intent.about("group", replicated.id, replicated.group.name)
        for host in (replicated.active, *hosts):
            intent.will(f"{self.env.backends.server(host)}: read the newest common recovery point of {replicated.name}")
        plan = {
            "group_id": replicated.id,
            "group_name": replicated.group.name,
            "word": replicated.name,
            "active": replicated.active,
            "generation_id": replicated.record.generation_id if replicated.record else "",
            "hosts": hosts,
            "chunk_bytes": chunk_for(max((one.size_bytes for one in replicated.volumes), default=0)),
            "size_bytes": sum(one.size_bytes for one in replicated.present),
            "names": {one.id: shown(one) for one in replicated.volumes},
        }
        return Intended(plan, None)

    def begin(self, context: Context, plan: Plan) -> Program:
        sides = observe_sides(self.env, context, plan["word"], plan["group_id"], [plan["active"], *plan["hosts"]])
        source = sides[plan["active"]]
        if isinstance(source, DriverError):
            raise source
        readings: dict[tuple[str, str], Reading] = {}
        known: list[Answer] = []
        for host in plan["hosts"]:
            try:
                point_id = _newest(plan, host, source, sides[host], self._line(plan, sides))
                for one in (plan["active"], host):
                    readings[one, point_id] = self._reading(context, plan, one, point_id)
            except CgctlError as error:
                known.append(Answer(host, "", error=error))
        if not readings and known[0].error:
            raise known[0].error
        return Program(self.env.backends.reader(list(readings.values()), known), None, f"{self.kind} {plan['word']}")

    def complete(self, context: Context, plan: Plan) -> Verified:
        """May run again: what was read is there until the verdict is."""
        place = self._place(context)
        try:
            found = self._compared(plan, [told_answer(one) for one in json.loads((place / RESULT).read_text())])
        except (OSError, ValueError) as error:
            kept = _kept(place)
            if kept is None:
                gone = ServerFailure(plan["word"], f"what was read cannot be used: {error}", "run the command again")
                return Verified([], {plan["active"]: gone})
            return kept
        new = place / f"{VERDICT}.new"
        new.write_text(
            json.dumps({"rows": found.rows, "failed": {key: told(one) for key, one in found.failed.items()}})
        )
        new.rename(place / VERDICT)
        (place / RESULT).unlink()
        return found

    def clear(self, context: Context, plan: Plan) -> None:  # noqa: ARG002
        """The readers on the servers have ended with the process of this machine."""
        place = self._place(context)
        for name in (RESULT, VERDICT):
            for one in (place / name, place / f"{name}.new"):
                one.unlink(missing_ok=True)

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        differing = "; ".join(str(row["result"]) for row in outcome.rows if row["result"] != "same")
        said = differing or ("all is the same" if outcome.rows else "nothing was compared")
        subject = {"subject_kind": "group", "subject_id": plan["group_id"], "subject_name": plan["group_name"]}
        session.add(Event(**subject, kind=self.kind, message=said))
        return judged(plan["word"], plan["group_id"], outcome)

    def give_up(self, session: Session, plan: Plan) -> None:
        """Nothing was written."""

    def _place(self, context: Context) -> Path:
        """The activity's directory."""
        with self.env.store.read() as session:
            activity = session.exec(select(Activity).where(Activity.operation_id == context.operation_id)).one()
        return _directory(activity)

    def _line(self, plan: Plan, sides: Mapping[str, Observed]) -> Line:
        points = (one for _, side in reached(sides) for one in side.points)
        with self.env.store.read() as session:
            return line(session, plan["group_id"], plan["generation_id"], points)

    def _reading(self, context: Context, plan: Plan, host: str, point_id: str) -> Reading:
        command = self._verifying(plan, host).checksums(context, plan["group_id"], point_id, plan["chunk_bytes"])
        return Reading(host, point_id, command, _on(plan, host), plan["size_bytes"])

    def _verifying(self, plan: Plan, host: str) -> Verifying:
        replication = replication_of(self.env, host, plan["word"])
        if not isinstance(replication, Verifying):
            raise Refused(plan["word"], f"the driver of backend {host} cannot read recovery points", None)
        return replication

    def _compared(self, plan: Plan, answers: list[Answer]) -> Verified:
        found = {(one.host, one.key): one for one in answers}
        verified = Verified([], {})
        for host in plan["hosts"]:
            its = next(one for one in answers if one.host == host)
            mine = found.get((plan["active"], its.key), its)
            error = its.error or mine.error
            if error:
                verified.failed[host] = error
                continue
            rows = compared(self._sums(plan, mine), self._sums(plan, its), plan["names"], plan["chunk_bytes"])
            verified.rows.extend({**row, "host": host, "point_id": its.key} for row in rows)
        return verified

    def _sums(self, plan: Plan, answer: Answer) -> Sums:
        return self._verifying(plan, answer.host).sums(answer.printed)


def verify_replica(env: Environment, reference: str, backend_id: str | None) -> tuple[list[View], CgctlError | None]:
    """To its end: one row for each member and backend; the error for the exit code where something differs, or was not
    read."""
    begun, failure = begin(env, reference, backend_id), None
    try:
        watch(env, begun.id)
    except ServerFailure as error:
        failure = error
    found = _kept(_directory(begun))
    if found is None:
        raise failure or ServerFailure(f"activity {begun.id}", "its verdict is not kept any more", "run it again")
    verdict = judged(f"group {begun.subject_name or begun.subject_id}", begun.subject_id, found)
    if verdict and not found.rows:
        raise verdict
    return found.rows, verdict


def begin(env: Environment, reference: str, backend_id: str | None) -> Activity:
    """Left running."""
    return launch(env, Verification(env, reference, backend_id), detach=True)


def judged(word: str, group_id: str, found: Verified) -> CgctlError | None:
    """The error for the exit code."""
    differing = [row for row in found.rows if row["result"] != "same"]
    if differing:
        said = "; ".join(f"volume {row['name']} on backend {row['host']} {row['result']}" for row in differing)
        hosts = ", ".join(dict.fromkeys(str(row["host"]) for row in differing))
        anew = f"cgctl group-disable-replication --leave-replicas {group_id}"  # also of a group that has failed over
        anew = f"{anew}; cgctl group-enable-replication --delete-replicas {group_id}"
        hint = f"do not fail over to {hosts}; look at its disks, then begin anew where it serves: {anew}"
        return ServerFailure(word, said, hint)
    return next(iter(found.failed.values()), None)


def _directory(activity: Activity) -> Path:
    return Path(activity.directory) / activity.id


def _kept(place: Path) -> Verified | None:
    """The verdict of a verification that has ended."""
    with suppress(OSError, ValueError):
        words = json.loads((place / VERDICT).read_text())
        rows = [{**row, "ranges": [tuple(one) for one in row["ranges"]]} for row in words["rows"]]
        return Verified(rows, {key: error_told(one) for key, one in words["failed"].items()})
    return None


def _on(plan: Plan, host: str) -> str:
    return f"{plan['word']} on backend {host}"


def _newest(plan: Plan, host: str, source: Side, side: Observed, known: Line) -> str:
    """Of the line that serves: no other is ever promoted."""
    if isinstance(side, DriverError):
        raise explain(side, _on(plan, host)) from side
    there = {one.point.id for one in side.points}
    common = [one.point for one in source.points if one.point.id in there and is_on(known, one.point)]
    if not common:
        reason = f"has no recovery point in common with backend {host}"
        raise FailoverRefused(plan["word"], reason, f"cgctl group-sync-replication {plan['group_id']}")
    return max(common, key=lambda one: one.sequence).id
