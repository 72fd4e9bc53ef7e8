"""SSH to the lab's servers: sudo, profiles and shells of other users, cut cables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from cgctl.remote import dial
from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh_runner import SshRunner
from drivers.command import Command
from drivers.errors import ConnectionLost, LoginRefused, SudoRefused, TimedOut, Unreachable
from tests.lab import Host, Lab

pytestmark = pytest.mark.lab

TRUE = Command(("true",))

Connect = Callable[..., SshRunner]


@pytest.fixture
def connect(lab: Lab, stor1: Host, clean_pools: None) -> Iterator[Connect]:
    """A runner to stor1; settings may differ."""
    runners: list[SshRunner] = []
    own = SshSettings(stor1.ip, "cgctl", lab.known_hosts, identity_file=lab.identity_file, connect_timeout_seconds=2)

    def connected(**changes: object) -> SshRunner:
        runners.append(SshRunner(replace(own, **changes)))  # type: ignore[arg-type]
        return runners[-1]

    yield connected
    for runner in runners:
        runner.close()


@pytest.fixture
def profile_of_nosudo(stor1: Host) -> Iterator[Callable[[str], None]]:
    """Write the profile of the user nosudo; it is emptied afterwards."""

    def write(text: str) -> None:
        stor1.run(["tee", "/home/nosudo/.bashrc"], input=text)

    yield write
    write("")


@pytest.mark.parametrize("user", ["cgctl", "noisy"])
def test_sudo_runs_as_root_and_a_noisy_profile_is_not_heard(connect: Connect, user: str) -> None:
    completed = connect(user=user, sudo=True).run(Command(("sh", "-c", "id -un; echo oops >&2; exit 3")), 10)
    assert (completed.exit_status, completed.stdout, completed.stderr) == (3, "root\n", "oops\n")


def test_input_passes_through_sudo(connect: Connect) -> None:
    assert connect(sudo=True).run(Command(("cat",), stdin="secret"), 10).stdout == "secret"


def test_noisy_profile_is_not_heard_without_sudo(connect: Connect) -> None:
    completed = connect(user="noisy").run(Command(("id", "-un")), 10)
    assert (completed.stdout, completed.stderr) == ("noisy\n", "")


def test_refused_sudo_ran_nothing_and_says_what_to_add(connect: Connect, stor1: Host) -> None:
    runner = connect(user="nosudo", sudo=True)
    with pytest.raises(SudoRefused, match=r"^nosudo@10\.77\.0\.1:22: sudo: a password is required$") as raised:
        runner.run(Command(("touch", "/tmp/ran")), 10)
    assert raised.value.hint is not None
    stor1.run(["test", "!", "-e", "/tmp/ran"])
    stor1.script(raised.value.hint.partition("as root: ")[2])
    try:
        assert runner.run(Command(("id", "-un")), 10).stdout == "root\n"
    finally:
        stor1.run(["rm", "/etc/sudoers.d/cgctl-nosudo"])


def test_server_without_sudo_is_told(connect: Connect, stor1: Host) -> None:
    stor1.run(["mount", "--bind", "/dev/null", "/usr/bin/sudo"])
    try:
        with pytest.raises(SudoRefused, match="sudo: "):
            connect(sudo=True).run(TRUE, 10)
    finally:
        stor1.run(["umount", "/usr/bin/sudo"])


def test_script_that_speaks_like_sudo_is_not_taken_for_it(connect: Connect) -> None:
    completed = connect(sudo=True).run(Command(("sh", "-c", "echo 'sudo: a password is required' >&2; exit 1")), 10)
    assert (completed.exit_status, completed.stderr) == (1, "sudo: a password is required\n")


def test_profile_that_exits_means_that_nothing_ran(connect: Connect, profile_of_nosudo: Callable[[str], None]) -> None:
    profile_of_nosudo("echo 'closed for maintenance'; exit 0\n")
    with pytest.raises(LoginRefused, match="before the command began: closed for maintenance"):
        connect(user="nosudo").run(TRUE, 10)


def test_profile_that_shows_every_command_changes_nothing(
    connect: Connect, profile_of_nosudo: Callable[[str], None]
) -> None:
    profile_of_nosudo("set -xv\n")
    completed = connect(user="nosudo").run(Command(("sh", "-c", "echo out; echo err >&2")), 10)
    assert (completed.stdout, completed.stderr) == ("out\n", "err\n")


def test_account_without_a_shell_means_that_nothing_ran(connect: Connect, stor1: Host) -> None:
    stor1.run(["usermod", "--shell", "/usr/sbin/nologin", "nosudo"])
    try:
        with pytest.raises(LoginRefused, match="This account is currently not available"):
            connect(user="nosudo").run(TRUE, 10)
    finally:
        stor1.run(["usermod", "--shell", "/bin/bash", "nosudo"])


def test_cut_cable_before_the_login_is_unreachable_in_time(connect: Connect, stor1: Host) -> None:
    stor1.cut()
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer within 2 s|No route to host"):
        connect().run(TRUE, 10)
    assert time.monotonic() - began < 5


def test_cut_cable_in_the_middle_of_a_script_is_a_time_out(connect: Connect, stor1: Host) -> None:
    runner = connect()
    runner.run(TRUE, 10)
    threading.Timer(0.3, stor1.cut).start()
    began = time.monotonic()
    with pytest.raises(TimedOut):
        runner.run(Command(("sleep", "5")), 1.5)
    assert time.monotonic() - began < 4
    stor1.join()
    assert runner.run(TRUE, 10).exit_status == 0


def test_silent_server_counts_as_lost_long_before_a_long_time_out(
    connect: Connect, stor1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "SILENCE_SECONDS", 3)
    runner = connect()
    runner.run(TRUE, 10)
    threading.Timer(0.3, stor1.cut).start()
    began = time.monotonic()
    with pytest.raises(ConnectionLost):
        runner.run(Command(("sleep", "600")), 600)
    assert time.monotonic() - began < 40


def test_short_cut_is_survived(connect: Connect, stor1: Host) -> None:
    runner = connect()
    runner.run(TRUE, 10)
    threading.Timer(0.3, stor1.cut).start()
    threading.Timer(2, stor1.join).start()
    assert runner.run(Command(("sh", "-c", "sleep 1; echo done")), 30).stdout == "done\n"


def test_killed_server_is_not_an_answer(connect: Connect, stor1: Host) -> None:
    runner = connect()
    runner.run(TRUE, 10)
    killer = threading.Timer(0.5, stor1.stop_sshd)
    killer.start()
    try:
        with pytest.raises(ConnectionLost):
            runner.run(Command(("sleep", "600")), 600)
        killer.join()
        with pytest.raises(Unreachable, match="connection refused"):
            runner.run(TRUE, 10)
    finally:
        killer.join()
        stor1.start_sshd()


def delayed_acknowledgements(host: Host) -> int:
    """How often this server's kernel has let a sender wait for its ACK."""
    names, values = (
        line.split()
        for line in host.run(["cat", "/proc/net/netstat"]).stdout.splitlines()
        if line.startswith("TcpExt:")
    )
    return int(values[names.index("DelayedACKs")])


def test_no_command_waits_for_a_delayed_acknowledgement(connect: Connect, stor1: Host) -> None:
    runner = connect()
    runner.run(TRUE, 10)
    before = delayed_acknowledgements(stor1)
    for _ in range(40):
        runner.run(TRUE, 10)
    assert delayed_acknowledgements(stor1) - before < 20
