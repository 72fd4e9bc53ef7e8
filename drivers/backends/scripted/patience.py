"""How long a script may run, and how long it waits for a lock."""

from __future__ import annotations

from datetime import UTC, datetime

from drivers.contract import Context

LOCK_WAIT_SECONDS = 30


def seconds_left(context: Context) -> float:
    """Until the operation's deadline; a second for what is late already."""
    return max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())


def lock_wait(context: Context) -> str:
    """In seconds: half of the time that is left at most, so that something can still be done."""
    return str(max(1, int(min(float(longest_lock_wait(context)), seconds_left(context) / 2))))


def longest_lock_wait(context: Context) -> str:
    """In seconds. A hold whose script was killed keeps the lock until its bound."""
    return str(int(LOCK_WAIT_SECONDS + context.hold_bound_seconds))
