"""The runner for this machine, with real processes."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.remote.factory import runner_for
from cgctl.remote.local import LocalRunner
from drivers.command import Command, Secret
from drivers.errors import ServerRefused, TimedOut

ARGUMENTS = st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=6)
NASTY = [
    "-n",
    "--",
    "it's",
    'a "b"',
    "$(id)",
    "`id`",
    "a\nb\n",
    "\\0041\\",
    "!!",
    "*",
    "~",
    "",
    "é🎉",
    "%s",
    "\x7f\x1b",
]


def printed(*arguments: str) -> Command:
    """Prints each argument between NUL characters, byte for byte."""
    return Command(("printf", "%s\\0", "", *arguments))


def test_no_server_means_this_machine() -> None:
    assert runner_for(None).server == "this machine"


@given(ARGUMENTS)
def test_arguments_arrive_byte_for_byte(arguments: list[str]) -> None:
    completed = LocalRunner().run(printed(*arguments), 5)
    assert completed.stdout == "".join(f"{argument}\0" for argument in ["", *arguments])


def test_exit_status_and_both_outputs_come_back() -> None:
    completed = LocalRunner().run(Command(("sh", "-c", "cat; echo two >&2; exit 7"), stdin="one"), 5)
    assert (completed.exit_status, completed.stdout, completed.stderr) == (7, "one", "two\n")


def test_death_by_a_signal_is_told_as_by_a_shell() -> None:
    assert LocalRunner().run(Command(("sh", "-c", "kill -9 $$")), 5).exit_status == 137


def test_program_that_is_not_there_is_told_as_by_a_shell() -> None:
    completed = LocalRunner().run(Command(("no-such-program",)), 5)
    assert (completed.exit_status, completed.stderr) == (127, "no-such-program: No such file or directory\n")


def test_large_outputs_and_input_do_not_block_each_other() -> None:
    size = 10 * 1024**2
    script = "head -c 10485760 /dev/zero | tr '\\0' e >&2; cat"
    completed = LocalRunner().run(Command(("sh", "-c", script), stdin="o" * size), 60)
    assert completed.stdout == "o" * size
    assert completed.stderr == "e" * size


def test_input_that_is_not_read_is_no_error() -> None:
    assert LocalRunner().run(Command(("true",), stdin="x" * 1024**2), 5).exit_status == 0


def test_time_out_kills_the_whole_group(tmp_path: Path) -> None:
    script = f"trap '' TERM; (echo $$; sh -c 'echo $$; exec sleep 60' & wait) > {tmp_path}/pids; sleep 60"
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"^this machine: no answer within 0.5 s"):
        LocalRunner().run(Command(("sh", "-c", script)), 0.5)
    assert time.monotonic() - began < 5
    time.sleep(0.1)
    for pid in (tmp_path / "pids").read_text().split():
        stat = Path("/proc", pid, "stat")
        assert not stat.exists() or " Z " in stat.read_text()


def test_time_out_lets_a_script_clean_up(tmp_path: Path) -> None:
    script = f"trap 'touch {tmp_path}/cleaned; exit' TERM; sleep 60 & wait"
    with pytest.raises(TimedOut):
        LocalRunner().run(Command(("sh", "-c", script)), 0.3)
    assert (tmp_path / "cleaned").exists()


def test_daemon_that_keeps_the_outputs_open_is_not_waited_for() -> None:
    began = time.monotonic()
    assert LocalRunner().run(Command(("sh", "-c", "sleep 5 & echo started")), 30).stdout == "started\n"
    assert time.monotonic() - began < 4


def test_command_that_the_kernel_finds_too_long_is_refused() -> None:
    with pytest.raises(ServerRefused, match="too long"):
        LocalRunner().run(printed("x" * 200_000), 5)


def test_command_runs_in_a_session_of_its_own() -> None:
    completed = LocalRunner().run(Command(("sh", "-c", "ps -o sid= -p $$")), 5)
    assert int(completed.stdout) != os.getsid(0)


def test_what_is_not_utf_8_is_replaced() -> None:
    assert LocalRunner().run(Command(("printf", "a\\377b")), 5).stdout == "a\ufffdb"


def test_each_command_is_logged_on_one_line_without_its_input(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        LocalRunner().run(Command(("cat",), stdin=Secret("hush-hush"), label="pool/volume.sh create v1"), 5)
    [record] = caplog.records
    assert record.getMessage().startswith("this machine: pool/volume.sh create v1: exit status 0 after 0.")
    assert "hush-hush" not in caplog.text


def test_executions_are_counted() -> None:
    runner = LocalRunner()
    for _ in range(3):
        runner.run(Command(("true",)), 5)
    runner.close()
    assert (runner.executions, runner.connections) == (3, 0)
