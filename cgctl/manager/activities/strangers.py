"""Activities that are on the servers and not in the state: of another store, or begun after the copy was made that this
one was restored from. The latter are listed, ended, forgotten, and found by `backend-check`.

Decided 2026-11-22: beside its work each has a note on its server, its handle and what the journal's plan was, so that
what it was made of can be removed by a state that never knew it. What such an activity has made whole stays where it
is: somebody may have used it since. One of another store's owner is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, ConfigurationError, NotFound, Refused
from cgctl.manager.activities.kinds import long_work
from cgctl.manager.activities.settle import place_on, word
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.activities.work import LongWork, OutlivesState, Plan, ProvesItself
from cgctl.manager.environment import Environment
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import Intent, perform
from cgctl.model.activities import Activity
from cgctl.model.names import looks_like_prefix
from cgctl.model.states import ReplicationStatus
from cgctl.model.tables import Group, Volume
from cgctl.store.queries import subject
from drivers.activities.place import ActivityPlace
from drivers.activities.values import ActivityReport, ActivityState
from drivers.contract import Context, Finding
from drivers.errors import DriverError, NotOnServer

NOTED = (
    "kind",
    "subject_kind",
    "subject_id",
    "subject_name",
    "source_ids",
    "made_ids",
    "scope",
    "started_host",
    "started_user",
    "started_space",
    "started_pid",
    "started_tick",
)


def note_of(activity: Activity, plan: Plan) -> str:
    """One line: its handle, and the plan of its work."""
    return json.dumps({"handle": {key: getattr(activity, key) for key in NOTED}, "work": dict(plan)})


@dataclass(frozen=True)
class Stranger:
    """row: its handle, which is in no state. host: None is this machine. plan: None where it has no note."""

    row: Activity
    report: ActivityReport
    place: ActivityPlace
    plan: Plan | None

    def work(self, env: Environment) -> LongWork | None:
        """What ends it; None where that is not known here."""
        try:
            return None if self.plan is None else long_work(env, self.row.kind)
        except ConfigurationError:
            return None

    def hidden_ids(self, env: Environment) -> set[str]:
        """Of volumes and groups that it makes, and that are in no state's rows while it runs."""
        work = self.work(env)
        return work.hidden_ids(self.plan) if isinstance(work, OutlivesState) and self.plan is not None else set()

    def findings(self, env: Environment, host: str, there: Collection[str]) -> list[Finding]:
        """Of a backend where these objects are."""
        runs, left = not self.report.state.is_over, self.hidden_ids(env) & set(there)
        if left:
            with env.store.read() as session:
                left -= {row.id for row in _rows(session, left)}
        if not left and not (runs and self.row.host == host):
            return []
        what = f"activity {self.row.id} ({self.report.label}), which this state does not know, "
        what += "runs" if runs else f"has left {', '.join(sorted(left))}"
        way = "cancel" if runs else "forget"
        return [Finding("activities", False, what, f"cgctl activity-{way} {self.row.id}")]


def find_stranger(env: Environment, reference: str, missing: NotFound) -> Stranger:
    """The one with this id, or the unique beginning of one. Raises `missing`, and Refused for another owner's."""
    by_prefix = looks_like_prefix(reference)
    found = [
        (place, host, report)
        for place, host, reports in _places(env, None)
        for report in reports
        if report.id == reference or (by_prefix and report.id.startswith(reference))
    ]
    if len(found) != 1 or _known(env, [found[0][2].id]):
        raise missing
    place, host, report = found[0]
    if report.owner != env.store.owner:
        reason = f"activity {report.id} belongs to another state store"
        raise Refused(report.label or "activity", reason, "end it there: CGCTL_STATE=URL cgctl activity-cancel")
    return _strangers(place, host, [report])[0]


def unknown_on(env: Environment, host: str) -> list[Stranger]:
    """Those of this owner's that may have left something on a backend: on its server, or on this machine."""
    near = [one for one in env.backends.ids() if env.backends.share_machine(one, host)]
    found = [
        (place, at, [one for one in reports if one.owner == env.store.owner])
        for place, at, reports in _places(env, near)
    ]
    known = _known(env, [one.id for _, _, reports in found for one in reports])
    return [
        stranger
        for place, at, reports in found
        for stranger in _strangers(place, at, [one for one in reports if one.id not in known])
    ]


def views(env: Environment, keys: Sequence[str], known: set[str]) -> Iterator[dict[str, object]]:
    """All that are not in the state, whosever they are."""
    for _, host, reports in _places(env, None):
        yield from (_view(one, host, keys) for one in reports if one.id not in known)


def _view(one: ActivityReport, host: str | None, keys: Sequence[str]) -> dict[str, object]:
    own: dict[str, object] = {
        "id": one.id,
        "kind": one.label,
        "state": one.state.value,
        "host": host,
        "done_bytes": one.done_bytes,
        "total_bytes": one.total_bytes,
        "rate_bytes": round(one.rate_bytes) or None,
        "exit_status": one.exit_status,
        "error": one.reason or None,
        "began_at": one.began_at,
        "ended_at": one.ended_at,
    }
    return {key: own.get(key) for key in keys}


def _places(
    env: Environment, hosts: Sequence[str] | None
) -> Iterator[tuple[ActivityPlace, str | None, list[ActivityReport]]]:
    """What is on these backends' servers, or on all, and on this machine."""
    for host in (*(env.backends.ids() if hosts is None else hosts), None):
        try:
            if host is None or env.backends.get(host).activities:
                place = place_on(env, host)
                yield place, host, place.find_all()
        except DriverError as error:
            env.warn(f"backend {host}: {error.message}")
        except OSError:
            continue  # on this machine there cannot be any: nor is there a place for them


def _rows(session: Session, ids: Collection[str]) -> list[Group | Volume]:
    """The groups and volumes of these that the state has."""
    return [row for key in ids for row in (session.get(Group, key), session.get(Volume, key)) if row]


def _known(env: Environment, ids: Sequence[str]) -> set[str]:
    """Looked up after the servers were: what another command begins is in the state before it is there."""
    with env.store.read() as session:
        return {one for one in ids if session.get(Activity, one)}


def _strangers(place: ActivityPlace, host: str | None, reports: Sequence[ActivityReport]) -> list[Stranger]:
    notes = place.notes([one.id for one in reports])
    return [_stranger(place, host, one, notes.get(one.id)) for one in reports]


def _stranger(place: ActivityPlace, host: str | None, report: ActivityReport, note: str | None) -> Stranger:
    handle: dict[str, Any] = {"kind": report.label, "subject_kind": "activity", "subject_id": report.id}
    plan = None
    try:
        found = json.loads(note or "")
        noted, plan = {key: found["handle"][key] for key in NOTED}, dict(found["work"])
        handle = noted
    except (ValueError, TypeError, KeyError):
        pass  # of an older cgctl, or damaged
    row = Activity(**handle, id=report.id, operation_id="", state=report.state, host=host, directory=place.directory)
    return Stranger(row, report, place, plan)


@dataclass(frozen=True)
class Ending:
    """The operation. It changes nothing in the state but the history; interrupted, the same command ends it."""

    env: Environment
    stranger: Stranger
    kind: str = "activity-cancel"

    def intend(self, intent: Intent) -> Stranger:
        one = self.stranger
        intent.about(one.row.subject_kind, one.row.subject_id, one.row.subject_name)
        ids = one.row.subject_id, *(one.row.made_ids or "").split(), *(one.row.source_ids or "").split()
        work = one.work(self.env)
        rows = _rows(intent.session, ids) if isinstance(work, ProvesItself) else []  # others are ended, and no more
        intent.lock(one.row.id, *{row.id if isinstance(row, Group) else lock_key(row) for row in rows})
        if isinstance(work, ProvesItself):
            refuse_used(intent.session, word(one.row), *(row.id for row in rows))
            self._refuse_replicated([] if isinstance(work, OutlivesState) else rows)
        return one

    def _refuse_replicated(self, rows: Sequence[Group | Volume]) -> None:
        """Of a move: what stands at its destination may be a replica by now."""
        for row in rows:
            if row.replication_status != ReplicationStatus.DISABLED:
                raise Refused(
                    subject(type(row), shown(row)),
                    f"is replicated since; what activity {self.stranger.row.id} may have left is not touched",
                    "its server forgets the activity after a month",
                )

    def work(self, context: Context, subject: Stranger) -> None:
        try:
            if self.kind == "activity-forget":
                subject.place.settle_lost(subject.row.id)
            else:
                subject.place.cancel(subject.row.id)
            now = subject.place.poll([subject.row.id]).get(subject.row.id)
        except NotOnServer:
            return
        if now is None or not now.state.is_over:
            return
        self._remove(context, subject, now.state)
        if self.kind == "activity-forget":
            subject.place.forget(subject.row.id)

    def _remove(self, context: Context, one: Stranger, ended: ActivityState) -> None:
        work = one.work(self.env)
        if one.plan is None or work is None:
            self.env.warn(f"activity {one.row.id} ({one.row.kind}): what it was made of is not known here")
        elif isinstance(work, OutlivesState):
            with self.env.store.read() as session:
                if _rows(session, work.hidden_ids(one.plan)):
                    return  # the state has what it made, whatever the server says of it
            if told := work.end_unknown(context, one.plan, ended):
                self.env.warn(f"activity {one.row.id} ({one.row.kind}): {told}")
        elif isinstance(work, ProvesItself) and work.find_result(context, one.plan) is None:
            work.clear(context, one.plan)

    def finish(self, session: Session, subject: Stranger, outcome: None) -> CgctlError | None:  # noqa: ARG002
        return None

    def refuse(self, session: Session, subject: Stranger) -> None:
        """The state knows nothing of it."""

    def fail(self, session: Session, subject: Stranger) -> None:
        """What is left is removed by the same command."""


def end(env: Environment, stranger: Stranger, kind: str) -> None:
    """`activity-cancel`, or `activity-forget` of one that is over. Raises Refused for one that still runs."""
    if kind == "activity-forget" and not stranger.report.state.is_over:
        key = stranger.row.id
        raise Refused(word(stranger.row), f"activity {key} still runs", f"cgctl activity-cancel {key}")
    perform(env, Ending(env, stranger, kind))
