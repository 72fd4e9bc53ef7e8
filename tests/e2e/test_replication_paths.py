"""How recovery points travel between real servers: directly, relayed, compressed, limited; cut, stalled, taken over."""

from __future__ import annotations

import io
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.e2e.cluster import POOL, SOAK, Cluster
from tests.e2e.replicated import ALLOWED, HOME, Pair

pytestmark = pytest.mark.lab

MIB = 1024 * 1024
CUT_SECONDS = 65.0 if SOAK else 12.0
"""Longer than a stall needs to be noticed; TCP alone survives the short one."""
SYNC = ("group-sync-replication", "db")


@pytest.fixture
def pair(cluster: Cluster) -> Pair:
    return Pair.build(cluster, count=1, size="64M")


def status(pair: Pair) -> dict[str, Any]:
    (row,) = pair.cluster.run("group-replication-status", "db", "-f", "json").json
    return dict(row)


def write_data(pair: Pair, megabytes: int, seed: int = 1) -> None:
    with pair.disks("alpha")[0].open("r+b") as file:
        file.write(random.Random(seed).randbytes(megabytes * MIB))


def reconfigure(pair: Pair, **target: object) -> None:
    backends = pair.cluster.backends()
    backends["beta"]["export"] = {"protocol": "iscsi", "server": "tgt", "portal": f"{pair.cluster.lab.stor2.ip}:3260"}
    backends["beta"]["availability_zone"] = "elsewhere"
    backends["alpha"]["replication_targets"] = [{"backend_id": "dr1", "backend": "beta", "rpo": "1h", **target}]
    pair.cluster.configure(backends=backends)


def assert_replicated(pair: Pair) -> None:
    point = status(pair)["point_id"]
    ours, theirs = (pair.set_disks(backend, point)[0].read_bytes() for backend in ("alpha", "beta"))
    assert ours == theirs == pair.disks("alpha")[0].read_bytes()
    assert pair.left_behind() == []


def authorized_keys(pair: Pair, backend: str) -> list[str]:
    home = {"alpha": "/home/cgctl", "beta": "/root"}[backend]
    text = pair.host(backend).path(f"{home}/.ssh/authorized_keys").read_text()
    return [line for line in text.splitlines() if f"cgctl-replication {owner(pair)}" in line]


def owner(pair: Pair) -> str:
    """The lab's servers keep the homes of other tests, whose states are others."""
    return pair.host("alpha").path(POOL / ".cgctl/owner").read_text().strip()


def test_servers_that_reach_each_other_need_no_relay(pair: Pair) -> None:
    write_data(pair, 32)
    pair.sync()
    row = status(pair)
    assert (row["path"], row["compression"], row["path_note"]) == ("direct", "none", None)
    assert row["stream_bytes"] > 32 * MIB
    assert_replicated(pair)
    pair.fail_over("beta")
    pair.sync()
    assert status(pair)["path"] == "direct"
    assert len(authorized_keys(pair, "alpha")) == len(authorized_keys(pair, "beta")) == 1


def test_a_key_can_do_nothing_but_deliver_and_goes_with_the_last_group(pair: Pair) -> None:
    (line,) = authorized_keys(pair, "beta")
    assert line.startswith('restrict,command="exec perl .ssh/cgctl/door.pl /run/cgctl/')
    (key,) = pair.host("alpha").path("/root/.ssh/cgctl").glob(f"{owner(pair)}.*/key")
    assert key.stat().st_mode & 0o777 == 0o600
    inside = f"/root/.ssh/cgctl/{key.parent.name}"
    ssh = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-i", f"{inside}/key", "-o", "HostKeyAlias=cgctl"]
    ssh += ["-o", f"UserKnownHostsFile={inside}/known_hosts", f"root@{pair.host('beta').ip}"]
    for words in (["touch", "/root/here"], ["0" * 32], [f"../../{'0' * 29}"]):
        assert pair.host("alpha").run([*ssh, *words], input="", check=False).returncode == 2, words
    assert not pair.host("beta").path("/root/here").exists()
    assert pair.host("alpha").run([*ssh, "-N", "-o", "ExitOnForwardFailure=yes", "-R", "9999:localhost:22"],
                                  check=False).returncode == 255  # fmt: skip
    pair.cluster.run("group-disable-replication", "db")
    assert authorized_keys(pair, "beta") == []
    assert pair.host("beta").path("/root/.ssh/authorized_keys").read_text()
    assert not list(pair.host("alpha").path("/root/.ssh/cgctl").glob(f"{owner(pair)}.*"))


def test_a_source_that_does_not_reach_the_destination_is_relayed_and_says_why(pair: Pair) -> None:
    _forbid(pair)
    write_data(pair, 8)
    pair.sync()
    row = status(pair)
    assert row["path"] == "relay"
    assert "does not reach beta" in row["path_note"]
    assert_replicated(pair)
    reconfigure(pair, path="direct")
    failed = pair.cluster.run(*SYNC, expect=8)
    assert "no direct path" in failed.stderr
    assert "path: auto" in failed.stderr
    pair.host("alpha").run(["ip", "route", "del", "blackhole", f"{pair.host('beta').ip}/32"])
    pair.sync()
    assert status(pair)["path"] == "direct"


def _forbid(pair: Pair) -> None:
    pair.host("alpha").run(["ip", "route", "add", "blackhole", f"{pair.host('beta').ip}/32"])


@pytest.mark.parametrize("path", ["direct", "relay"])
@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_what_can_be_compressed_costs_less_on_the_way(pair: Pair, path: str, compression: str) -> None:
    reconfigure(pair, path=path, compression=compression)
    with pair.disks("alpha")[0].open("r+b") as file:
        file.write(b"the same again, and " * 400_000)
    pair.sync()
    row = status(pair)
    assert (row["path"], row["compression"]) == (path, compression)
    assert row["stream_bytes"] < 1 * MIB
    assert_replicated(pair)


@pytest.mark.parametrize("path", ["direct", "relay"])
def test_a_bandwidth_limit_is_kept_on_either_path(pair: Pair, path: str) -> None:
    reconfigure(pair, path=path, bandwidth_limit="4M")
    write_data(pair, 8)
    pair.sync()
    row = status(pair)
    assert row["path"] == path
    assert 1.8 < row["seconds"] < 30
    assert_replicated(pair)


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(pair: Pair) -> None:
    reconfigure(pair, bandwidth_limit="4M")
    write_data(pair, 16)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "cgctl", *SYNC]
    environment = {**pair.cluster.environment(), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # what a terminal says when nobody is at its other end
        while piece := os.read(ours, 65536):
            shown += piece
    assert process.wait(60) == 0
    assert b"db to beta" in shown
    assert b"MiB/s" in shown or b"MB/s" in shown
    assert b"/16." in shown  # of what is expected
    assert "db to beta" not in pair.cluster.cgctl_process(*SYNC).stderr
    os.close(ours)


@contextmanager
def slow_sync(pair: Pair, megabytes: int = 32, **target: object) -> Iterator[subprocess.Popen[str]]:
    """A sync process in the middle of its transfer, at 2 MiB a second."""
    reconfigure(pair, bandwidth_limit="2M", **target)
    write_data(pair, megabytes)
    process = pair.cluster.start(*SYNC)
    try:
        _wait_for(lambda: (status(pair)["transferred_bytes"] or 0) > 1 * MIB, 40)
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(found: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.parametrize("path", ["direct", "relay"])
def test_a_killed_sync_leaves_nobody_that_holds_up_the_next_one(pair: Pair, path: str) -> None:
    with slow_sync(pair, path=path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        reconfigure(pair, path=path)
        pair.sync()
    assert_replicated(pair)
    for backend in ("alpha", "beta"):
        assert not list(pair.host(backend).path("/run/cgctl").glob("*ing-*")), backend


@pytest.mark.parametrize("path", ["direct", pytest.param("relay", marks=pytest.mark.soak)])
def test_a_failover_does_not_wait_for_a_sync_that_dies_with_its_source(pair: Pair, path: str) -> None:
    with slow_sync(pair, path=path) as process:
        pair.host("alpha").cut()
        began = time.monotonic()
        shown = pair.cluster.run(
            "group-failover-replication", "--allow-attached-volume", "db", "--source-is-down", "--lock-timeout", "0",
            "-f", "json",
        ).json  # fmt: skip
        took = time.monotonic() - began
        _, said = process.communicate(timeout=60)
    assert (shown["host"], shown["is_planned"]) == ("beta", False)
    assert took < 60, took
    assert "make way for a failover" in said
    pair.host("alpha").join()
    reconfigure(pair)
    pair.sync()
    assert pair.left_behind() == []


def test_a_failover_does_not_end_a_sync_that_moves(pair: Pair) -> None:
    with slow_sync(pair) as process:
        words = ("group-failover-replication", "--allow-attached-volume", "db", "--lock-timeout", "0")
        refused = pair.cluster.run(*words, expect=9)
        assert "is locked by `cgctl group-sync-replication db`" in refused.stderr
        assert "since" in refused.stderr
        assert process.wait(60) == 0
    assert_replicated(pair)


@pytest.mark.parametrize(
    ("backend", "path"),
    [
        ("beta", "direct"),
        pytest.param("alpha", "relay", marks=pytest.mark.soak),
        pytest.param("alpha", "direct", marks=pytest.mark.soak),
        pytest.param("beta", "relay", marks=pytest.mark.soak),
    ],
)
def test_a_link_that_is_cut_in_the_middle_costs_time_and_nothing_else(pair: Pair, path: str, backend: str) -> None:
    with slow_sync(pair, path=path) as process:
        pair.host(backend).cut()
        threading.Timer(CUT_SECONDS, pair.host(backend).join).start()
        _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "the transfer is begun anew" in said or CUT_SECONDS < 30
    assert_replicated(pair)


def test_a_far_side_that_is_full_in_the_middle_keeps_its_last_point(pair: Pair) -> None:
    before = status(pair)["point_id"]
    beta = pair.host("beta").path(POOL)
    free = os.statvfs(beta).f_bavail * os.statvfs(beta).f_frsize
    filler = beta / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - 24 * MIB)
    write_data(pair, 60)
    failed = pair.cluster.run(*SYNC, expect=6)
    assert "beta" in failed.stderr
    row = status(pair)
    assert row["point_id"] == before
    assert row["error"]
    assert before in {one.name.removeprefix("cgctl-") for one in beta.glob("groupsnap/*")}
    refused = pair.cluster.run(*ALLOWED, "--source-is-down", "db", expect=6)
    assert "shut it down before" in refused.stderr, "a destination that is full is no source that is down"
    filler.unlink()
    pair.cluster.run(*ALLOWED, *HOME, "db")
    pair.sync()
    assert status(pair)["error"] is None
    assert_replicated(pair)


@contextmanager
def unreadable_block(pair: Pair) -> Iterator[None]:
    """Within it, a block of what was written last on alpha is not what its btrfs wrote: it is not read (EIO)."""
    block = os.urandom(4096)
    with pair.disks("alpha")[0].open("r+b") as disk:
        os.pwrite(disk.fileno(), block, 20 * MIB)
        os.fsync(disk.fileno())
        os.posix_fadvise(disk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with pair.host("alpha").path("/mnt/store/pool.img").open("r+b", buffering=0) as image:
        place = _place_of(block, image)
        os.pwrite(image.fileno(), bytes(4096), place)
        try:
            yield
        finally:
            os.pwrite(image.fileno(), block, place)


def _place_of(block: bytes, image: io.FileIO) -> int:
    offset = 0
    while piece := image.read(4 * MIB):
        if (found := piece.find(block)) >= 0:
            return offset + found
        offset += len(piece)
    raise AssertionError("the block is not in the pool's image")


@pytest.mark.parametrize("path", ["direct", "relay"])
def test_a_source_whose_disk_fails_keeps_the_last_point_and_can_be_left(pair: Pair, path: str) -> None:
    reconfigure(pair, path=path)
    write_data(pair, 32)
    pair.sync()
    before, acknowledged = status(pair)["point_id"], pair.disks("alpha")[0].read_bytes()
    with unreadable_block(pair):
        for words in (SYNC, (*ALLOWED, "db")):
            failed = pair.cluster.run(*words, expect=6)
            assert f"@{pair.host('alpha').ip}:" in failed.stderr
            assert "Input/output error" in failed.stderr
            assert status(pair)["point_id"] == before
        left = pair.cluster.run(*ALLOWED, "--source-is-down", "db")
        assert "going on without it" in left.stderr
    assert pair.disks("beta")[0].read_bytes() == acknowledged
    with pair.disks("beta")[0].open("r+b") as disk:
        disk.write(b"of the other side")
    pair.cluster.run(*ALLOWED, *HOME, "db")
    pair.sync()
    assert_replicated(pair)
    assert pair.disks("alpha")[0].read_bytes().startswith(b"of the other side")
