"""From what a script leaves to a result or a typed error: the one place where exit status and stderr are read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drivers import errors
from drivers.runner import Completed

REFUSALS: dict[str, type[errors.ServerRefused]] = {
    "tool-missing": errors.ToolMissing,
    "pool-missing": errors.PoolMissing,
    "pool-unmarked": errors.PoolUnmarked,
    "pool-foreign": errors.PoolForeign,
    "pool-full": errors.PoolFull,
    "not-on-server": errors.NotOnServer,
    "already-on-server": errors.AlreadyOnServer,
    "busy": errors.Busy,
    "at-work": errors.AtWork,
    "point-changed": errors.PointChanged,
    "hold-broken": errors.HoldBroken,
    "damaged": errors.Damaged,
    "refused": errors.ServerRefused,
}
"""The words of `refuse` in drivers/prelude.sh."""

_REFUSED = re.compile(r"^cgctl-refused (?P<word>[a-z-]+): (?P<text>.*)$", re.M)

Table = Iterable[tuple[re.Pattern[str], type[errors.DriverError]]]


def result(completed: Completed, server: str, table: Table = ()) -> str:
    """The standard output of a script that succeeded; else the error that its stderr stands for.

    table: (anchored pattern, class) rows for the wording of the tools that this script calls.
    """
    if completed.exit_status == 0:
        return completed.stdout
    refused = _REFUSED.search(completed.stderr)
    if refused and refused["word"] in REFUSALS:
        raise REFUSALS[refused["word"]](f"{server}: {refused['text']}")
    for pattern, error_class in table:
        found = pattern.search(completed.stderr)
        if found:
            raise error_class(f"{server}: {found[0]}")
    told = [line.strip() for line in completed.stderr.splitlines() if not line.lstrip().startswith("WARNING")]
    last = [line for line in told if line][-1:] or [f"exit status {completed.exit_status}"]
    raise errors.ServerFailed(f"{server}: {last[0]}")
