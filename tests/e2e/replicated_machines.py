"""Two virtual machines as source and replication target of each other: LVM thin, by LIO or the kernel's NFS server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.contract.thin_pool import EMPTY
from tests.contract.thin_pool import POOL as THIN_POOL
from tests.e2e.cluster import FILE, INITIATOR, CommandLine
from tests.e2e.machine_cluster import (
    ACTIVATE,
    ADDRESS,
    COUNTER,
    DEACTIVATE,
    DIGEST,
    END_EXPORTS,
    END_FILE_SYSTEMS,
    FILE_SYSTEMS,
    MAKE_FILE,
    US,
    WITH_FILE_SYSTEMS,
)
from tests.e2e.replicated import TARGET, Moves, replicated_group
from tests.e2e.writers import Writer, is_ordered
from tests.lab.vm import Machine, Machines

# Chunks of another size than the other machine's, which the members' room and every delta have to do with.
LARGE_CHUNKS = """
lvremove -fy -q cgvg/pool
lvcreate -q --type thin-pool -L 2G --poolmetadatasize 32M -Zy -c 256k -n pool cgvg
"""
# Room for what one full copy needs, and no more.
LITTLE_ROOM = """
lvremove -fy -q cgvg/pool
lvcreate -q --type thin-pool -L 96M --poolmetadatasize 4M -Zy -c 64k -n pool cgvg
"""
SETS = "lvs --noheadings -o lv_name cgvg | tr -d ' '"
TAGS = "lvs --noheadings -o lv_tags cgvg/pool | tr -d ' ' | tr , '\\n'"
HELD = "dmsetup status cgvg-pool-tpool | cut -d ' ' -f 7"


class TwoMachines(CommandLine):
    """`alpha` and `beta` are the machines' thin pools; the script `beta` makes that one."""

    hold_seconds = 60.0

    def __init__(self, machines: Machines, found: Sequence[Machine], directory: Path, beta: str = LARGE_CHUNKS) -> None:
        self.machines = machines
        self.machine = dict(zip(("alpha", "beta"), found, strict=True))
        for one in found:
            one.script(END_EXPORTS)
            one.script(EMPTY, THIN_POOL)
        found[1].script(beta)
        super().__init__(directory)

    def backends(self) -> dict[str, dict[str, Any]]:
        key = {"identity_file": str(self.machines.identity_file), "known_hosts": str(self.machines.known_hosts)}
        return {
            name: {
                "driver": "lvm",
                "pool": THIN_POOL,
                "ssh": {"host": one.host, "port": one.ssh_port, "user": "root", **key},
            }
            for name, one in self.machine.items()
        }


@dataclass
class MachinePair(Moves):
    """On the two machines, by iSCSI."""

    cluster: TwoMachines
    export: ClassVar[dict[str, str]] = {"protocol": "iscsi", "server": "lio", "portal": f"{ADDRESS}:3260"}
    client: ClassVar[tuple[str, str]] = ("--initiator", INITIATOR)
    size: ClassVar[str] = "16M"

    @classmethod
    def build(cls, cluster: TwoMachines, count: int = 2, size: str | None = None) -> Self:
        backends = {name: {**backend, "export": cls.export} for name, backend in cluster.backends().items()}
        backends["alpha"]["replication_targets"] = [dict(TARGET)]
        return cls(cluster, *replicated_group(cluster, backends, count, size or cls.size, cls.client))

    def machine(self, backend: str) -> Machine:
        return self.cluster.machine[backend]

    def server(self, backend: str) -> Machine:
        return self.machine(backend)

    def urls(self, backend: str) -> list[str]:
        machine = self.machine(backend)
        return [one.url.replace(f"@{ADDRESS}:3260", f"@{machine.host}:{machine.iscsi_port}") for one in self.attached]

    def counters(self, backend: str) -> list[int]:
        found = [int(word) for word in self._gates(COUNTER, backend)]
        assert is_ordered(found), found
        return found

    def digests(self, backend: str) -> list[str]:
        return self._gates(DIGEST, backend)

    def set_digests(self, backend: str, set_id: str) -> list[str]:
        return self._members(DIGEST, backend, set_id)

    def set_counters(self, backend: str, set_id: str) -> list[int]:
        return [int(word) for word in self._members(COUNTER, backend, set_id)]

    def left_behind(self) -> list[str]:
        """LVs and notes that no command knows, and a metadata snapshot that nobody needs any more."""
        known = {str(row["id"]) for row in self.cluster.run("group-snapshot-list", "--long", "-f", "json").json}
        found = []
        for backend in ("alpha", "beta"):
            tags = self.machine(backend).script(TAGS).split()
            noted = {tag.split("/")[1] for tag in tags if tag.startswith("cgctl.point=")}
            names = [name for name in self.machine(backend).script(SETS).split() if "_" in name]
            found += [f"{backend}: {one}" for one in names if one[6:42] not in known | noted or one.endswith("_in")]
            found += [f"{backend}: {tag}" for tag in tags if tag.startswith("cgctl.receiving=")]
            if self.machine(backend).script(HELD).strip() != "-":
                found.append(f"{backend}: the metadata snapshot")
        return found

    def _gates(self, script: str, backend: str) -> list[str]:
        return (
            self.machine(backend)
            .script(script, *(f"/dev/mapper/cgctl-{one}" for one in self.members.volume_ids))
            .split()
        )

    def _members(self, script: str, backend: str, set_id: str) -> list[str]:
        paths = [f"/dev/cgvg/cgctl-{set_id}_{one}" for one in self.members.volume_ids]
        self.machine(backend).script(ACTIVATE, *paths)
        try:
            return self._in_members(script, backend, paths)
        finally:
            self.machine(backend).script(DEACTIVATE, *paths)

    def _in_members(self, script: str, backend: str, paths: Sequence[str]) -> list[str]:
        return self.machine(backend).script(script, *paths).split()


@dataclass
class NfsMachinePair(MachinePair):
    """By NFS: each volume is a file system, in which the client has made a file."""

    export: ClassVar[dict[str, str]] = {"protocol": "nfs", "server": "kernel", "portal": f"{ADDRESS}:2049"}
    client: ClassVar[tuple[str, str]] = ("--ip", US)
    size: ClassVar[str] = "320M"

    @classmethod
    def build(cls, cluster: TwoMachines, count: int = 2, size: str | None = None) -> Self:
        pair = super().build(cluster, count, size)
        for path in pair._files():
            pair.machine("alpha").script(MAKE_FILE, path)
        return pair

    def urls(self, backend: str) -> list[str]:
        machine = self.machine(backend)
        return [replace(one, reached=f"{machine.host}:{machine.nfs_port}").url for one in self.attached]

    @contextmanager
    def writing(self, backend: str, directory: Path, first_round: int) -> Iterator[Writer]:
        """Each write asks for the disk: what a server has only in memory goes with its power, as NFS allows."""
        with Writer("nfs", self.urls(backend), directory, sync="fsync", first_round=first_round) as writer:
            yield writer

    def _files(self) -> list[str]:
        return [f"{FILE_SYSTEMS}/cgctl-{one}/{FILE}" for one in self.members.volume_ids]

    def _gates(self, script: str, backend: str) -> list[str]:
        return self.machine(backend).script(script, *self._files()).split()

    def _in_members(self, script: str, backend: str, paths: Sequence[str]) -> list[str]:
        if script != COUNTER:
            return super()._in_members(script, backend, paths)
        machine = self.machine(backend)
        machine.script(WITH_FILE_SYSTEMS, *paths)
        try:
            return machine.script(script, *(f"/run/read/{Path(one).name}/{FILE}" for one in paths)).split()
        finally:
            machine.script(END_FILE_SYSTEMS, *paths)
