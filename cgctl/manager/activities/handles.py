"""Handles of activities: who may use one, and what they show."""

from __future__ import annotations

import getpass
from contextlib import suppress

from sqlmodel import col, select

from cgctl.errors import CgctlError, ConfigurationError, NotFound, Refused
from cgctl.failures import explain
from cgctl.manager.activities import strangers, waiting
from cgctl.manager.activities.abandon import abandon
from cgctl.manager.activities.settle import GONE, look, reachable_place, stored, word
from cgctl.manager.environment import Environment
from cgctl.model.activities import Activity
from cgctl.store.holder import Holder
from cgctl.store.queries import find_nameless
from drivers.activities.values import ActivityState, LogPiece
from drivers.contract import HandleScope
from drivers.errors import DriverError, NotOnServer, PoolMissing

View = dict[str, object]
KEYS = (
    "id",
    "kind",
    "state",
    "subject_kind",
    "subject_id",
    "subject_name",
    "host",
    "done_bytes",
    "total_bytes",
    "percent",
    "rate_bytes",
    "exit_status",
    "error",
    "handle_scope",
    "started_host",
    "started_user",
    "directory",
    "operation_id",
    "created_at",
    "began_at",
    "ended_at",
    "seen_at",
)


def find_handle(env: Environment, reference: str) -> Activity:
    """The activity with this id, or the unique beginning of one, if its handle may be used here (seed 004).

    Raises NotFound, Refused.
    """
    with env.store.read() as session:
        row = find_nameless(session, Activity, reference)
    if not ActivityState(row.state).is_over:
        check_scope(row)
    return row


def check_scope(row: Activity) -> None:
    """Raise Refused where the handle's scope leaves us out."""
    me, user = Holder.current(), getpass.getuser()
    started = Holder(row.started_host, row.started_space, row.started_pid, row.started_tick)
    match HandleScope(row.scope):
        case HandleScope.CONNECTION if started != me:
            reason, way = "ends with the connection that began it, and is nobody else's", "wait for that command"
        case HandleScope.SOURCE if row.started_host != me.host:
            reason, way = (
                f"can be used on {row.started_host} only",
                f"on {row.started_host}: cgctl activity-show {row.id}; {GONE} {row.id}",
            )
        case HandleScope.USER if row.started_user != user:
            reason, way = (
                f"can be used by {row.started_user} only",
                f"as {row.started_user}: cgctl activity-show {row.id}",
            )
        case _:
            return
    raise Refused(word(row), f"the handle of activity {row.id} {reason}", way)


def show(env: Environment, reference: str) -> View:
    """One, as it is now."""
    row = find_handle(env, reference)
    return view(_looked(env, row))


def list_all(env: Environment, *, only_under_way: bool = False, all_backends: bool = False) -> list[View]:
    """Those that the state knows, oldest first; all_backends: and what else is on the servers of all of them."""
    with env.store.read() as session:
        rows = list(session.exec(select(Activity).order_by(col(Activity.created_at), col(Activity.id))))
    looked = [_glanced(env, row) for row in rows]
    views = [view(row) for row in looked if not only_under_way or not ActivityState(row.state).is_over]
    if all_backends:
        views += strangers.views(env, KEYS, {row.id for row in rows})
    return views


def cancel(env: Environment, reference: str) -> Activity:
    """As `waiting.cancel`, where the handle may be used. Whoever wants it to end is told where it has done its work."""
    try:
        before = find_handle(env, reference)
    except NotFound as missing:
        return _end_stranger(env, reference, missing, "activity-cancel")
    ended = waiting.cancel(env, before.id)
    if ended.state == ActivityState.SUCCEEDED and not ActivityState(before.state).is_over:
        env.warn(f"activity {ended.id} of {word(ended)} had succeeded before it could be cancelled")
    return ended


def wait(env: Environment, reference: str, timeout_seconds: float | None) -> Activity:
    """As `waiting.wait`; raises what it failed with."""
    return waiting.succeeded(waiting.wait(env, find_handle(env, reference).id, timeout_seconds))


def log(env: Environment, reference: str, offset: int = 0) -> LogPiece:
    """Its output from this offset on, as far as the server has kept it."""
    row = find_handle(env, reference)
    try:
        return reachable_place(env, row).log(row.id, offset)
    except NotOnServer as error:
        raise NotFound(word(row), "its log is not kept any more", f"cgctl activity-show {row.id}") from error
    except DriverError as error:
        raise explain(error, word(row)) from error


def forget(env: Environment, reference: str, *, server_is_down: bool = False) -> None:
    """Drop the handle of one that is over, and its files. Raises Refused while it runs.

    server_is_down: for good, the operator says: then it is given up, and its files stay where they are.
    """
    try:
        row = _given_up(env, reference) if server_is_down else _looked(env, find_handle(env, reference))
    except NotFound as missing:
        _end_stranger(env, reference, missing, "activity-forget")
        return
    if not ActivityState(row.state).is_over:
        raise Refused(word(row), f"activity {row.id} still runs", f"cgctl activity-cancel {row.id}")
    try:
        reachable_place(env, row).forget(row.id)
    except (NotOnServer, PoolMissing):
        pass
    except (DriverError, ConfigurationError, Refused) as error:
        if not server_is_down:
            raise (explain(error, word(row)) if isinstance(error, DriverError) else error) from error
    with env.store.write() as session:
        found = session.get(Activity, row.id)
        if found:
            session.delete(found)


def _end_stranger(env: Environment, reference: str, missing: NotFound, kind: str) -> Activity:
    """The state does not know it, but is its owner."""
    found = strangers.find_stranger(env, reference, missing)
    if found.plan is not None and not found.report.state.is_over:
        check_scope(found.row)
    strangers.end(env, found, kind)
    return found.row


def _given_up(env: Environment, reference: str) -> Activity:
    with env.store.read() as session:
        row = find_nameless(session, Activity, reference)
    elsewhere = row.host is None and row.started_host != Holder.current().host
    if not ActivityState(row.state).is_over:
        if not elsewhere:
            check_scope(row)
        abandon(env, row, elsewhere=elsewhere)
    return stored(env, row.id)


def view(row: Activity) -> View:
    """As JSON shows it."""
    until = row.ended_at or row.seen_at
    seconds = (until - row.began_at).total_seconds() if until and row.began_at else 0.0
    shown: View = {key: getattr(row, key) for key in KEYS if hasattr(row, key)}
    shown["handle_scope"] = row.scope
    shown["percent"] = round(100 * row.done_bytes / row.total_bytes) if row.total_bytes else None
    shown["rate_bytes"] = round(row.done_bytes / seconds) if seconds > 0 else None
    return {key: shown[key] for key in KEYS}


def _looked(env: Environment, row: Activity) -> Activity:
    try:
        return look(env, row.id)
    except DriverError as error:
        raise explain(error, word(row)) from error


def _glanced(env: Environment, row: Activity) -> Activity:
    """As it is now where that can be seen; else as it was seen last."""
    if ActivityState(row.state).is_over:
        return row
    with suppress(Refused):
        check_scope(row)
        try:
            return look(env, row.id)
        except (DriverError, CgctlError) as error:
            env.warn(f"activity {row.id}: seen {row.seen_at or 'never'}: {error}")
    return row
