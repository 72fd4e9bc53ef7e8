"""Activities on real servers: progress that moves, killed commands, cut links, servers that die, cancels; all by SSH.

`alpha` and `beta` are btrfs on two servers: what goes from one to the other is carried by a process of this machine.
`files` is a `file` pool on alpha's server: what goes there is copied by that server itself.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.e2e.cluster import ISCSI, POOL, Cluster
from tests.lab import Host

pytestmark = pytest.mark.lab

WAYS = ("files", "beta")


class Replicating:
    """A volume with data on alpha, and a snapshot of it that is replicated."""

    def __init__(self, cluster: Cluster, size_mib: int) -> None:
        self.cluster, self.size_mib = cluster, size_mib
        backends = cluster.backends()
        files = {"driver": "file", "pool": "/mnt/store/files", "ssh": backends["alpha"]["ssh"]}
        cluster.lab.stor1.script('rm -rf "$1"; mkdir -p "$1"', "/mnt/store/files")
        cluster.configure(backends={**backends, "files": files})
        create = ("create", f"{size_mib}M", "--volume-type", ISCSI, "--name", "data", "-f", "value", "-c", "id")
        self.volume_id = cluster.run(*create).value
        place = f"{POOL}/live/cgctl-{self.volume_id}/cgctl-{self.volume_id}/disk"
        fill = "openssl enc -aes-128-ctr -nosalt -pass pass:x </dev/zero 2>/dev/null"
        fill = f'{fill} | head -c "$2" | dd of="$1" conv=notrunc bs=1M; sync'
        cluster.lab.stor1.script(fill, place, str(size_mib * 1024**2))
        cluster.run("snapshot-create", "data", "--name", "snap")

    def begin(self, backend: str) -> str:
        words = ("snapshot-replicate", "snap", backend, "--name", "copy", "--detach", "-f", "value", "-c", "id")
        return self.cluster.run(*words).value

    def host(self, backend: str) -> Host:
        return self.cluster.lab.stor2 if backend == "beta" else self.cluster.lab.stor1

    @property
    def places(self) -> tuple[tuple[Host, str], ...]:
        lab = self.cluster.lab
        return (lab.stor1, str(POOL)), (lab.stor1, "/mnt/store/files"), (lab.stor2, str(POOL))

    def left(self) -> list[str]:
        """What is in the pools beside the volume, its snapshot and activities that are over; and what still runs."""
        look = (
            'cd "$1" 2>/dev/null && [ -d live ] || exit 0; find live snap groupsnap -mindepth 1 -maxdepth 1; '
            "find live -name '.staging*'; "
            "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^./supervisor$' || :"
        )
        lines = [line for host, place in self.places for line in host.script(look, place).splitlines()]
        own = f"live/cgctl-{self.volume_id}"
        return [one for one in lines if one not in ("0", own) and not one.startswith("snap/")]

    def snapshots(self) -> list[str]:
        return sorted(self.cluster.run("snapshot-list", "-f", "value", "-c", "name").value.split())


@pytest.fixture
def replicating(cluster: Cluster) -> Replicating:
    return Replicating(cluster, 192)


@pytest.fixture
def long_replicating(cluster: Cluster) -> Replicating:
    """A copy of it takes longer than a command."""
    return Replicating(cluster, 768)


def same_data(one: Replicating) -> None:
    """The copy is what the snapshot is."""
    key = one.cluster.run("snapshot-show", "copy", "-f", "value", "-c", "id").value
    origin = one.cluster.run("snapshot-show", "snap", "-f", "value", "-c", "id").value
    sums = 'cd "$1/snap" 2>/dev/null && sha256sum cgctl-*/disk || :'
    found = [line.split() for host, place in one.places for line in host.script(sums, place).splitlines()]
    by_id = {path.split("/")[0].removeprefix("cgctl-"): digest for digest, path in found}
    assert by_id[key] == by_id[origin]


@pytest.mark.parametrize("way", WAYS)
def test_the_command_is_killed_and_the_activity_goes_on(replicating: Replicating, way: str) -> None:
    process = replicating.cluster.start("snapshot-replicate", "snap", way, "--name", "copy")
    while not (rows := replicating.cluster.run("activity-list", "-f", "json").json):
        time.sleep(0.1)
    key = str(rows[0]["id"])
    replicating.cluster.until_activity(key, lambda one: one["state"] == "running")
    process.send_signal(signal.SIGKILL)
    process.wait()
    replicating.cluster.run("activity-wait", key, "--timeout", "100")
    same_data(replicating)
    assert replicating.left() == []


@pytest.mark.parametrize("way", WAYS)
def test_a_cancel_leaves_nothing(long_replicating: Replicating, way: str) -> None:
    key = long_replicating.begin(way)
    long_replicating.cluster.until_activity(key, lambda one: one["done_bytes"] > 0)
    long_replicating.cluster.run("activity-cancel", key)
    assert long_replicating.cluster.activity(key)["state"] == "cancelled"
    assert long_replicating.left() == []
    assert long_replicating.snapshots() == ["snap"]


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_died_has_lost_it_and_nothing_is_left(long_replicating: Replicating, way: str) -> None:
    key = long_replicating.begin(way)
    long_replicating.cluster.until_activity(key, lambda one: one["done_bytes"] > 0)
    host = long_replicating.host(way)
    host.kill()
    host.start()
    ran = long_replicating.cluster.cgctl("activity-wait", key, "--timeout", "100")
    assert ran.exit_code == 6, ran
    assert long_replicating.cluster.activity(key)["state"] in ("lost", "failed")
    assert long_replicating.left() == []
    assert long_replicating.snapshots() == ["snap"]


def test_a_cut_link_does_not_end_what_a_server_does(replicating: Replicating) -> None:
    key = replicating.begin("files")
    host = replicating.host("files")
    host.cut()
    time.sleep(3)
    host.join()
    replicating.cluster.run("activity-wait", key, "--timeout", "100")
    same_data(replicating)
    assert replicating.left() == []


def test_progress_of_a_copy_moves_to_its_end(long_replicating: Replicating) -> None:
    key = long_replicating.begin("beta")
    seen = [long_replicating.cluster.until_activity(key, lambda one: one["done_bytes"] > 0)]
    while seen[-1]["state"] == "running":
        seen.append(long_replicating.cluster.activity(key))
    whole = long_replicating.size_mib * 1024**2
    done = [one["done_bytes"] for one in seen]
    assert done == sorted(done)
    assert len(set(done)) > 2
    assert (done[-1], seen[-1]["percent"]) == (whole, 100)
    assert {one["total_bytes"] for one in seen} == {whole}


def test_a_group_snapshot_goes_to_another_driver_and_comes_back(cluster: Cluster) -> None:
    replicating = Replicating(cluster, 16)
    members = cluster.group("db", 2, size="8M")
    for number, disk in enumerate(cluster.disks(members)):
        with disk.open("r+b") as file:
            file.write(b"member %d" % number)
            os.fsync(file.fileno())
    first = cluster.run("group-snapshot-create", "db", "--name", "set", "-f", "value", "-c", "id").value
    there = cluster.run("snapshot-replicate", first, "files", "--name", "there", "-f", "value", "-c", "id").value
    back = cluster.run("snapshot-replicate", there, "beta", "--name", "back", "-f", "value", "-c", "id").value
    found = cluster.lab.stor2.script('cd "$1"; head -c 8 cgctl-*/disk | tr -d "\\0"', f"{POOL}/groupsnap/cgctl-{back}")
    assert {b"member 0", b"member 1"} <= {line.encode() for line in found.splitlines()}
    live = [one for one in replicating.left() if one.startswith("live/")]
    assert live == [f"live/cgctl-{members.group_id}"]
