"""How far a replica is behind, by this machine's clock alone: a point carries the time of whoever took it.

Decided 2026-11-21: a point from the future has no lag. It was taken by a machine whose clock went ahead, or this one's
was set back: how much would be lost is then unknown, which is neither nothing nor within any RPO.
"""

from __future__ import annotations

from datetime import datetime

SLACK_SECONDS = 1.0
"""Clocks that are kept by NTP differ by less."""


def lag_seconds(taken_at: datetime, now: datetime) -> float | None:
    """Never below 0; None for a point from the future."""
    lag = (now - taken_at).total_seconds()
    return None if lag < -SLACK_SECONDS else max(lag, 0.0)


def from_the_future(taken_at: datetime, now: datetime) -> str | None:
    """What to say of such a point."""
    if lag_seconds(taken_at, now) is not None:
        return None
    ahead = (taken_at - now).total_seconds()
    return f"by this machine's clock the newest point is {ahead:.0f} s in the future: how old it is, is unknown"
