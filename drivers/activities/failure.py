"""Why an activity failed, as the error that a script of a driver would have raised."""

from __future__ import annotations

from drivers import errors, refusals
from drivers.activities.values import ActivityReport
from drivers.runner import Completed


def failure_of(report: ActivityReport) -> errors.DriverError:
    """From the last words of its log: a refusal is what it refused, anything else ServerFailed."""
    try:
        refusals.result(Completed(report.exit_status or 1, "", report.reason), "activity")
    except errors.DriverError as error:
        error.message = error.message.removeprefix("activity: ")
        return error
    raise AssertionError(report)
