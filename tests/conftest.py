"""What holds for all tests: the lab's fixtures, their order, the long form, and that CI leaves nothing out."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.lab.fixtures"]

SUITES = ("unit", "cli", "manager", "contract", "lab", "e2e", "bench")
"""Folders of tests/ in the order in which they run; those not named here run between contract and lab."""

WHOLE = "CGCTL_SOAK"
"""With this variable at 1 everything runs, the long forms, too."""
WHOLE_MACHINES = "CGCTL_VM"
"""With this variable at 1 every test of the virtual machines runs; else those that are marked `telling`."""


def pytest_configure() -> None:
    """No test is timed; and a shell starts what it puts in the background with SIGINT ignored, which every child would

    inherit: then no test could interrupt anything.
    """
    settings.register_profile("untimed", settings(), deadline=None)  # in CI on top of hypothesis' own profile for it
    settings.load_profile("untimed")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs the lab is marked so; fast suites first; the long form only when it is asked for."""
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker("lab")
        if item.get_closest_marker("vm"):
            item.add_marker("lab")
    left_out = {item for item in items if not _is_asked_for(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=_turn)


def _is_asked_for(item: pytest.Item) -> bool:
    if item.get_closest_marker("soak") and os.environ.get(WHOLE) != "1":
        return False
    whole = "1" in (os.environ.get(WHOLE), os.environ.get(WHOLE_MACHINES))
    return whole or not item.get_closest_marker("vm") or item.get_closest_marker("telling") is not None


def _turn(item: pytest.Item) -> tuple[bool, bool, int]:
    """The virtual machines last: they are switched on where the lab has moved the tests to.

    pytest-xdist keeps the order in each of its processes, each of which has a lab of its own.
    """
    suite = item.path.relative_to(Path(__file__).parent).parts[0]
    rank = SUITES.index(suite if suite in SUITES else "lab")
    return item.get_closest_marker("vm") is not None, item.get_closest_marker("lab") is not None, rank


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a part that cannot run is a failure that says why."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out, and CI is set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _fresh_log_levels() -> None:
    """As in a new process: a command line that ran in this one has set levels that the next test shall not see."""
    logging.getLogger().setLevel(logging.WARNING)
    for name in ("cgctl", "drivers"):
        logging.getLogger(name).setLevel(logging.NOTSET)
