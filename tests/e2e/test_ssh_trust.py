"""Who is trusted, and who is let in: against a real sshd. What a hint says is pasted, and mends it."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh_runner import SshRunner
from drivers.command import Command
from drivers.errors import (
    DriverError,
    HandshakeBroken,
    HostKeyChanged,
    HostKeyUnknown,
    LoginRefused,
    NothingListens,
    ServerNotReached,
    Unreachable,
)
from tests.e2e.local_sshd import Sshd, free_port, make_key, public_key, running
from tests.lab.command import wait_until

TRUE = Command(("true",))


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with running(tmp_path) as result:
        yield result


@pytest.fixture
def lonely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with neither keys nor agent; his home."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


def connect(settings: SshSettings) -> None:
    runner = SshRunner(settings)
    try:
        assert runner.run(TRUE, 10).exit_status == 0
    finally:
        runner.close()


def failure(settings: SshSettings, error_class: type[DriverError], connections: int = 0, sent: int = 0) -> DriverError:
    """What it is refused with."""
    runner = SshRunner(settings)
    with pytest.raises(error_class) as raised:
        runner.run(TRUE, 10)
    runner.close()
    assert (runner.executions, runner.connections) == (sent, connections)
    assert raised.value.message.startswith(f"{settings.server}: ")
    return raised.value


def paste(text: str | None, after: str) -> None:
    """Run what a hint says behind these words."""
    assert text is not None
    command = text.partition(after)[2]
    assert command
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)


# Host keys


def test_unknown_host_key_is_refused_and_its_hint_pins_it(sshd: Sshd) -> None:
    sshd.settings.known_hosts.unlink()
    error = failure(sshd.settings, HostKeyUnknown)
    listed = subprocess.check_output(["ssh-keygen", "-lf", str(sshd.host_key("ed25519"))], text=True)
    assert listed.split()[1] in error.message
    paste(error.hint, "pin it: ")
    connect(sshd.settings)


def test_changed_host_key_is_refused_and_its_hint_replaces_it(sshd: Sshd, tmp_path: Path) -> None:
    other = public_key(make_key(tmp_path / "other"))
    sshd.settings.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    error = failure(sshd.settings, HostKeyChanged)
    assert error.message.count("SHA256:") == 2
    paste(error.hint, "replace the pinned one: ")
    connect(sshd.settings)


def test_key_of_another_port_is_not_trusted(sshd: Sshd) -> None:
    pinned = sshd.settings.known_hosts
    pinned.write_text(pinned.read_text().replace(f":{sshd.port} ", f":{sshd.port + 1} "))
    failure(sshd.settings, HostKeyUnknown)


@pytest.mark.parametrize("pinned", ["rsa", "ecdsa", "ed25519"])
def test_server_with_several_host_keys_shows_the_pinned_one(sshd: Sshd, pinned: str) -> None:
    sshd.stop()
    sshd.start(host_key_types=("rsa", "ecdsa", "ed25519"))
    sshd.pin(pinned)
    connect(sshd.settings)


def test_one_of_several_pinned_keys_is_enough(sshd: Sshd) -> None:
    make_key(sshd.host_key("rsa"), "rsa")
    sshd.pin("rsa", "ed25519")
    connect(sshd.settings)


def test_other_type_than_the_pinned_one_counts_as_changed(sshd: Sshd) -> None:
    make_key(sshd.host_key("rsa"), "rsa")
    sshd.pin("rsa")
    failure(sshd.settings, HostKeyChanged)


def test_hashed_known_hosts_is_understood(sshd: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(sshd.settings.known_hosts)], check=True, capture_output=True)
    assert sshd.settings.known_hosts.read_text().startswith("|1|")
    connect(sshd.settings)


def test_known_hosts_of_the_user_is_not_looked_at(sshd: Sshd, lonely: Path) -> None:
    sshd.settings.known_hosts.rename(lonely / ".ssh/known_hosts")
    failure(sshd.settings, HostKeyUnknown)


# Keys and users


def test_wrong_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    error = failure(replace(sshd.settings, identity_file=make_key(tmp_path / "wrong")), LoginRefused)
    assert error.hint is not None
    assert "authorized_keys" in error.hint


def test_wrong_user_is_refused(sshd: Sshd) -> None:
    failure(replace(sshd.settings, user="no-such-user"), LoginRefused)


@pytest.mark.parametrize("key_type", ["rsa", "ecdsa"])
def test_other_types_of_keys_log_in(sshd: Sshd, tmp_path: Path, key_type: str) -> None:
    key = make_key(tmp_path / "id", key_type)
    (tmp_path / "authorized_keys").write_text(public_key(key))
    connect(replace(sshd.settings, identity_file=key))


def test_missing_identity_file_is_told_with_the_command_that_makes_one(sshd: Sshd, tmp_path: Path) -> None:
    missing = tmp_path / "my keys/id"
    missing.parent.mkdir()
    error = failure(replace(sshd.settings, identity_file=missing), LoginRefused)
    assert "No such file" in error.message
    paste(error.hint, "is made by: ")
    assert missing.exists()


def test_identity_file_with_a_passphrase_is_refused_and_nobody_is_asked(sshd: Sshd, tmp_path: Path) -> None:
    for key_type in ("ed25519", "rsa"):
        key = make_key(tmp_path / key_type, key_type, passphrase="hush-hush")
        assert "passphrase" in failure(replace(sshd.settings, identity_file=key), LoginRefused).message


def test_public_key_as_identity_file_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    error = failure(replace(sshd.settings, identity_file=tmp_path / "id_ed25519.pub"), LoginRefused)
    assert "not a usable private key" in error.message


def test_without_identity_file_the_keys_of_the_user_are_offered(sshd: Sshd, lonely: Path, tmp_path: Path) -> None:
    settings = replace(sshd.settings, identity_file=None)
    assert "no key" in failure(settings, LoginRefused).message
    (lonely / ".ssh/id_ed25519").write_bytes((tmp_path / "id_ed25519").read_bytes())
    connect(settings)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An agent that has the right key."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        while not path.exists():
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", str(tmp_path / "id_ed25519")], check=True)
        yield path
        process.terminate()


def test_without_identity_file_the_keys_of_the_agent_are_offered(sshd: Sshd, lonely: Path, agent: Path) -> None:
    os.environ["SSH_AUTH_SOCK"] = str(agent)
    connect(replace(sshd.settings, identity_file=None))


def test_agent_is_not_asked_when_there_is_an_identity_file(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    failure(replace(sshd.settings, identity_file=make_key(tmp_path / "wrong")), LoginRefused)


# Logins that run nothing


def test_forced_command_means_that_nothing_ran_and_its_words_are_told(sshd: Sshd) -> None:
    sshd.stop()
    sshd.start(extra="ForceCommand echo welcome; echo only backups are allowed here >&2; exit 5")
    assert "only backups are allowed here" in failure(sshd.settings, LoginRefused, connections=1, sent=1).message


def test_server_that_grants_no_session_is_told(sshd: Sshd) -> None:
    sshd.stop()
    sshd.start(extra="MaxSessions 0")
    assert "no session was granted" in failure(sshd.settings, LoginRefused, connections=1).message


# No connection


def test_closed_port_is_unreachable(sshd: Sshd) -> None:
    assert "connection refused" in failure(replace(sshd.settings, port=free_port()), NothingListens).message


def test_name_that_does_not_resolve_is_unreachable(sshd: Sshd) -> None:
    assert "cannot be resolved" in failure(replace(sshd.settings, host="stor1.invalid"), Unreachable).message
    failure(replace(sshd.settings, host="x" * 70), Unreachable)


def test_port_where_nobody_speaks_is_unreachable_in_time(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = replace(sshd.settings, port=server.getsockname()[1], connect_timeout_seconds=1)
        began = time.monotonic()
        failure(settings, Unreachable)
        assert time.monotonic() - began < 4


def test_too_many_connections_for_a_moment_are_no_failure(sshd: Sshd) -> None:
    sshd.stop()
    sshd.start(extra="MaxStartups 1")
    with socket.create_connection(("127.0.0.1", sshd.port)) as in_the_way:
        in_the_way.recv(16)  # it is accepted, and counts
        leaves = threading.Timer(0.5, in_the_way.shutdown, (socket.SHUT_RDWR,))
        leaves.start()
        connect(replace(sshd.settings, connect_timeout_seconds=60))
        leaves.join()


def test_server_that_stands_still_for_a_moment_is_asked_again(sshd: Sshd, caplog: pytest.LogCaptureFixture) -> None:
    """As when the machine is so loaded that nobody answers in time: seen in CI as `No existing session`."""
    assert sshd.process
    sshd.process.send_signal(signal.SIGSTOP)
    goes_on = threading.Thread(target=_when_told, args=(caplog, "again in", sshd.process))
    with caplog.at_level("DEBUG", "cgctl.remote.connecting"):
        goes_on.start()
        connect(replace(sshd.settings, connect_timeout_seconds=3))
        goes_on.join()


def _when_told(caplog: pytest.LogCaptureFixture, words: str, process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: words in caplog.text, words)
    process.send_signal(signal.SIGCONT)


def test_key_is_not_shown_again_and_again_to_a_server_that_hangs_up(sshd: Sshd) -> None:
    sshd.stop()
    sshd.start(extra="MaxAuthTries 1")
    stranger = make_key(sshd.directory / "stranger")
    error = failure(replace(sshd.settings, identity_file=stranger), HandshakeBroken)
    assert "closed during the login" in error.message
    assert error.hint is not None
    assert "authorized_keys" in error.hint
    assert (sshd.directory / "sshd.log").read_text().count("Too many authentication failures") <= 2


def test_port_of_another_protocol_is_unreachable(sshd: Sshd) -> None:
    def speak(server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                connection, _ = server.accept()
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=speak, args=(server,), daemon=True).start()
        settings = replace(sshd.settings, port=server.getsockname()[1], connect_timeout_seconds=1)
        assert "no SSH connection" in failure(settings, HandshakeBroken).message


def test_every_one_of_these_says_that_nothing_ran() -> None:
    for error_class in (Unreachable, HostKeyUnknown, HostKeyChanged, LoginRefused):
        assert issubclass(error_class, ServerNotReached)


def test_refusals_leave_nothing_on_the_terminal(sshd: Sshd, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers, kept = [], logging.getLogger().handlers
    try:
        failure(replace(sshd.settings, user="no-such-user"), LoginRefused)
        failure(replace(sshd.settings, port=free_port()), Unreachable)
    finally:
        logging.getLogger().handlers = kept
    assert capfd.readouterr() == ("", "")


def test_user_of_this_test_is_the_one_that_logs_in(sshd: Sshd) -> None:
    runner = SshRunner(sshd.settings)
    assert runner.run(Command(("id", "-un")), 10).stdout.strip() == getpass.getuser()
    runner.close()
