"""What stands around a transfer on servers (`carry.pl`, `door.pl`), as real processes of this machine; under 10 s."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pytest

from cgctl.remote.direct import servers
from cgctl.remote.direct.carrying import NoWay, arriving, deliver, departing
from cgctl.remote.direct.servers import Able
from cgctl.remote.local import LocalRunner
from cgctl.remote.settings import SshSettings
from cgctl.remote.stream import Relayed, nobody_follows
from cgctl.remote.transfer import compression_of
from drivers.command import Command

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
DOOR = str(resources.files("cgctl.remote.direct").joinpath("door.pl"))
SWALLOW = Command(("sh", "-c", "sha256sum"))


def sending(size: int) -> Command:
    return Command(("sh", "-c", f"yes abcdefghijklmnopqrstuvwxyz | head -c {size}"))


def far_side(inbox: Path, word: str) -> tuple[str, ...]:
    """What sshd would start, without the network between."""
    return ("env", f"SSH_ORIGINAL_COMMAND={word}", "perl", DOOR, str(inbox))


def delivered(tmp_path: Path, size: int, compression: str, pace: int | None = None) -> Relayed:
    here, word = LocalRunner(), secrets.token_hex(16)
    receive = arriving(SWALLOW, str(tmp_path / "arriving"), compression, str(tmp_path / word))
    send = departing(sending(size), str(tmp_path / "departing"), compression, pace, far_side(tmp_path, word))
    receiver = here.stream(receive, reads=True)
    return deliver(here.stream(send, reads=False), receiver, 20, nobody_follows, "alpha")


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_what_departs_arrives_and_nothing_is_left(tmp_path: Path, compression: str) -> None:
    size = 20_000_000
    relayed = delivered(tmp_path, size, compression)
    sent = (b"abcdefghijklmnopqrstuvwxyz\n" * (size // 27 + 1))[:size]
    assert relayed.received.stdout.split()[0] == hashlib.sha256(sent).hexdigest()
    assert (relayed.stream_bytes == size) == (compression == "none")
    assert 0 < relayed.stream_bytes <= size
    assert list(tmp_path.iterdir()) == []


def test_a_pace_is_kept_on_the_servers(tmp_path: Path) -> None:
    assert delivered(tmp_path, 2_000_000, "none", 2_000_000).seconds > 0.7


def test_a_door_that_nobody_opened_is_no_way_and_says_so(tmp_path: Path) -> None:
    here = LocalRunner()
    refused = ("sh", "-c", "echo 'Permission denied (publickey).' >&2; exit 255")
    send = departing(sending(100), str(tmp_path / "departing"), "none", None, refused)
    receive = arriving(SWALLOW, str(tmp_path / "arriving"), "none", str(tmp_path / secrets.token_hex(16)))
    receiver = here.stream(receive, reads=True)
    with pytest.raises(NoWay, match="Permission denied"):
        deliver(here.stream(send, reads=False), receiver, 20, nobody_follows, "alpha")


@pytest.mark.parametrize("word", ["", "ls", "../" + "0" * 29, "0" * 32, "0" * 32 + "; id"])
def test_the_door_knows_no_word_but_that_of_a_waiting_receive(tmp_path: Path, word: str) -> None:
    (tmp_path / "secret").write_text("kept")
    ran = subprocess.run(
        ["perl", DOOR, str(tmp_path)],
        input=b"x", capture_output=True, timeout=60, check=False,
        env={**os.environ, "SSH_ORIGINAL_COMMAND": word},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, b"")


def test_a_carrier_ends_with_its_lifeline(tmp_path: Path) -> None:
    command = departing(Command(("sleep", "1000")), str(tmp_path / "departing"), "none")
    with subprocess.Popen(command.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(b".")
        process.stdin.close()
        assert process.wait(30) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_newer_carrier_of_a_group_ends_an_older_one(tmp_path: Path) -> None:
    note = tmp_path / "departing"
    old = subprocess.Popen(departing(Command(("sleep", "1000")), str(note), "none").argv, stdin=subprocess.PIPE)
    while not note.exists() or not note.read_text():
        time.sleep(0.05)
    newer = departing(Command(("echo", "new")), str(note), "none").argv
    new = subprocess.Popen(newer, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert new.stdout
    assert new.stdout.read() == b"new\n"
    assert (old.wait(30), new.wait(30)) == (1, 0)


def test_only_what_both_servers_have_compresses() -> None:
    both, one, none = (Able(frozenset(tools), "/run") for tools in (("perl", "zstd", "gzip"), ("perl", "gzip"), ()))
    assert compression_of("zstd", (both, both)) == "zstd"
    assert compression_of("zstd", (both, one)) == "gzip"
    assert compression_of("gzip", (both, both)) == "gzip"
    assert compression_of("zstd", (both, none)) == compression_of("none", (both, both)) == "none"


def test_the_host_is_proven_by_the_pinned_key_alone() -> None:
    settings = SshSettings("fe80::1", "cgctl", Path("/nowhere"), 2222)
    words = " ".join(
        servers.ssh_words(settings, None, "/root/.ssh/cgctl/way/known_hosts", "/root/.ssh/cgctl/way/key", "word")
    )
    for option in ("StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "IdentityAgent=none", "-F none"):
        assert option in words
    assert words.endswith("-p 2222 -l cgctl fe80::1 word")
    assert " ".join(servers.ssh_words(settings, "[fe80::2]:22", "k", "i", "w")).endswith("-p 22 -l cgctl fe80::2 w")


@pytest.mark.parametrize("name", ["source", "destination", "revoke"])
def test_the_scripts_are_clean_for_shellcheck(name: str) -> None:
    script = servers.text("place.sh") + servers.text(f"{name}.sh")
    argv = [str(SHELLCHECK), "-s", "sh", "-"]
    assert subprocess.run(argv, input=script, text=True, capture_output=True, check=False).stdout == ""
