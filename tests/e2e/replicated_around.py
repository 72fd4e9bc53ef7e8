"""A group that is replicated between backends of different drivers, and goes around between them: what is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.cluster import CommandLine, Members

MIB = 1024**2
DIGEST = 'for disk; do sha256sum <"$disk" | cut -c 1-64; done'
WRITE = """
at=$1
shift
for disk; do
    head -c 2097152 /dev/urandom |
        dd of="$disk" bs=1M oflag=seek_bytes seek="$at" conv=notrunc,fsync iflag=fullblock status=none
done
"""
SPARSE = 'for disk; do dd if=/dev/zero of="$disk" bs=1M seek=4 count=2 conv=notrunc,fsync status=none; done'
Backends = dict[str, dict[str, Any]]


@dataclass
class Around:
    """The group `db`, of two members. script: runs one on a backend's server; the first backend is the origin."""

    cluster: CommandLine
    backends: Backends
    script: Callable[..., str]
    members: Members

    @classmethod
    def build(cls, cluster: CommandLine, backends: Mapping[str, dict[str, Any]], script: Callable[..., str]) -> Around:
        """Nothing is exported. Replicated, with data of its own."""
        made = {name: {key: word for key, word in one.items() if key != "export"} for name, one in backends.items()}
        origin, *targets = made
        made[origin]["replication_targets"] = [{"backend_id": name, "backend": name} for name in targets]
        for name in targets:
            made[name]["availability_zone"] = "elsewhere"
        cluster.configure(backends=made)
        cluster.run("type-create", "replicated")
        cluster.run("type-key", "replicated", "set", "replication_enabled=<is> True")
        cluster.run("group-type-create", "rg")
        cluster.run("group-type-key", "rg", "set", "consistent_group_replication_enabled=<is> True")
        shown = ("-f", "value", "-c", "id")
        group_id = cluster.run("group-create", "--name", "db", "rg", "replicated", *shown).value
        create = ("create", "--group-id", group_id, "--volume-type", "replicated", "16M", *shown)
        ids = tuple(cluster.run(*create, "--name", f"db-{number}").value for number in range(2))
        found = cls(cluster, made, script, Members(group_id, ids, "replicated"))
        found.write(origin, 4 * MIB)
        cluster.run("group-enable-replication", "db")
        return found

    def disks(self, host: str) -> Sequence[str]:
        if self.backends[host]["driver"] == "lvm":
            return [f"/dev/mapper/cgctl-{one}" for one in self.members.volume_ids]
        place = f"{self.backends[host]['pool']}/live/cgctl-{self.members.group_id}"
        return [f"{place}/cgctl-{one}/disk" for one in self.members.volume_ids]

    def write(self, host: str, offset: int) -> None:
        """2 MiB into each member."""
        self.script(host, WRITE, str(offset), *self.disks(host))

    def clear(self, host: str) -> None:
        """Zeros where data were."""
        self.script(host, SPARSE, *self.disks(host))

    def digests(self, host: str) -> list[str]:
        return self.script(host, DIGEST, *self.disks(host)).split()

    def sync(self) -> list[dict[str, Any]]:
        """To every other backend: a row for each."""
        self.cluster.run("group-sync-replication", "db")
        rows: list[dict[str, Any]] = self.cluster.run("group-replication-status", "db", "-f", "json").json
        return rows

    def fail_over(self, source: str, host: str) -> None:
        """Planned; every byte goes along."""
        before = self.digests(source)
        origin = next(iter(self.backends))
        word = "default" if host == origin else host
        self.cluster.run("group-failover-replication", "db", "--secondary-backend-id", word)
        assert self.digests(host) == before, (source, host)

    def verified(self) -> set[tuple[str, str]]:
        """What the servers themselves say of the newest common points."""
        rows = self.cluster.run("group-verify-replica", "db", "-f", "json").json
        return {(row["host"], row["result"]) for row in rows}

    def go_around(self) -> None:
        """From each backend to the next one, and home, with writes on each, and a point for the others before it goes.

        A delta costs what changed, whichever drivers it goes between.
        """
        hosts = list(self.backends)
        came_from = ""
        for number, (source, host) in enumerate(zip(hosts, [*hosts[1:], hosts[0]], strict=True)):
            self.write(source, (6 + number) * MIB)
            if number == 1:
                self.clear(source)
            rows = self.sync()
            others = {one for one in hosts if one != source}
            assert {(row["host"], row["is_full"], row["error"]) for row in rows} == {
                (one, False, None) for one in others
            }
            for row in rows:  # the third has not seen what was written last where we come from
                assert row["stream_bytes"] < (5 if row["host"] == came_from or not came_from else 9) * MIB
            self.write(source, (9 + number) * MIB)
            self.fail_over(source, host)
            came_from = source
        assert self.verified() == {(one, "same") for one in hosts[1:]}
