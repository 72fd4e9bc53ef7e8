"""Looking at an activity, and ending it when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import Session, select

from cgctl.errors import CgctlError, NotFound, Refused, ServerFailure
from cgctl.failures import explain
from cgctl.manager.activities.kinds import long_work
from cgctl.manager.activities.used import under_way
from cgctl.manager.activities.work import LetsGo, LongWork, Plan, ProvesItself
from cgctl.manager.environment import Environment
from cgctl.model.activities import Activity
from cgctl.model.states import OperationState
from cgctl.model.tables import Operation, Volume, utc_now
from cgctl.store.holder import Holder
from cgctl.store.journal import is_left_behind, release_locks
from cgctl.store.queries import set_status
from drivers.activities.failure import failure_of
from drivers.activities.place import ActivityPlace
from drivers.activities.values import ActivityReport, ActivityState
from drivers.contract import Context
from drivers.errors import DriverError, NotOnServer

GONE = "down for good: cgctl activity-forget --server-is-down"
"""Before an activity's id, where its server does not answer."""


class GoesOn(CgctlError):
    """Not a failure: the activity still runs, and its journal row is handed over again."""


def settle_activity(
    env: Environment, context: Context, plan: Mapping[str, Any]
) -> Callable[[Session], CgctlError | None]:
    """Of a journal row that this process has taken over: what is written once the servers are right.

    Raises DriverErrors, and Refused where the activity cannot be reached from here.
    """
    with env.store.read() as session:
        activity = session.get(Activity, plan["activity_id"])
    if activity is None or ActivityState(activity.state).is_over:
        return lambda _session: None
    work = long_work(env, plan["kind"])
    try:
        report = settled_report(reachable_place(env, activity), activity)
    except (DriverError, CgctlError):
        if not plan["quieted"]:
            _free_sources(env, context)
        raise
    if report and not report.state.is_over:
        seen = report

        def go_on(session: Session) -> CgctlError:
            note(session, activity.id, seen)
            return GoesOn(word(activity), "it still runs", f"cgctl activity-wait {activity.id}")

        return go_on
    try:
        return _settle_over(context, work, plan, activity, report)
    except (DriverError, CgctlError):
        if _lets_go(context, work, plan) or not plan["quieted"]:
            _free_sources(env, context)
        raise


def _settle_over(
    context: Context, work: LongWork, plan: Mapping[str, Any], activity: Activity, report: ActivityReport | None
) -> Callable[[Session], CgctlError | None]:
    """Of one that does not run."""
    its_plan = plan["work"]
    done = report if report and report.state is ActivityState.SUCCEEDED else None
    if done is None and _is_whole(work, context, its_plan, activity, report):
        done = replace(report or ActivityReport(activity.id, ActivityState.LOST), state=ActivityState.SUCCEEDED)
    if done:
        told, outcome = done, work.complete(context, its_plan)

        def finished(session: Session) -> CgctlError | None:
            failure = work.finish(session, its_plan, outcome)
            unquiet(session, plan["quieted"])
            note(session, activity.id, told, failure)
            return failure

        return finished
    work.clear(context, its_plan)
    failure = _why(activity, report)

    def given_up(session: Session) -> CgctlError | None:
        work.give_up(session, its_plan)
        unquiet(session, plan["quieted"])
        note(session, activity.id, report or ActivityReport(activity.id, ActivityState.LOST), failure)
        return failure

    return given_up


def _lets_go(context: Context, work: LongWork, plan: Mapping[str, Any]) -> bool:
    """Whether nothing stands beside its sources any more."""
    if not isinstance(work, LetsGo):
        return False
    try:
        work.let_go(context, plan["work"])
    except (DriverError, CgctlError):
        return False
    return True


def _free_sources(env: Environment, context: Context) -> None:
    """Of an operation that cannot be settled now: nobody else has to wait until it can, as while it runs."""
    with env.store.write() as session:
        row = session.get_one(Operation, context.operation_id)
        unquiet(session, row.plan["quieted"])
        row.plan = {**row.plan, "quieted": {}}
        release_locks(session, row.id)


def _is_whole(work: LongWork, context: Context, plan: Plan, activity: Activity, report: ActivityReport | None) -> bool:
    """Of one that had begun and is lost."""
    if activity.state == ActivityState.QUEUED or not (report is None or report.state is ActivityState.LOST):
        return False
    return isinstance(work, ProvesItself) and work.find_result(context, plan) is not None


def settled_report(place: ActivityPlace, activity: Activity) -> ActivityReport | None:
    """As its server shows it; what was lost is put right there first, and what it left is removed."""
    try:
        report = place.poll([activity.id]).get(activity.id)
    except NotOnServer:
        if activity.state == ActivityState.QUEUED:
            return None  # who began it was killed before there was a place for it
        raise
    if report is None or (report.state is ActivityState.LOST and report.ended_at is None):
        report = place.settle_lost(activity.id)
    elif report.remains:
        report = place.cancel(activity.id)
    return report


def _why(activity: Activity, report: ActivityReport | None) -> CgctlError:
    """Why nothing came of it."""
    if report and report.state is ActivityState.CANCELLED:
        return Refused(word(activity), f"activity {activity.id} was cancelled", "run the command again")
    if report and report.state is ActivityState.FAILED:
        return explain(failure_of(report), word(activity))
    reason = "lost: its server was restarted, or its processes were killed; nothing is left of it"
    return ServerFailure(word(activity), reason, "run the same command again")


def word(activity: Activity) -> str:
    """`snapshot nightly`, for messages."""
    return f"{activity.subject_kind} {activity.subject_name or activity.subject_id}"


def reachable_place(env: Environment, activity: Activity) -> ActivityPlace:
    """Where it is looked after. Raises Refused where it runs on another machine that is no server of ours."""
    if activity.host is not None:
        return place_on(env, activity.host)
    if activity.started_host != Holder.current().host:
        where = f"activity {activity.id} runs on {activity.started_host}, which is no server of cgctl's"
        raise Refused(
            word(activity),
            where,
            f"on {activity.started_host}: cgctl activity-wait {activity.id}; {GONE} {activity.id}",
        )
    # where it was begun: another user, or another way to the same state, has a place of its own
    return replace(place_on(env, None), directory=activity.directory)


def place_on(env: Environment, host: str | None) -> ActivityPlace:
    """Where a backend's server, or this machine, keeps activities."""
    place = env.backends.activities_here() if host is None else env.backends.get(host).activities
    assert place is not None
    return place


def unquiet(session: Session, quieted: Mapping[str, str]) -> None:
    """Give volumes that were quiesced their statuses back."""
    set_status(session, Volume, quieted, changed=False)


def note(session: Session, activity_id: str, report: ActivityReport, failure: CgctlError | None = None) -> None:
    """Write what was seen of an activity."""
    row = session.get_one(Activity, activity_id)
    row.state, row.seen_at = report.state, utc_now()
    row.done_bytes, row.total_bytes = report.done_bytes, report.total_bytes
    row.exit_status = report.exit_status
    row.began_at, row.ended_at = report.began_at, report.ended_at
    row.error = failure.reason if failure else None
    if failure and report.state is ActivityState.SUCCEEDED:
        row.state = ActivityState.FAILED


def look(env: Environment, activity_id: str, *, watches: bool = False) -> Activity:
    """What it is now; one that is over is settled, unless another process is at it. Raises DriverErrors, Refused."""
    from cgctl.manager.recover import settle  # noqa: PLC0415 (recovery settles activities)

    row = stored(env, activity_id)
    with env.store.read() as session:
        operation = session.get_one(Operation, row.operation_id)
    if ActivityState(row.state).is_over:
        return row
    if operation.state == OperationState.RUNNING and not is_left_behind(operation):
        return row  # it is being begun, or ended, by another process
    report = reachable_place(env, row).poll([row.id], watches=watches).get(row.id)
    if report is None or report.state.is_over:
        settle(env, row.operation_id, quietly=True)
    else:
        with env.store.write() as session:
            found = session.get(Activity, activity_id)
            if found and not ActivityState(found.state).is_over:
                note(session, activity_id, report)
    return stored(env, activity_id)


def stored(env: Environment, activity_id: str) -> Activity:
    """As it was seen last. Raises NotFound for one that somebody has forgotten since we began to look at it."""
    with env.store.read() as session:
        row = session.get(Activity, activity_id)
    if row is None:
        raise NotFound(f"activity {activity_id}", "is over, and was forgotten meanwhile", "cgctl activity-list")
    return row


def end_activities(env: Environment) -> None:
    """Settle all that are over; for cron. What cannot be looked at from here is left for later."""
    with env.store.read() as session:
        rows = under_way(session)
    for row in [] if env.dry_run else rows:
        try:
            look(env, row.id)
        except (DriverError, CgctlError) as error:
            env.warn(f"activity {row.id} of {word(row)}: {error}")


def settle_if_over(env: Environment, operation_id: str) -> bool:
    """Of a journal row that is handed over: whether its activity was over, and is settled now."""
    with env.store.read() as session:
        row = session.exec(select(Activity).where(Activity.operation_id == operation_id)).first()
    return row is not None and ActivityState(look(env, row.id).state).is_over
