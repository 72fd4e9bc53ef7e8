"""Commands over a real sshd: what arrives, what comes back, and what is said when no answer comes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cgctl.remote import liveness
from cgctl.remote.factory import runner_for
from cgctl.remote.framing import LINE_LIMIT_BYTES
from cgctl.remote.ssh_runner import SshRunner
from drivers.command import Command, Secret
from drivers.errors import ConnectionLost, ServerRefused, TimedOut
from tests.e2e.local_sshd import Sshd

ARGUMENTS = st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=6)
NASTY = (
    "-n",
    "--",
    "it's",
    'a "b"',
    "$(id)`id`$HOME",
    "a\n\nb\n",
    "\\0041\\",
    "!!",
    "*~{a,b}",
    "",
    "é🎉",
    "%s",
    "\x1b\x7f",
)
TRUE = Command(("true",))


def shell(script: str, *parameters: str, stdin: str | Secret = "") -> Command:
    return Command(("sh", "-c", script, "sh", *parameters), stdin)


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def later(seconds: float, action: Callable[[], None]) -> None:
    threading.Timer(seconds, action).start()


# What arrives and comes back


def test_factory_gives_an_ssh_runner_that_has_not_connected_yet(sshd: Sshd) -> None:
    runner = runner_for(sshd.settings)
    assert isinstance(runner, SshRunner)
    assert (runner.server, runner.connections) == (sshd.settings.server, 0)


def test_paramiko_is_not_imported_before_a_connection_is_needed() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from cgctl.remote.factory import runner_for; from cgctl.remote.settings import SshSettings\n"
        "runner_for(SshSettings('stor1', 'u', Path('known_hosts'))).close(); assert 'paramiko' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("argument", NASTY)
def test_nasty_argument_arrives_byte_for_byte(runner: SshRunner, argument: str) -> None:
    assert runner.run(Command(("printf", "%s", argument)), 10).stdout == argument


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=ARGUMENTS)
def test_arguments_arrive_byte_for_byte(runner: SshRunner, arguments: list[str]) -> None:
    completed = runner.run(Command(("printf", "%s\\0", "", *arguments)), 10)
    assert completed.stdout == "".join(f"{argument}\0" for argument in ["", *arguments])


def test_exit_status_input_and_both_outputs(runner: SshRunner) -> None:
    completed = runner.run(shell("cat; echo two >&2; exit 7", stdin="one"), 10)
    assert (completed.exit_status, completed.stdout, completed.stderr) == (7, "one", "two\n")


def test_command_without_input_sees_its_end_at_once(runner: SshRunner) -> None:
    assert runner.run(Command(("cat",)), 10).stdout == ""


def test_death_by_a_signal_is_told_as_by_a_shell(runner: SshRunner) -> None:
    assert runner.run(shell("kill -9 $$"), 10).exit_status == 137


def test_missing_program_is_told_as_by_a_shell(runner: SshRunner) -> None:
    completed = runner.run(Command(("no-such-program",)), 10)
    assert completed.exit_status == 127
    assert "no-such-program" in completed.stderr


def test_ten_mebibytes_on_every_stream_do_not_block_each_other(runner: SshRunner) -> None:
    size = 10 * 1024**2
    script = "head -c 10485760 /dev/zero | tr '\\0' e >&2; cat"
    completed = runner.run(shell(script, stdin="o" * size), 120)
    assert completed.stdout == "o" * size
    assert completed.stderr == "e" * size


def test_large_input_that_is_not_read_is_no_error(runner: SshRunner) -> None:
    assert runner.run(shell("exit 4", stdin="x" * 10 * 1024**2), 30).exit_status == 4
    assert runner.run(TRUE, 10).exit_status == 0


def test_script_of_10_kib_with_64_members_of_4_ids_passes(runner: SshRunner) -> None:
    ids = [str(uuid.uuid4()) for _ in range(64 * 4)]
    script = '# it\'s "quoted" \\\\ and $(long)\n' * 330 + 'echo $#; printf %s "$*"'
    completed = runner.run(shell(script, *ids), 10)
    assert len(script) > 10 * 1024
    assert completed.stdout == f"256\n{' '.join(ids)}"


def test_command_over_the_kernels_limit_is_refused_before_it_is_sent(runner: SshRunner) -> None:
    with pytest.raises(ServerRefused, match=rf"too long: \d+ of {LINE_LIMIT_BYTES} bytes"):
        runner.run(shell("echo", "x" * LINE_LIMIT_BYTES), 10)
    assert runner.connections == 0


def test_command_just_below_the_limit_runs(runner: SshRunner) -> None:
    argument = "x" * (LINE_LIMIT_BYTES - 2000)
    assert runner.run(Command(("printf", "%s", argument)), 10).stdout == argument


def test_nul_in_an_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Command(("echo", "a\0b"))


def test_daemon_that_keeps_the_outputs_open_is_not_waited_for(runner: SshRunner) -> None:
    began = time.monotonic()
    assert runner.run(shell("sleep 6 & echo started"), 30).stdout == "started\n"
    assert time.monotonic() - began < 5


# One connection


def test_one_connection_serves_all_commands(runner: SshRunner, sshd: Sshd) -> None:
    logins = sshd.logins()
    for _ in range(5):
        runner.run(TRUE, 10)
    assert (runner.executions, runner.connections) == (5, 1)
    assert sshd.logins() == logins + 1


def test_close_twice_is_fine_and_a_later_command_connects_again(runner: SshRunner) -> None:
    runner.close()
    runner.run(TRUE, 10)
    runner.close()
    runner.close()
    assert runner.run(TRUE, 10).exit_status == 0
    assert runner.connections == 2


def test_connection_that_died_between_two_commands_is_made_anew(runner: SshRunner, sshd: Sshd) -> None:
    runner.run(TRUE, 10)
    sshd.kill_sessions()
    assert runner.run(TRUE, 10).exit_status == 0
    assert (runner.executions, runner.connections) == (2, 2)


# No answer


def test_time_out_is_told_from_a_lost_connection(runner: SshRunner) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"no answer within 0.5 s") as raised:
        runner.run(Command(("sleep", "7")), 0.5)
    assert time.monotonic() - began < 3
    assert raised.value.message.startswith(f"{runner.server}: ")
    assert runner.run(TRUE, 10).exit_status == 0


def test_script_that_writes_without_end_times_out(runner: SshRunner) -> None:
    with pytest.raises(TimedOut):
        runner.run(shell("while echo line; do sleep 0.01; done"), 0.5)


def test_script_that_reads_nothing_of_a_large_input_times_out(runner: SshRunner) -> None:
    with pytest.raises(TimedOut):
        runner.run(shell("sleep 7", stdin="x" * 10 * 1024**2), 0.5)


def test_killed_sshd_loses_the_connection_and_the_script_ends_its_work(
    runner: SshRunner, sshd: Sshd, tmp_path: Path
) -> None:
    began = tmp_path / "began"

    def kill_once_it_runs() -> None:
        wait_until(began.exists)
        sshd.kill_sessions()

    later(0, kill_once_it_runs)
    with pytest.raises(ConnectionLost, match="before the answer was complete"):
        runner.run(shell('touch "$1"; sleep 1.5; touch "$2"', str(began), str(tmp_path / "done")), 30)
    assert not (tmp_path / "done").exists()
    wait_until((tmp_path / "done").exists)
    assert runner.executions == 1


def test_silent_sshd_whose_kernel_answers_counts_as_lost(
    runner: SshRunner, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server that vanishes behind a port forward, a NAT box or a jump host: TCP is well."""
    monkeypatch.setattr(liveness, "SLICE_SECONDS", 0.3)
    runner.run(TRUE, 10)
    later(0.2, lambda: sshd.signal_sessions(signal.SIGSTOP))
    try:
        with pytest.raises(ConnectionLost, match="before the answer was complete"):
            runner.run(Command(("sleep", "600")), 600)
    finally:
        sshd.signal_sessions(signal.SIGCONT)


def test_command_that_says_nothing_for_long_is_not_given_up(
    runner: SshRunner, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "SLICE_SECONDS", 0.1)
    assert runner.run(shell("sleep 5; echo done"), 30).stdout == "done\n"
    assert runner.connections == 1


def test_killed_login_shell_is_a_lost_answer(runner: SshRunner) -> None:
    with pytest.raises(ConnectionLost):
        runner.run(shell("kill -9 $PPID; sleep 0.2"), 10)


def test_script_ends_its_work_after_cgctl_was_killed(sshd: Sshd, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from cgctl.remote.factory import runner_for; from cgctl.remote.settings import SshSettings\n"
        "from drivers.command import Command\n"
        "user, port, key, known, began, ended = sys.argv[1:]\n"
        "settings = SshSettings('127.0.0.1', user, Path(known), int(port), Path(key))\n"
        'script = \'touch "$1"; sleep 1; touch "$2"\'\n'
        "runner_for(settings).run(Command(('sh', '-c', script, 'sh', began, ended)), 30)"
    )
    own = sshd.settings
    parameters = [own.user, str(own.port), str(own.identity_file), str(own.known_hosts)]
    marks = [tmp_path / "began", tmp_path / "ended"]
    with subprocess.Popen([sys.executable, "-c", program, *parameters, *map(str, marks)]) as process:
        wait_until(marks[0].exists)
        process.kill()
    assert not marks[1].exists()
    wait_until(marks[1].exists)


def test_ctrl_c_leaves_the_connection_usable(runner: SshRunner) -> None:
    runner.run(TRUE, 10)
    later(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        runner.run(Command(("sleep", "5")), 10)
    assert runner.run(Command(("echo", "mine")), 10).stdout == "mine\n"


# Secrets


def test_secret_input_is_neither_in_the_process_list_nor_in_the_logs(
    runner: SshRunner, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f"hush-{uuid.uuid4().hex}"
    look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    with caplog.at_level(logging.DEBUG):
        completed = runner.run(shell(f"read -r given; {look}; echo ${{#given}}", stdin=Secret(secret + "\n")), 30)
    assert completed.stdout.endswith(f"\n{len(secret)}\n")
    assert "read -r given" in completed.stdout
    assert secret not in completed.stdout
    assert secret not in caplog.text


def test_each_command_is_one_line_in_the_log(runner: SshRunner, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        runner.run(Command(("true",), label="btrfs/pool.sh check"), 10)
    [record] = caplog.records
    assert record.getMessage().startswith(f"{runner.server}: btrfs/pool.sh check: exit status 0 after ")
