"""Ctrl-C on a terminal while an activity is waited for: the command asks what shall become of it."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from cgctl.cli.app import main
from tests.manager import gated
from tests.manager.agreement import disagreements, shape
from tests.manager.fixtures import fresh, origin
from tests.manager.house import House

__all__ = ["fresh", "origin"]

PATIENCE_SECONDS = 10.0
"""Then Ctrl-C is pressed again: Python loses one that comes while something is collected."""
FIRST_SECONDS = 2.0
"""Before the first one: it is asked only who waits already."""
WORDS = ("snapshot-replicate", "snap", "beta", "--name", "copy")


def on_a_terminal(house: House, answer: bytes) -> tuple[int, str]:
    """Run the command on a terminal of its own, press Ctrl-C while it waits, and answer; exit code and words."""
    child, terminal = pty.fork()
    if child == 0:
        code = 99
        try:
            sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
            code = main([WORDS[0], *house.words, *WORDS[1:]])
        finally:
            os._exit(code)
    while not house.rows("SELECT 1 FROM operations WHERE state = 'detached'"):
        time.sleep(0.05)
    said, pressed_at = b"", time.monotonic() - PATIENCE_SECONDS + FIRST_SECONDS
    while b"[d]" not in said:
        if time.monotonic() - pressed_at > PATIENCE_SECONDS:
            os.kill(child, signal.SIGINT)
            pressed_at = time.monotonic()
        if select.select([terminal], [], [], 1)[0]:  # what moves there says nothing of whether it was heard
            said += os.read(terminal, 4096)
    os.write(terminal, answer)
    with suppress(OSError):  # the terminal goes with who had it
        while more := os.read(terminal, 4096):
            said += more
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return code, said.decode()


@pytest.fixture
def world(fresh: Callable[[], House]) -> House:
    return fresh()


def test_detach_leaves_it_running(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.install(monkeypatch, world)
    code, said = on_a_terminal(world, b"d\n")
    key = world.rows("SELECT id FROM activities")[0][0]
    assert (code, "leave it running" in said, f"cgctl activity-wait {key}" in said) == (130, True, True), said
    assert world.show("activity-show", key)["state"] == "running"
    gate.touch()
    world.ok("activity-wait", key)
    assert disagreements(world) == []


def test_cancel_leaves_nothing(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, world)
    before = shape(world)
    code, _ = on_a_terminal(world, b"c\n")
    assert code == 130
    assert world.show("activity-list")[0]["state"] == "cancelled"
    assert shape(world) == before
    assert disagreements(world) == []
