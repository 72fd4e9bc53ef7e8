"""A transfer as others see it while it runs: its row in the state, the bar on a terminal, and how it makes way.

A sync that dies with its source could hold the group's lock of transfers for minutes. So a failover asks it, in its
journal row, to end: at once where the operator says that the source is down, else if nothing moves any more. The sync
looks every second, ends its transfer, and leaves its row unsettled; the failover settles it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlmodel import Session, col, delete, select

from cgctl.errors import CgctlError
from cgctl.manager.environment import Environment, Progress
from cgctl.manager.replication.members import ReplicatedGroup, load, sync_key
from cgctl.model.replication import Transfer
from cgctl.model.tables import Lock, Operation, utc_now
from cgctl.store.journal import is_left_behind
from drivers.contract import Context
from drivers.errors import OutcomeUnknown

SYNC = "group-sync-replication"
MAKE_WAY = "make_way"
NOW, IF_STALLED = "now", "if stalled"
QUIET_SECONDS = 6.0
"""After so long without a byte a transfer counts as dying, for a failover that waits."""
LEASE = timedelta(minutes=10)
CLEARED_SECONDS = 45.0
"""How long a failover waits for that a dying sync ends: a lost connection is noticed after 30 s at the latest."""


class MadeWay(OutcomeUnknown):
    """The transfer was ended for a failover."""

    hint = "the failover goes on with what is there; cgctl group-replication-status"


class Following:
    """One transfer of a group to a backend: called about every second with what has passed."""

    def __init__(
        self, env: Environment, context: Context, replicated: ReplicatedGroup, host: str, expected_bytes: int | None
    ) -> None:
        self._env, self._operation_id = env, context.operation_id
        self._row = Transfer(
            group_id=replicated.id, host=host, operation_id=context.operation_id, expected_bytes=expected_bytes
        )
        self._title = f"{replicated.group.name or replicated.id} to {host}"
        self._passed, self._moved_at = -1, time.monotonic()
        self._made_way = False

    def __call__(self, passed: int) -> str | None:
        """A reason to end the transfer; None to go on."""
        if passed != self._passed:
            self._passed, self._moved_at = passed, time.monotonic()
        self._env.show_progress(Progress(self._title, passed, self._row.expected_bytes))
        if self._env.interrupted():
            return "it was interrupted"
        with suppress(CgctlError):  # a state that is busy is looked at again in a second
            self._made_way = self._is_in_the_way(passed)
        return "it makes way for a failover" if self._made_way else None

    def look(self) -> None:
        """While a server is waited for. Raises MadeWay."""
        self(max(self._passed, 0))
        self.refuse_made_way()

    def refuse_made_way(self) -> None:
        """Raise MadeWay, or KeyboardInterrupt, when that is why the transfer has ended."""
        if self._env.interrupted():
            raise KeyboardInterrupt
        if self._made_way:
            raise MadeWay(f"{self._title}: the transfer was ended to make way for a failover")

    def begin(self) -> None:
        """Others see it."""
        with self._env.store.write() as session:
            session.merge(self._row)

    def end(self) -> None:
        """It is over, however."""
        self._env.show_progress(Progress(self._title, max(self._passed, 0), self._row.expected_bytes, has_ended=True))
        row = self._row
        with self._env.store.write() as session:
            session.exec(delete(Transfer).where(col(Transfer.group_id) == row.group_id, col(Transfer.host) == row.host))

    def _is_in_the_way(self, passed: int) -> bool:
        with self._env.store.write() as session:
            row = session.get(Transfer, (self._row.group_id, self._row.host))
            if row is not None:
                row.stream_bytes, row.seen_at = passed, utc_now()
            operation = session.get(Operation, self._operation_id)
            if operation is not None:  # other hosts know of this process by its lease alone
                operation.lease_until = max(operation.lease_until, utc_now() + LEASE)
            asked = operation.plan.get(MAKE_WAY) if operation and operation.kind == SYNC else None
        return asked == NOW or (asked == IF_STALLED and time.monotonic() - self._moved_at > QUIET_SECONDS)


@contextmanager
def following(
    env: Environment, context: Context, replicated: ReplicatedGroup, host: str, expected_bytes: int | None
) -> Iterator[Following]:
    """A transfer that others can see for the time of the block."""
    follow = Following(env, context, replicated, host, expected_bytes)
    follow.begin()
    try:
        yield follow
    finally:
        follow.end()


def clear_way(env: Environment, reference: str, *, is_certain: bool) -> None:
    """Before a failover locks: wait for a sync that is dying to end. One that moves is waited for like any holder.

    is_certain: the operator says that the source is down.
    """
    with env.store.read() as session:
        group_id = load(session, reference).id
    began = moved_at = time.monotonic()
    passed: int | None = None
    while time.monotonic() - began < CLEARED_SECONDS and (now := _passed_by_sync(env, group_id)) is not None:
        if passed is not None and now != passed and not is_certain:
            return
        if now != passed:
            passed, moved_at = now, time.monotonic()
        if is_certain or time.monotonic() - moved_at > QUIET_SECONDS:
            _ask(env, group_id, NOW if is_certain else IF_STALLED)
        time.sleep(0.3)


def _passed_by_sync(env: Environment, group_id: str) -> int | None:
    """What the running sync of a group has transferred; None when there is none."""
    with env.store.read() as session:
        operation = _sync_of(session, group_id)
        if operation is None:
            return None
        rows = session.exec(select(Transfer).where(Transfer.operation_id == operation.id))
        return sum(row.stream_bytes for row in rows)


def _ask(env: Environment, group_id: str, how: str) -> None:
    with env.store.write() as session:
        operation = _sync_of(session, group_id)
        if operation is not None and operation.plan.get(MAKE_WAY) != how:
            operation.plan = {**operation.plan, MAKE_WAY: how}


def _sync_of(session: Session, group_id: str) -> Operation | None:
    lock = session.get(Lock, sync_key(group_id))
    operation = session.get(Operation, lock.operation_id) if lock else None
    return operation if operation and operation.kind == SYNC and not is_left_behind(operation) else None
