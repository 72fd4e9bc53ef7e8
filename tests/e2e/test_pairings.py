"""What goes between drivers: data that go from lvm, btrfs and file to each of the others arrive as they were.

On one virtual machine with a pool of each; some minutes.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import ISCSI
from tests.e2e.machine_cluster import MachineCluster
from tests.e2e.places import SOAK, VM
from tests.e2e.replicated_around import Around

pytestmark = [VM, SOAK, pytest.mark.timeout(3600)]

FILES = "/srv/files"
ROUND = ("beta", "files", "alpha", "files", "beta", "alpha")
"""From alpha (lvm), by beta (btrfs) and files (file), each to each of the others."""
SIZE_MIB = 12
DIGEST = 'sha256sum <"$1" | cut -c 1-64'
WRITE = """
base64 -d | dd of="$1" bs=1M oflag=seek_bytes seek=1048576 conv=notrunc,fsync iflag=fullblock status=none
sha256sum <"$1" | cut -c 1-64
"""


class Pools:
    """alpha: lvm, beta: btrfs, files: file. Nothing is exported, so that everything may go everywhere."""

    def __init__(self, cluster: MachineCluster) -> None:
        self.cluster = cluster
        cluster.machine.script('rm -rf "$1"; mkdir -p "$1"', FILES)
        cluster.run("type-key", ISCSI, "unset", "export_protocol")
        every = cluster.backends()
        for one in every.values():
            del one["export"]
        self.every = {**every, "files": {"driver": "file", "pool": FILES, "ssh": every["beta"]["ssh"]}}
        self.configure("alpha")

    def configure(self, *only: str) -> None:
        self.cluster.configure(backends={name: one for name, one in self.every.items() if not only or name in only})

    def share_server(self, **sections: Any) -> None:
        """All are pools of one server: it copies by itself. sections: more of the configuration."""
        self.every["alpha"]["ssh"] = self.every["beta"]["ssh"]
        self.cluster.configure(backends=self.every, **sections)

    def place(self, volume: str, group: str | None = None) -> str:
        shown = self.cluster.run("show", volume, "-f", "json").json
        if shown["host"] == "alpha":
            return f"/dev/mapper/cgctl-{shown['id']}"
        return f"{self.every[shown['host']]['pool']}/live/cgctl-{group or shown['id']}/cgctl-{shown['id']}/disk"

    def fill(self, volume: str, group: str | None = None) -> str:
        """Its digest; there are holes before and behind what is written."""
        text = base64.b64encode(os.urandom(2 * 1024**2)).decode()
        return self.cluster.machine.run(
            ["sh", "-ec", WRITE, "sh", self.place(volume, group)], input=text
        ).stdout.strip()

    def digest(self, volume: str, group: str | None = None) -> str:
        return self.cluster.machine.script(DIGEST, self.place(volume, group)).strip()


@pytest.fixture
def pools(lvm_cluster: MachineCluster) -> Pools:
    return Pools(lvm_cluster)


def test_a_volume_migrates_from_each_driver_to_each_other(pools: Pools) -> None:
    run = pools.cluster.run
    run("create", f"{SIZE_MIB}M", "--volume-type", ISCSI, "--name", "v")
    before = pools.fill("v")
    pools.configure()
    for host in ROUND:
        run("migrate", "v", host)
        assert (run("show", "v", "-f", "json").json["host"], pools.digest("v")) == (host, before)


def test_a_volume_migrates_between_the_pools_of_one_server_and_the_server_does_it(pools: Pools) -> None:
    run = pools.cluster.run
    run("create", f"{SIZE_MIB}M", "--volume-type", ISCSI, "--name", "v")
    before = pools.fill("v")
    pools.share_server()
    for host in ROUND:
        activity = run("migrate", "v", host, "--detach", "-f", "json").json
        assert activity["host"] == host  # of another server it would be this machine
        run("activity-wait", activity["id"])
        assert (run("show", "v", "-f", "json").json["host"], pools.digest("v")) == (host, before)
    run("type-create", "here")
    run("type-key", "here", "set", "volume_backend_name=files")
    run("retype", "--migration-policy", "on-demand", "v", "here")
    assert (run("show", "v", "-f", "json").json["host"], pools.digest("v")) == ("files", before)


def test_a_backup_comes_back_over_its_volume_on_each_driver_and_over_one_of_another(
    pools: Pools, tmp_path: Path
) -> None:
    """It ends with a clone of what has come, and nothing else is left."""
    run = pools.cluster.run
    run("create", f"{SIZE_MIB}M", "--volume-type", ISCSI, "--name", "v")
    pools.share_server(backup_repositories={"vault": {"directory": str(tmp_path / "vault")}})
    (tmp_path / "vault").mkdir()
    backup, before = "", ""
    for host in ("alpha", "beta", "files"):
        if host != "alpha":
            run("migrate", "v", host)
        if backup:
            run("backup-restore", backup, "--volume", "v")
            assert pools.digest("v") == before, f"{backup} on {host}"
        before, backup = pools.fill("v"), f"of-{host}"
        run("backup-create", "v", "--name", backup)
        pools.fill("v")
        run("backup-restore", backup, "--volume", "v")
        assert pools.digest("v") == before, host
    for host in ("alpha", "beta", "files"):
        run("backend-check", host)


def test_a_snapshot_is_replicated_from_each_driver_to_each_other(pools: Pools) -> None:
    run = pools.cluster.run
    run("create", f"{SIZE_MIB}M", "--volume-type", ISCSI, "--name", "v")
    before = pools.fill("v")
    run("snapshot-create", "v", "--name", "s0")
    pools.fill("v")
    pools.configure()
    for number, host in enumerate(ROUND):
        run("snapshot-replicate", f"s{number}", host, "--name", f"s{number + 1}")
    for number in range(1, len(ROUND) + 1):
        run("create", "--snapshot-id", f"s{number}", "--name", f"copy{number}", "--volume-type", ISCSI)
        assert pools.digest(f"copy{number}") == before, ROUND[number - 1]


def test_a_group_migrates_from_each_driver_to_each_other(pools: Pools) -> None:
    members = pools.cluster.group("db", 2, ISCSI, f"{SIZE_MIB}M")
    before = [pools.fill(one, members.group_id) for one in members.volume_ids]
    pools.configure()
    for host in ROUND:
        pools.cluster.run("group-migrate", "db", host)
        assert [pools.digest(one, members.group_id) for one in members.volume_ids] == before, host


def test_a_replicated_group_goes_around_between_the_drivers(pools: Pools) -> None:
    machine = pools.cluster.machine

    def script(host: str, text: str, *parameters: str) -> str:
        return machine.script(text, *parameters)

    Around.build(pools.cluster, pools.every, script).go_around()
