"""How recovery points travel between real servers: directly, relayed, compressed, limited; cut, stalled, taken over."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.e2e.cluster import POOL, Cluster
from tests.e2e.replicated import Pair

pytestmark = pytest.mark.lab

MIB = 1024 * 1024
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
