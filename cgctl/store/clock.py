"""This machine's clock beside that of a state that several hosts share.

Leases of commands and ages of recovery points are told by the clock of whoever looks: a host whose clock is wrong takes
a living command of another host for a dead one, and what it has replicated for younger or older than it is.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from cgctl.errors import ConfigurationError
from cgctl.model.tables import utc_now

NOTICED_SECONDS = 1.0
"""Clocks that are kept by NTP differ by less."""
REFUSED_SECONDS = 120.0
"""Leases are ten minutes long at least, and renewed early: two hosts may be wrong by this in either direction."""
_MEND = "timedatectl set-ntp true"


def seconds_ahead(connection: Connection) -> float:
    """How far this machine's clock is ahead of the database's; below 0 where it is behind. SQLite has none."""
    if connection.dialect.name == "sqlite":
        return 0.0
    before = utc_now()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    after = utc_now()
    connection.rollback()
    if theirs < before:
        return float((before - theirs).total_seconds())
    return float(min(0.0, (after - theirs).total_seconds()))


def told(ahead: float) -> str | None:
    """What to say of such a clock; None where nothing is to say."""
    if abs(ahead) < NOTICED_SECONDS:
        return None
    word = "ahead of" if ahead > 0 else "behind"
    return f"this machine's clock is {abs(ahead):.0f} s {word} the database's: ages and lags are wrong by that"


def refuse(shown: str, ahead: float) -> None:
    """Raise ConfigurationError where the clock is too wrong for leases to hold."""
    if abs(ahead) >= REFUSED_SECONDS:
        raise ConfigurationError(f"state {shown}", f"is not changed: {told(ahead)}", f"on this machine: {_MEND}")
