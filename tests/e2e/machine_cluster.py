"""cgctl over one virtual machine: a real kernel's LIO and NFS server, reached from outside by forwarded ports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.e2e.cluster import ISCSI, SOAK, CommandLine, Members
from tests.lab.vm import Machine, Machines

ADDRESS, US = "10.0.2.15", "10.0.2.2"
"""The machine's own, and what it sees us as."""

POOLS = {"alpha": "/srv/alpha", "beta": "/srv/beta"}
THIN_POOL = "cgvg/pool"

# Nothing of an earlier test: exports, gates, LVs, directories. Two btrfs file systems, for a pool of each backend.
CLEAN = """
python3 -c 'from rtslib_fb import RTSRoot; RTSRoot().clear_existing(confirm=True)'
rm -rf /etc/rtslib-fb-target/saveconfig.json* /etc/exports.d
exportfs -au
for control in /proc/fs/nfsd/clients/*/ctl; do if [ -e "$control" ]; then echo expire >"$control"; fi; done
findmnt -rno TARGET | grep -E '^(/run/cgctl|/srv)/' | sort -r | while read -r place; do umount "$place"; done
for gate in $(dmsetup info -c --noheadings -o name | grep '^cgctl-'); do
    dmsetup resume "$gate"
    dmsetup remove "$gate"
done
tags=$(lvs --noheadings -o lv_tags cgvg/pool | tr -d ' ' | tr , ' ')
{
    for lv in $(lvs --noheadings -o lv_name cgvg | grep -E 'cgctl-|store-'); do echo "lvremove -fy -q cgvg/$lv"; done
    for tag in $tags; do echo "lvchange -q --deltag $tag cgvg/pool"; done
    for store in alpha beta; do echo "lvcreate -q -L 400M -n store-$store cgvg"; done
} | lvm
for store in alpha beta; do
    mkfs.btrfs -q -f "/dev/cgvg/store-$store"
    mkdir -p "/srv/$store"
    mount "/dev/cgvg/store-$store" "/srv/$store"
done
"""
READ_FILES = 'for path; do od -An -tu8 -N8 "$path"; done'
READ_THIN = """
lvchange -q -ay -K "$@"
for lv; do dd "if=/dev/$lv" bs=4096 count=1 iflag=direct status=none | od -An -tu8 -N8; done
lvchange -q -an "$@"
"""


class MachineCluster(CommandLine):
    """`alpha`: iSCSI by LIO, as cgctl with sudo. `beta`: btrfs, NFS by the kernel's server, as root.

    driver: of alpha, `btrfs` or `lvm`. The guest is slow: a fork takes 50 ms there, so a hold may take its time.
    """

    client_ip = US
    hold_seconds = 60.0
    snapshots = 100 if SOAK else 6
    controls = 2

    def __init__(self, machines: Machines, machine: Machine, driver: str, directory: Path) -> None:
        self.machines = machines
        self.machine = machine
        self.driver = driver
        self.name = f"{machine.name}, {driver}"
        machine.script(CLEAN)
        super().__init__(directory)

    def backends(self) -> dict[str, dict[str, Any]]:
        key = {"identity_file": str(self.machines.identity_file), "known_hosts": str(self.machines.known_hosts)}
        server = {"host": self.machine.host, "port": self.machine.ssh_port, **key}
        return {
            "alpha": {
                "driver": self.driver,
                "pool": POOLS["alpha"] if self.driver == "btrfs" else THIN_POOL,
                "ssh": {**server, "user": "cgctl", "sudo": True},
                "export": {"protocol": "iscsi", "server": "lio", "portal": f"{ADDRESS}:3260"},
            },
            "beta": {
                "driver": "btrfs",
                "pool": POOLS["beta"],
                "ssh": {**server, "user": "root"},
                "export": {"protocol": "nfs", "server": "kernel", "portal": f"{ADDRESS}:2049"},
            },
        }

    def reached(self, volume_type: str) -> str | None:
        port = self.machine.iscsi_port if volume_type == ISCSI else self.machine.nfs_port
        return f"{self.machine.host}:{port}"

    def counters(self, members: Members) -> list[int]:
        if self._is_thin(members):
            return self._read(READ_FILES, [f"/dev/mapper/cgctl-{one}" for one in members.volume_ids])
        return self._read_disks(members, f"live/cgctl-{members.group_id}", members.volume_ids)

    def snapshot_counters(self, members: Members, group_snapshot_id: str) -> list[int]:
        if self._is_thin(members):
            return self._read(READ_THIN, [f"cgvg/cgctl-{group_snapshot_id}_{one}" for one in members.volume_ids])
        return self._read_disks(members, f"groupsnap/cgctl-{group_snapshot_id}", members.volume_ids)

    def single_snapshot_counters(self, members: Members, snapshot_ids: Sequence[str]) -> list[int]:
        if self._is_thin(members):
            return self._read(READ_THIN, [f"cgvg/cgctl-{one}" for one in snapshot_ids])
        return self._read_disks(members, "snap", snapshot_ids)

    def _is_thin(self, members: Members) -> bool:
        return members.volume_type == ISCSI and self.driver == "lvm"

    def _read_disks(self, members: Members, place: str, ids: Sequence[str]) -> list[int]:
        pool = POOLS["alpha" if members.volume_type == ISCSI else "beta"]
        return self._read(READ_FILES, [f"{pool}/{place}/cgctl-{one}/disk" for one in ids])

    def _read(self, script: str, places: Sequence[str]) -> list[int]:
        return [int(word) for word in self.machine.script(script, *places).split()]
