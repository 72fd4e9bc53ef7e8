"""Whether the process that holds a lock still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cgctl.store.holder import Holder

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


def in_a_child(program: str) -> str:
    code = f"from cgctl.store.holder import Holder\nme = Holder.current()\n{program}"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_this_process_is_alive_however_old_its_lease() -> None:
    assert not Holder.current().is_gone(EARLIER, NOW)


def test_a_process_that_has_ended_is_gone_at_once() -> None:
    pid, started = in_a_child("print(me.pid, me.started)").split()
    dead = replace(Holder.current(), pid=int(pid), started=started)
    assert dead.is_gone(LATER, NOW)


def test_a_zombie_is_gone() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert replace(Holder.current(), pid=child).is_gone(LATER, NOW)
    os.waitpid(child, 0)


def test_another_process_with_the_same_number_is_not_the_holder() -> None:
    assert replace(Holder.current(), started="1").is_gone(LATER, NOW)


def test_a_program_name_with_spaces_and_brackets_is_read_rightly() -> None:
    """/proc/PID/stat has the name in brackets, and the name may have some itself."""
    from pathlib import Path

    own = Path("/proc/self/comm")
    before = own.read_text()
    own.write_text("a) R 1 (b")
    try:
        assert not Holder.current().is_gone(EARLIER, NOW)
    finally:
        own.write_text(before)


def test_of_another_host_only_the_lease_is_known() -> None:
    far = replace(Holder.current(), space="another boot/pid:[1]")
    assert not far.is_gone(LATER, NOW)
    assert far.is_gone(EARLIER, NOW)
