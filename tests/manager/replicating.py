"""A house whose groups are replicated: alpha to beta (`dr1`), and gamma (`dr2`) where a test wants a second target."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.manager.house import House, built_once

EXPORTS = {
    name: {"protocol": "iscsi", "server": "tgt", "portal": f"127.0.0.1:{3260 + number}"}
    for number, name in enumerate(("alpha", "beta", "gamma"))
}
SECOND = [{"backend_id": "dr2", "backend": "gamma"}]


def build(root: Path, *, second_target: bool = False, rpo: str = "15m") -> House:
    """Types that ask for replication, and group `db` with two members that hold data; not replicated yet."""
    house = built_once(root, "replicating", _furnish)
    if second_target:
        house.add_backend("gamma", availability_zone="elsewhere", export=EXPORTS["gamma"])
    _configure(house, {"backend_id": "dr1", "backend": "beta", "rpo": rpo}, *SECOND[:second_target])
    return house


def _configure(house: House, *targets: dict[str, str]) -> None:
    house.add_backend("beta", availability_zone="elsewhere", export=EXPORTS["beta"])
    house.add_backend("alpha", replication_targets=list(targets), export=EXPORTS["alpha"])


def _furnish(house: House) -> None:
    _configure(house, {"backend_id": "dr1", "backend": "beta"})
    house.ok("type-create", "gold")
    house.ok("type-key", "gold", "set", "replication_enabled=<is> True")
    house.ok("group-type-create", "consistent")
    house.ok("group-type-key", "consistent", "set", "consistent_group_replication_enabled=<is> True")
    house.ok("group-create", "consistent", "gold", "--name", "db")
    for number in range(2):
        house.ok("create", "1M", "--group-id", "db", "--volume-type", "gold", "--name", f"db-{number}")
        house.write(f"db-{number}", f"data of db-{number}".encode())


def replica(house: House, group: str = "db", host: str = "beta") -> dict[str, object]:
    """A row of group-replication-status."""
    rows = house.show("group-replication-status", group)
    return next(dict(row) for row in rows if row["host"] == host)


def points(house: House, host: str) -> dict[str, list[str]]:
    """Digests of the members of every complete group snapshot of a backend, by id."""
    root = house.root / host / "groupsnap"
    found = {}
    for place in sorted(root.glob("cgctl-*")):
        if (house.root / host / ".cgctl/sets" / place.name).exists():
            found[place.name.removeprefix("cgctl-")] = [
                sha256(disk.read_bytes()).hexdigest() for disk in sorted(place.glob("*/disk"))
            ]
    return found


def live(house: House, host: str) -> list[str]:
    """Digests of what is live on a backend."""
    group_id = house.show("group-show", "db")["id"]
    disks = sorted((house.root / host / "live" / f"cgctl-{group_id}").glob("cgctl-*/disk"))
    return [sha256(disk.read_bytes()).hexdigest() for disk in disks]
