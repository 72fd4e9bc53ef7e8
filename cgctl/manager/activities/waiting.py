"""Waiting for an activity, with progress; cancelling it; what Ctrl-C means."""

from __future__ import annotations

import time

from cgctl.errors import ConfigurationError, Locked, Refused, ServerFailure, ServerUnreachable
from cgctl.failures import explain
from cgctl.manager.activities.settle import GONE, look, reachable_place, stored, word
from cgctl.manager.environment import Environment, Progress
from cgctl.model.activities import Activity
from drivers.activities.values import ActivityState
from drivers.contract import HandleScope
from drivers.errors import DriverError, NotOnServer, OutcomeUnknown, ServerNotReached

SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 1.0
UNREACHED_SECONDS = 60.0
"""How long a wait goes on while the server does not answer."""


def watch(env: Environment, activity_id: str) -> Activity:
    """Wait for the end of what this command has begun. On a terminal, Ctrl-C asks; else it leaves the activity running.

    Raises what it failed with, KeyboardInterrupt when it goes on or was cancelled in time.
    """
    while True:
        try:
            return succeeded(wait(env, activity_id))
        except KeyboardInterrupt:
            row = stored(env, activity_id)
            answer = "cancel" if row.scope == HandleScope.CONNECTION else env.on_interrupt(word(row), activity_id)
            if answer == "wait":
                continue
            if answer == "cancel":
                ended = cancel(env, activity_id)
                if ended.state == ActivityState.SUCCEEDED:
                    return ended
            raise


def wait(env: Environment, activity_id: str, timeout_seconds: float | None = None) -> Activity:
    """Until it is over, whatever its end. Raises Locked when it is not in time."""
    give_up_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    pause, unreached_since = SHORTEST_SECONDS, None
    while True:
        try:
            row = look(env, activity_id, watches=True)
            unreached_since = None
        except (ServerNotReached, OutcomeUnknown) as error:
            row = stored(env, activity_id)
            unreached_since = unreached_since or time.monotonic()
            if time.monotonic() - unreached_since > UNREACHED_SECONDS:
                told = explain(error, word(row))
                told.hint = f"it goes on by itself; later: cgctl activity-wait {activity_id}"
                raise told from error
        is_over = ActivityState(row.state).is_over
        title = f"{row.kind} {word(row)}"
        env.show_progress(Progress(title, row.done_bytes, row.total_bytes or None, is_over))
        if is_over:
            return row
        if give_up_at is not None and time.monotonic() >= give_up_at:
            raise Locked(word(row), f"activity {activity_id} still runs", f"cgctl activity-wait {activity_id}")
        time.sleep(pause if give_up_at is None else max(0.0, min(pause, give_up_at - time.monotonic())))
        pause = min(pause * 1.5, LONGEST_SECONDS)


def succeeded(row: Activity) -> Activity:
    """Raises CgctlErrors for one that is over and has not succeeded."""
    if row.state == ActivityState.SUCCEEDED:
        return row
    if row.state == ActivityState.CANCELLED:
        raise Refused(word(row), f"activity {row.id} was cancelled", "run the command again, if it shall be done")
    raise ServerFailure(word(row), row.error or f"activity {row.id} is {row.state}", f"cgctl activity-log {row.id}")


def cancel(env: Environment, activity_id: str) -> Activity:
    """End it and remove all that it has made. Of one that is over: nothing is done. One that another command begins, or
    ends, is waited for. Raises Locked when that takes too long.
    """
    row, give_up_at = stored(env, activity_id), time.monotonic() + env.lock_timeout_seconds
    while not ActivityState(row.state).is_over:
        try:
            reachable_place(env, row).cancel(row.id)
        except DriverError as error:
            if not (isinstance(error, NotOnServer) and row.state == ActivityState.QUEUED):  # no place for it yet
                told = explain(error, word(row))
                if isinstance(error, (ServerNotReached, NotOnServer)):
                    told.hint = f"{told.hint}; {GONE} {row.id}"
                raise told from error
        try:
            row = look(env, activity_id)
        except (ServerUnreachable, ServerFailure, ConfigurationError) as error:
            error.hint = f"{error.hint}; {GONE} {row.id}"
            raise
        if ActivityState(row.state).is_over:
            break
        if time.monotonic() >= give_up_at:
            reason = f"activity {row.id} is being begun, or ended, by another command"
            raise Locked(word(row), reason, f"cgctl activity-cancel {row.id} --lock-timeout 60")
        time.sleep(SHORTEST_SECONDS)
    return row
