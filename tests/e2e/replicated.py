"""The lab's two servers as source and replication target of each other: btrfs, iSCSI by tgt, real SSH between."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.cluster import INITIATOR, POOL, Attached, Cluster, CommandLine, Members, Result
from tests.e2e.writers import Writer, is_ordered, read_counters
from tests.lab import Host

ALLOWED = ("group-failover-replication", "--allow-attached-volume")
HOME = ("--secondary-backend-id", "default")
TARGET = {"backend_id": "dr1", "backend": "beta", "rpo": "1h"}
Backends = dict[str, dict[str, Any]]
Made = tuple[Members, Sequence[Attached]]


class Server(Protocol):
    """A host of the lab, or a virtual machine."""

    def kill(self) -> None: ...

    def start(self) -> None: ...

    def is_running(self) -> bool: ...


def replicating(cluster: Cluster, **target: Any) -> Backends:
    """The lab's backends, beta a replication target of alpha."""
    backends = cluster.backends()
    backends["beta"]["export"] = {"protocol": "iscsi", "server": "tgt", "portal": f"{cluster.lab.stor2.ip}:3260"}
    backends["alpha"]["replication_targets"] = [{**TARGET, **target}]
    return backends


def replicated_group(
    cluster: CommandLine,
    backends: Backends,
    count: int,
    size: str,
    client: tuple[str, str] = ("--initiator", INITIATOR),
) -> Made:
    """A replicated group `db` from backend alpha to beta, whose members a client has attached."""
    backends["beta"]["availability_zone"] = "elsewhere"
    cluster.configure(backends=backends)
    cluster.run("type-create", "replicated")
    cluster.run("type-key", "replicated", "set", "replication_enabled=<is> True")
    cluster.run("group-type-create", "rg")
    cluster.run("group-type-key", "rg", "set", "consistent_group_replication_enabled=<is> True")
    made = attached_group(cluster, count, size, client)
    cluster.run("group-enable-replication", "db")
    return made


def attached_group(cluster: CommandLine, count: int, size: str, client: tuple[str, str]) -> Made:
    """Group `db` of group type `rg`, whose members, of type `replicated`, a client has attached."""
    group_id = cluster.run("group-create", "--name", "db", "rg", "replicated", "-f", "value", "-c", "id").value
    create = ("create", "--group-id", group_id, "--volume-type", "replicated", size, "-f", "value", "-c", "id")
    ids = [cluster.run(*create, "--name", f"db-{number}").value for number in range(count)]
    attached = [Attached(cluster.run("attachment-create", one, *client, "-f", "json").json) for one in ids]
    return Members(group_id, tuple(ids), "replicated"), attached


@dataclass
class Moves:
    """What is done with the group `db`, wherever its servers are."""

    cluster: CommandLine
    members: Members
    attached: Sequence[Attached]

    @property
    def active(self) -> str:
        return str(self.cluster.run("group-show", "db", "-f", "json").json["host"])

    def other(self, backend: str) -> str:
        return "beta" if backend == "alpha" else "alpha"

    def urls(self, backend: str) -> list[str]:
        """The same target names and secrets, at the backend's portal."""
        raise NotImplementedError

    def counters(self, backend: str) -> list[int]:
        """The round in each live member's first block, in the order of writing, or the test fails."""
        raise NotImplementedError

    def set_digests(self, backend: str, set_id: str) -> list[str]:
        """What is in the members of a group snapshot or recovery point."""
        raise NotImplementedError

    def left_behind(self) -> list[str]:
        """What no command knows, on both servers."""
        raise NotImplementedError

    def server(self, backend: str) -> Server:
        """What can be killed and started."""
        raise NotImplementedError

    @contextmanager
    def writing(self, backend: str, directory: Path, first_round: int) -> Iterator[Writer]:
        with Writer("iscsi", self.urls(backend), directory, initiator=INITIATOR, first_round=first_round) as writer:
            yield writer

    def sync(self) -> None:
        self.cluster.run("group-sync-replication", "db", "--lock-timeout", "30")

    def last_point(self) -> str:
        return str(self.cluster.run("group-replication-status", "db", "-f", "json").json[0]["point_id"])

    def fail_over(self, to: str, *words: str, expect: int | None = 0) -> Result:
        way = HOME if to == "alpha" else ("--secondary-backend-id", "dr1")
        argv = (*ALLOWED, "db", *way, "-f", "json", "--lock-timeout", "30", *words)
        return self.cluster.cgctl(*argv) if expect is None else self.cluster.run(*argv, expect=expect)

    def interrupted(self, to: str, seconds: float, *words: str) -> int | None:
        """The failover as a process that is killed after so many seconds; its exit code when it was quicker."""
        way = HOME if to == "alpha" else ("--secondary-backend-id", "dr1")
        process = self.cluster.start(*ALLOWED, "db", *way, *words)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            return None
        return process.returncode


@dataclass
class Pair(Moves):
    """On the lab's two servers."""

    cluster: Cluster

    @classmethod
    def build(cls, cluster: Cluster, count: int = 3, size: str = "16M", **target: Any) -> Pair:
        return cls(cluster, *replicated_group(cluster, replicating(cluster, **target), count, size))

    def host(self, backend: str) -> Host:
        return self.cluster.lab.stor1 if backend == "alpha" else self.cluster.lab.stor2

    def server(self, backend: str) -> Server:
        return self.host(backend)

    def disks(self, backend: str) -> list[Path]:
        place = self.host(backend).path(POOL) / f"live/cgctl-{self.members.group_id}"
        return [place / f"cgctl-{one}/disk" for one in self.members.volume_ids]

    def set_disks(self, backend: str, set_id: str) -> list[Path]:
        place = self.host(backend).path(POOL) / f"groupsnap/cgctl-{set_id}"
        return [place / f"cgctl-{one}/disk" for one in self.members.volume_ids]

    def set_digests(self, backend: str, set_id: str) -> list[str]:
        return [hashlib.sha256(one.read_bytes()).hexdigest() for one in self.set_disks(backend, set_id)]

    def urls(self, backend: str) -> list[str]:
        """The same target names and secrets, at the backend's portal."""
        ips = [self.cluster.lab.stor1.ip, self.cluster.lab.stor2.ip]
        return [one.url.replace(f"@{ips[0]}:", f"@{self.host(backend).ip}:") for one in self.attached]

    def counters(self, backend: str) -> list[int]:
        found = read_counters(self.disks(backend))
        assert is_ordered(found), found
        return found

    def left_behind(self) -> list[str]:
        """What no command knows: sets without a mark or a meaning, staging names, half-received points."""
        known = {str(row["id"]) for row in self.cluster.run("group-snapshot-list", "--long", "-f", "json").json}
        found = []
        for backend in ("alpha", "beta"):
            pool = self.host(backend).path(POOL)
            noted = {one.name.removeprefix("point-") for one in pool.glob(".cgctl/replication/*/point-*")}
            for one in pool.glob("groupsnap/*"):
                set_id = one.name.removeprefix("cgctl-")
                if set_id not in known | noted or not (pool / ".cgctl/sets" / one.name).exists():
                    found.append(f"{backend}: {one.name}")
            found += [f"{backend}: {one}" for one in pool.glob("live/.staging*")]
            found += [f"{backend}: {one}" for one in pool.glob(".cgctl/replication/*/receiving")]
        return found
