"""cgctl over one virtual machine: a real kernel's LIO and NFS server, reached from outside by forwarded ports."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.contract.thin_pool import EMPTY
from tests.contract.thin_pool import POOL as THIN_POOL
from tests.e2e import slow_lvm
from tests.e2e.cluster import FILE, INITIATOR, ISCSI, NFS, SOAK, Attached, CommandLine, Members, Pace
from tests.lab.vm import Machine, Machines

ADDRESS, US = "10.0.2.15", "10.0.2.2"
"""The machine's own, and what it sees us as."""

POOLS = {"alpha": "/srv/alpha", "beta": "/srv/beta"}

END_EXPORTS = """
python3 -c 'from rtslib_fb import RTSRoot; RTSRoot().clear_existing(confirm=True)'
rm -rf /etc/rtslib-fb-target/saveconfig.json* /etc/exports.d
exportfs -au
for control in /proc/fs/nfsd/clients/*/ctl; do if [ -e "$control" ]; then echo expire >"$control"; fi; done
findmnt -rno TARGET | grep -E '^(/run/cgctl|/srv)/' | sort -r | while read -r place; do umount "$place"; done
"""
# A btrfs file system for a pool of each backend.
MAKE_STORES = """
for store in alpha beta; do
    [ -e "/dev/cgvg/store-$store" ] || lvcreate -q -Wn -L 400M -n "store-$store" cgvg
    mkfs.btrfs -q -f "/dev/cgvg/store-$store"
    mkdir -p "/srv/$store"
    mount "/dev/cgvg/store-$store" "/srv/$store"
done
"""
ACTIVATE = 'lvchange -q -ay -K "$@"'
DEACTIVATE = 'lvchange -q -an "$@"'
FILE_SYSTEMS = "/run/cgctl/volumes"
MAKE_FILE = '[ -e "$1" ] || dd if=/dev/zero of="$1" bs=1M count=8 conv=fsync status=none'
# Read as it stands, without the log, which can be in the way of a snapshot that was not frozen.
WITH_FILE_SYSTEMS = """
for path; do
    mkdir -p "/run/read/${path##*/}"
    mount -t xfs -o ro,norecovery,nouuid "$path" "/run/read/${path##*/}"
done
"""
END_FILE_SYSTEMS = 'for path; do umount "/run/read/${path##*/}"; rmdir "/run/read/${path##*/}"; done'
COUNTER = 'for path; do dd "if=$path" bs=4096 count=1 iflag=direct status=none | od -An -tu8 -N8; done'
SETS = """
lvs --noheadings -o lv_name -S lv_tags=cgctl.kind=member "${1%/*}"
lvs --noheadings -o lv_tags "$1" | tr ' ,' '\\n\\n' | grep ^cgctl.mark= || :
"""
DIGEST = 'for path; do sha256sum <"$path" | cut -c 1-64; done'


class MachineCluster(CommandLine):
    """`alpha`: iSCSI by LIO, as cgctl with sudo. `beta`: NFS by the kernel's server, as root.

    driver, nfs_driver: of alpha and of beta, `btrfs` or one of them `lvm`. The guest is slow: a fork takes 50 ms there,
    so a hold may take its time.
    """

    client_ip = US
    hold_seconds = 60.0
    snapshots = 100 if SOAK else 6
    controls = 2
    pace = Pace(bound=40, patient=110, slack=40, short=1, for_ever=100, ends=100)
    """The bound counts from the `pre` hook, and what a script does before its hold took 12 s on a busy machine. An lvm
    that is slow is not ended by the bound: only the writes go on."""

    def __init__(
        self, machines: Machines, machine: Machine, driver: str, directory: Path, nfs_driver: str = "btrfs"
    ) -> None:
        self.machines = machines
        self.machine = machine
        self.drivers = {ISCSI: driver, NFS: nfs_driver}
        self.name = f"{machine.name}, {driver}, {nfs_driver}"
        for script in (END_EXPORTS, EMPTY, MAKE_STORES):
            machine.script(script, THIN_POOL)
        super().__init__(directory)

    def backends(self) -> dict[str, dict[str, Any]]:
        key = {"identity_file": str(self.machines.identity_file), "known_hosts": str(self.machines.known_hosts)}
        server = {"host": self.machine.host, "port": self.machine.ssh_port, **key}
        return {
            "alpha": {
                "driver": self.drivers[ISCSI],
                "pool": self._pool(ISCSI),
                "ssh": {**server, "user": "cgctl", "sudo": True},
                "export": {"protocol": "iscsi", "server": "lio", "portal": f"{ADDRESS}:3260"},
            },
            "beta": {
                "driver": self.drivers[NFS],
                "pool": self._pool(NFS),
                "ssh": {**server, "user": "root"},
                "export": {"protocol": "nfs", "server": "kernel", "portal": f"{ADDRESS}:2049"},
            },
        }

    def _pool(self, volume_type: str) -> str:
        return THIN_POOL if self.drivers[volume_type] == "lvm" else POOLS["alpha" if volume_type == ISCSI else "beta"]

    def group(self, name: str, members: int = 4, volume_type: str = ISCSI, size: str = "64M") -> Members:
        """There is no smaller file system."""
        return super().group(name, members, volume_type, "320M" if self._is_file_system(volume_type) else size)

    def attach(self, volume: str, volume_type: str = ISCSI, initiator: str = INITIATOR) -> Attached:
        """With a file to write to, where the volume is a file system."""
        if self._is_file_system(volume_type):
            self.machine.script(MAKE_FILE, f"{FILE_SYSTEMS}/cgctl-{volume}/{FILE}")
        return super().attach(volume, volume_type, initiator)

    def reached(self, volume_type: str) -> str | None:
        port = self.machine.iscsi_port if volume_type == ISCSI else self.machine.nfs_port
        return f"{self.machine.host}:{port}"

    def crash(self, members: Members) -> None:  # noqa: ARG002 (there is one machine)
        self.machine.run(["sync"])
        self.machine.kill()
        self.machine.start()
        self.machine.script('mount "/dev/cgvg/store-alpha" /srv/alpha; mount "/dev/cgvg/store-beta" /srv/beta')

    def server_of(self, members: Members) -> Machine:  # noqa: ARG002
        return self.machine

    def slow_snapshots(self, members: Members, seconds: float) -> AbstractContextManager[None]:
        assert self._is_thin(members)
        return slow_lvm.slow_lvm(self.machine, seconds)

    def wait_for_snapshot(self, members: Members) -> None:
        assert self._is_thin(members)
        slow_lvm.wait_for_snapshot(self.machine)

    def group_snapshot_objects(self, members: Members) -> list[str]:
        assert self._is_thin(members)
        return self.machine.script(SETS, THIN_POOL).split()

    def counters(self, members: Members) -> list[int]:
        return [int(word) for word in self._live(COUNTER, members)]

    def digests(self, members: Members) -> list[str]:
        return self._live(DIGEST, members)

    def snapshot_counters(self, members: Members, group_snapshot_id: str) -> list[int]:
        return [int(word) for word in self._group_snapshot(COUNTER, members, group_snapshot_id)]

    def snapshot_digests(self, members: Members, group_snapshot_id: str) -> list[str]:
        return self._group_snapshot(DIGEST, members, group_snapshot_id)

    def single_snapshot_counters(self, members: Members, snapshot_ids: Sequence[str]) -> list[int]:
        if self._is_thin(members):
            return [int(word) for word in self._thin(COUNTER, members, [f"cgctl-{one}" for one in snapshot_ids])]
        return [int(word) for word in self._disks(COUNTER, members, "snap", snapshot_ids)]

    def _live(self, script: str, members: Members) -> list[str]:
        if self._is_file_system(members.volume_type):
            paths = [f"{FILE_SYSTEMS}/cgctl-{one}/{FILE}" for one in members.volume_ids]
            return self.machine.script(script, *paths).split()
        if self._is_thin(members):
            return self.machine.script(script, *(f"/dev/mapper/cgctl-{one}" for one in members.volume_ids)).split()
        return self._disks(script, members, f"live/cgctl-{members.group_id}", members.volume_ids)

    def _group_snapshot(self, script: str, members: Members, group_snapshot_id: str) -> list[str]:
        if self._is_thin(members):
            return self._thin(script, members, [f"cgctl-{group_snapshot_id}_{one}" for one in members.volume_ids])
        return self._disks(script, members, f"groupsnap/cgctl-{group_snapshot_id}", members.volume_ids)

    def _is_thin(self, members: Members) -> bool:
        return self.drivers[members.volume_type] == "lvm"

    def _is_file_system(self, volume_type: str) -> bool:
        return volume_type == NFS and self.drivers[NFS] == "lvm"

    def _thin(self, script: str, members: Members, names: Sequence[str]) -> list[str]:
        group = THIN_POOL.partition("/")[0]
        paths = [f"/dev/{group}/{name}" for name in names]
        self.machine.script(ACTIVATE, *paths)
        try:
            if not self._is_file_system(members.volume_type):
                return self.machine.script(script, *paths).split()
            self.machine.script(WITH_FILE_SYSTEMS, *paths)
            try:
                return self.machine.script(script, *(f"/run/read/{name}/{FILE}" for name in names)).split()
            finally:
                self.machine.script(END_FILE_SYSTEMS, *paths)
        finally:
            self.machine.script(DEACTIVATE, *paths)

    def _disks(self, script: str, members: Members, place: str, ids: Sequence[str]) -> list[str]:
        pool = POOLS["alpha" if members.volume_type == ISCSI else "beta"]
        return self.machine.script(script, *(f"{pool}/{place}/cgctl-{one}/disk" for one in ids)).split()
