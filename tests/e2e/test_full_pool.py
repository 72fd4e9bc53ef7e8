"""A thin pool that clients fill, on a real kernel: they are told, nothing is lost, and with room they go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.thin_pool import POOL
from tests.e2e.cluster import ISCSI, NFS
from tests.e2e.machine_cluster import FILE_SYSTEMS, MachineCluster
from tests.e2e.places import VM, place
from tests.e2e.under_load import writing
from tests.e2e.writers import is_ordered
from tests.lab.command import wait_until

pytestmark = pytest.mark.timeout(1800)

# What the pool has left, and what the kernel does with writes that it has no room for: they fail after a second.
FILL = """
echo 1 >/sys/module/dm_thin_pool/parameters/no_space_timeout
lvcreate -q -V 8G -T cgvg/pool -n filler
dd if=/dev/zero of=/dev/cgvg/filler bs=4M oflag=direct status=none || :
until dmsetup status cgvg-pool-tpool | grep -q error_if_no_space; do sleep 0.1; done
"""
# What xfs has to log goes to where its log is shared with a snapshot: there it stops. Else it would do so at some time.
STOP = 'for place; do touch "$place/seen" && sync -f "$place" || [ ! -d "$place" ]; done'
AGAIN = "echo 60 >/sys/module/dm_thin_pool/parameters/no_space_timeout"
# The machine has no systemd.
WORDS = {
    "systemctl stop nfs-server": "exportfs -au; rpc.nfsd 0",
    "systemctl start nfs-server": "rpc.nfsd -N 3 -V 4 -G 10 -L 10 4; exportfs -r; echo Y >/proc/fs/nfsd/v4_end_grace",
}


def hints(cluster: MachineCluster, backend: str) -> dict[str, str]:
    """Of the checks that fail."""
    found = cluster.run("backend-check", backend, "-f", "json", expect=6).json
    return {row["check"]: row["hint"] for row in found if row["result"] != "ok"}


def mend(cluster: MachineCluster, hint: str) -> None:
    """As the hint of a check tells; its words for systemd in those of this machine."""
    on_server, _, then = hint.rpartition("; then: cgctl ")
    for word, here in WORDS.items():
        on_server = on_server.replace(word, here)
    cluster.machine.script(on_server.rpartition("on the server: ")[2])
    cluster.cgctl(*then.split()[:1], "beta", *then.split()[1:])


@pytest.mark.parametrize("at", [place("lvm_cluster", ISCSI, VM), place("lvm_nfs_cluster", NFS, VM)])
def test_clients_that_fill_the_pool_are_told_and_go_on_when_it_has_room(
    at: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fixture, volume_type = at
    cluster: MachineCluster = request.getfixturevalue(fixture)
    backend = "alpha" if volume_type == ISCSI else "beta"
    members = cluster.group("db", 2, volume_type)
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        writer.wait_for_rounds(5)
        writer.pause()
        kept = cluster.run("group-snapshot-create", "db", "--name", "kept", "-f", "json").json["id"]
        acked_before = writer.acked
        cluster.machine.script(FILL)
        try:
            writer.resume()
            wait_until(lambda: writer.status().errors > 0, "a write to fail", 60)
            assert "is full" in cluster.run("group-snapshot-create", "db", expect=6).stderr
            if volume_type == NFS:
                cluster.machine.script(STOP, *(f"{FILE_SYSTEMS}/cgctl-{one}" for one in members.volume_ids))
            told = hints(cluster, backend)
            assert told["pool"] == f"lvextend -L+10G {POOL}"
            cluster.machine.script(f"lvextend -q -L+16M {POOL}")
            if volume_type == NFS:
                mend(cluster, hints(cluster, backend)["file systems"])
            assert set(hints(cluster, backend)) == {"room"}  # it has some, but not much
            writer.wait_for_rounds(5, 120)
            writer.pause()
        finally:
            cluster.machine.script(AGAIN)
        assert cluster.counters(members) == [writer.acked] * 2
        assert cluster.snapshot_counters(members, kept) == [acked_before] * 2
        cluster.machine.script(f"lvremove -qfy {POOL.partition('/')[0]}/filler")
        cluster.run("backend-check", backend)
        writer.resume()
        shown = cluster.run("group-snapshot-create", "db", "-f", "json").json
        assert is_ordered(cluster.snapshot_counters(members, shown["id"]))
