"""Volumes that are xfs file systems, on a real kernel: their files come back from backups, and go from pool to pool.

One virtual machine with a thin pool in each of two volume groups; some minutes.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.thin_pool import POOL
from tests.e2e.cluster import ISCSI, NFS
from tests.e2e.machine_cluster import FILE_SYSTEMS, MachineCluster
from tests.e2e.places import SOAK, VM

pytestmark = [VM, SOAK, pytest.mark.timeout(3600)]

SECOND = "cgvg2/pool"
# On a thin LV of the first pool, by a name that the filter of LVM lets through.
MAKE_SECOND = """
lvcreate -q -V 1200M -T "$1" -n second
dmsetup create mpath-second --table "0 $((1200 * 2048)) linear /dev/cgvg/second 0"
vgcreate -q -s 1m cgvg2 /dev/mapper/mpath-second
lvcreate -q --type thin-pool -L 1000M --poolmetadatasize 32M -c 64k -n pool cgvg2
"""
END_SECOND = """
findmnt -rno TARGET | grep -E '^/run/cgctl/' | sort -r | while read -r place; do umount "$place"; done
dmsetup info -c --noheadings -o name | grep ^cgctl- | xargs -r dmsetup remove
! vgs cgvg2 >/dev/null 2>&1 || vgremove -q -fy cgvg2
[ ! -e /dev/mapper/mpath-second ] || dmsetup remove mpath-second
[ ! -e /dev/cgvg/second ] || lvremove -q -fy cgvg/second
"""
# As a client does, which has not asked for any of it to be on the disk.
FILL = """
mountpoint -q "$1"
rm -rf "$1/tree"
mkdir -p "$1/tree/deep"
head -c 3145728 /dev/urandom >"$1/tree/deep/data"
echo words >"$1/tree/words"
ln -s words "$1/tree/link"
chown 1234:1234 "$1/tree/words"
chmod 600 "$1/tree/words"
"""
TREE = 'mountpoint -q "$1"; tar -C "$1" --sort=name -cf - tree | sha256sum | cut -c 1-64'
FORMS = "disk", "file system"
IMAGES = "lvs --noheadings -o lv_name -S lv_tags=cgctl.fs=image"
STANDING = "lvs --noheadings -o vg_name,lv_name,lv_tags; dmsetup ls; findmnt -rno TARGET"


class Nas:
    """nas1 and nas2: file systems, both by the kernel's NFS. alpha: disks. A repository `vault` on this machine."""

    def __init__(self, cluster: MachineCluster) -> None:
        self.cluster, self.machine, self.run = cluster, cluster.machine, cluster.run
        self.machine.script(MAKE_SECOND, POOL)
        self.vault = cluster.config.parent / "vault"
        self.vault.mkdir()
        self.configure()

    def configure(self, login: str = "root") -> None:
        """login: at nas2. Backends that are reached as different users do not share a server: data are carried."""
        made = self.cluster.backends()
        first = made.pop("beta")
        second: dict[str, Any] = {**first, "pool": SECOND}
        if login != "root":
            second["ssh"] = made["alpha"]["ssh"]
        repositories = {"vault": {"directory": str(self.vault)}}
        backends = {"alpha": made["alpha"], "nas1": first, "nas2": second}
        self.cluster.configure(backends=backends, backup_repositories=repositories)

    def create(self, name: str, *options: str) -> str:
        """On nas1."""
        words = ("create", "320M", "--volume-type", "on-nas1", "--name", name, *options)
        return self.run(*words, "-f", "value", "-c", "id").value

    def place(self, volume: str) -> str:
        return f"{FILE_SYSTEMS}/cgctl-{self.run('show', volume, '-f', 'json').json['id']}"

    def fill(self, volume: str) -> str:
        """Its files are others then; what they are."""
        self.machine.script(FILL, self.place(volume))
        return self.tree(volume)

    def tree(self, volume: str) -> str:
        return self.machine.script(TREE, self.place(volume)).strip()

    def images(self) -> str:
        return self.machine.script(IMAGES).strip()

    def standing(self) -> str:
        return self.machine.script(STANDING)


@pytest.fixture
def nas(lvm_nfs_cluster: MachineCluster) -> Iterator[Nas]:
    made = Nas(lvm_nfs_cluster)
    for host in ("nas1", "nas2"):
        made.run("type-create", f"on-{host}")
        made.run("type-key", f"on-{host}", "set", "export_protocol=nfs", f"volume_backend_name={host}")
    yield made
    lvm_nfs_cluster.machine.script(END_SECOND)


def test_files_come_back_from_backups_of_a_volume_and_of_a_group(nas: Nas) -> None:
    nas.create("v")
    first = nas.fill("v")
    nas.run("backup-create", "v", "--name", "whole")
    second = nas.fill("v")
    newer = nas.run("backup-create", "v", "--incremental", "--name", "newer", "-f", "json").json
    assert newer["is_incremental"]
    nas.run("backup-verify", "newer")
    larger = nas.run("create", "512M", "--backup-id", "whole", "--name", "larger", "-f", "json").json["id"]
    assert nas.tree(larger) == first
    assert int(nas.machine.script('df -BM --output=size "$1" | tail -n 1 | tr -d M', nas.place(larger))) > 400
    nas.fill("v")
    nas.run("backup-restore", "newer", "--volume", "v")
    assert nas.tree("v") == second
    for name in (larger, "v"):
        nas.run("delete", name)
    nas.run("group-create", "--name", "db", "cg", "on-nas1")
    for number in (1, 2):
        nas.create(f"db-{number}", "--group-id", "db")
    files_of = {f"db-{number}": nas.fill(f"db-{number}") for number in (1, 2)}
    nas.run("group-backup-create", "db", "--name", "nightly")
    nas.run("group-delete", "db", "--delete-volumes")
    nas.run("group-backup-restore", "nightly", "--name", "db")
    assert {name: nas.tree(name) for name in files_of} == files_of
    assert nas.images() == ""
    nas.run("backend-check", "nas1")


def test_a_restore_that_is_killed_between_the_old_files_and_the_new_ones_is_ended(nas: Nas) -> None:
    nas.create("v")
    files, place = nas.fill("v"), nas.place("v")
    nas.run("backup-create", "v", "--name", "b")
    nas.fill("v")
    process = nas.cluster.start("backup-restore", "b", "--volume", "v")
    while nas.machine.script('mountpoint -q "$1" || echo gone', place) == "":
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for _ in range(60):  # the server's part of it may have to end first
        nas.cluster.cgctl("recover")
        if nas.run("show", "v", "-f", "json").json["status"] == "available":
            break
        time.sleep(2)
    assert (nas.tree("v"), nas.images()) == (files, "")
    nas.run("backend-check", "nas1")


def test_files_go_from_pool_to_pool_with_their_volume_and_their_snapshot(nas: Nas) -> None:
    nas.create("v")
    files = nas.fill("v")
    nas.run("retype", "v", NFS)
    nas.run("migrate", "v", "nas2")
    assert (nas.run("show", "v", "-f", "json").json["host"], nas.tree("v")) == ("nas2", files)
    nas.run("backend-check", "nas2")
    files = nas.fill("v")
    nas.run("retype", "--migration-policy", "on-demand", "v", "on-nas1")
    assert (nas.run("show", "v", "-f", "json").json["host"], nas.tree("v")) == ("nas1", files)
    nas.run("snapshot-create", "v", "--name", "then")
    nas.fill("v")
    nas.run("snapshot-replicate", "then", "nas2", "--name", "there")
    nas.run("create", "--snapshot-id", "there", "--name", "made", "--volume-type", "on-nas2")
    assert nas.tree("made") == files
    for words in (("delete", "made"), ("snapshot-delete", "there"), ("snapshot-delete", "then")):
        nas.run(*words)
    files = nas.fill("v")
    nas.configure(login="cgctl")
    nas.run("retype", "v", NFS)
    nas.run("migrate", "v", "nas2")
    assert (nas.run("show", "v", "-f", "json").json["host"], nas.tree("v")) == ("nas2", files)
    assert nas.images() == ""


def test_files_of_a_group_go_to_another_pool_and_come_back_as_a_replicated_group_snapshot(nas: Nas) -> None:
    nas.run("group-create", "--name", "db", "cg", NFS)
    for number in (1, 2):
        nas.run("create", "320M", "--volume-type", NFS, "--group-id", "db", "--name", f"db-{number}")
    here = nas.run("group-show", "db", "-f", "json").json["host"]
    there = {"nas1": "nas2", "nas2": "nas1"}[here]
    files_of = {f"db-{number}": nas.fill(f"db-{number}") for number in (1, 2)}
    nas.run("group-migrate", "db", there)
    assert nas.run("group-show", "db", "-f", "json").json["host"] == there
    assert {name: nas.tree(name) for name in files_of} == files_of
    nas.run("group-snapshot-create", "db", "--name", "then")
    nas.fill("db-1")
    nas.run("snapshot-replicate", "then", here, "--name", "back")
    nas.run("group-create-from-src", "--group-snapshot", "back", "--name", "made")
    made = nas.run("group-show", "made", "--list-volume", "-f", "json").json["volumes"]
    assert {nas.tree(one) for one in made} == set(files_of.values())
    assert nas.images() == ""
    for host in (here, there):
        nas.run("backend-check", host)


def test_what_is_refused_between_file_systems_and_disks_leaves_nothing_on_the_server(nas: Nas) -> None:
    nas.create("v")
    nas.run("create", "320M", "--volume-type", ISCSI, "--name", "disk")
    files = nas.fill("v")
    nas.run("backup-create", "v", "--name", "b")
    nas.run("backup-create", "disk", "--name", "d")
    before = nas.standing()
    for words in (
        ("migrate", "v", "alpha"),
        ("migrate", "disk", "nas1"),
        ("backup-restore", "b", "--volume", "disk"),
        ("backup-restore", "d", "--volume", "v"),
    ):
        refused = nas.run(*words, expect=5)
        assert any(f"{one}s, and this is a {other}" in refused.stderr for one, other in (FORMS, FORMS[::-1]))
    assert (nas.standing(), nas.tree("v")) == (before, files)
