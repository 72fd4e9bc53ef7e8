"""Bulk over SSH, by this machine's own `ssh`: against a real sshd. Some seconds."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest

from cgctl.remote.ssh_runner import SshRunner
from cgctl.remote.stream import relay
from drivers import errors
from drivers.command import Command

SEEDED = "import random, sys; sys.stdout.buffer.write(random.Random(3).randbytes({}))"
BYTES = 20_000_003


@pytest.mark.parametrize("bulk", [True, False])
def test_every_byte_of_a_stream_arrives_and_none_of_a_mark(runner: SshRunner, bulk: bool) -> None:
    source = runner.stream(Command(("python3", "-c", SEEDED.format(BYTES))), reads=False, bulk=bulk)
    sink = runner.stream(Command(("sha256sum",)), reads=True, bulk=bulk)
    relayed = relay(source, sink)
    expected = runner.run(Command(("sh", "-c", 'python3 -c "$0" | sha256sum', SEEDED.format(BYTES))), 60).stdout
    assert (relayed.stream_bytes, relayed.received.stdout) == (BYTES, expected)
    assert len(expected.split()[0]) == hashlib.sha256().digest_size * 2


def test_a_sender_that_fails_is_told_after_its_bytes(runner: SshRunner) -> None:
    source = runner.stream(Command(("sh", "-c", "printf some; exit 7")), reads=False, bulk=True)
    relayed = relay(source, runner.stream(Command(("cat",)), reads=True, bulk=True))
    assert (relayed.sent.exit_status, relayed.received.stdout) == (7, "some")


def test_a_connection_that_breaks_in_a_stream_is_no_end_of_it(runner: SshRunner) -> None:
    source = runner.stream(Command(("sh", "-c", 'printf some; kill -KILL "$(ps -o ppid= -p $PPID)"; sleep 60')),
                           reads=False, bulk=True)  # fmt: skip
    with pytest.raises(errors.ConnectionLost):
        relay(source, runner.stream(Command(("cat",)), reads=True, bulk=True))


def test_once_a_stream_is_under_way_nobody_who_is_killed_leaves_a_file(
    runner: SshRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = runner.stream(Command(("cat", "/dev/zero")), reads=False, bulk=True)
    try:
        assert len(source.read()) > 0
        assert list(tmp_path.iterdir()) == []
    finally:
        source.abort()
