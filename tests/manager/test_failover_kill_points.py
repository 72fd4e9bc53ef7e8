"""kill -9 around every driver call and every commit of a failover: the same command goes on, and nothing is lost.

One house goes to and fro, killed at a later point each time; about 15 s, CGCTL_SOAK=1 takes every point.
"""

from __future__ import annotations

import os

import pytest

from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live

STRIDE = 1 if os.environ.get("CGCTL_SOAK") == "1" else 12
WAYS = {
    "beta": ("group-failover-replication", "--allow-attached-volume", "db"),
    "alpha": ("group-failover-replication", "--allow-attached-volume", "db", "--secondary-backend-id", "default"),
}


@pytest.fixture
def house(replicated: House) -> House:
    replicated.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    return replicated


def killed_at(house: House, words: tuple[str, ...], point: int) -> bool:
    """Whether the command was killed at the n-th point; False when it has fewer."""
    return house.forked(*words, prepare=faulty.Killer(point).arm) == -9


def leftovers(house: House) -> list[str]:
    """What no next command would know."""
    found = [str(path) for path in house.root.glob("*/*/.staging*")]
    found += [
        f"unsettled: {row}" for row in house.rows("SELECT kind FROM operations WHERE state IN ('running', 'unsettled')")
    ]
    found += [f"lock: {row}" for row in house.rows("SELECT key FROM locks")]
    for host in ("alpha", "beta"):
        noted = {path.name.removeprefix("point-") for path in house.root.glob(f"{host}/.cgctl/replication/*/point-*")}
        sets = {path.name.removeprefix("cgctl-") for path in house.root.glob(f"{host}/groupsnap/*")}
        found += [f"{host}: {one}" for one in sets ^ noted]
    return found


def test_killed_at_any_point_the_same_command_goes_on_and_nothing_is_lost(house: House) -> None:
    exhausted: set[str] = set()
    point, number = 1, 0
    while len(exhausted) < 2:
        active = str(house.show("group-show", "db")["host"])
        to = "beta" if active == "alpha" else "alpha"
        house.write("db-1", f"written on {active} before {number}".encode().ljust(60, b"\0"))
        before = live(house, active)
        if not killed_at(house, WAYS[to], point):
            exhausted.add(to)
        house.ok(*WAYS[to])
        shown = house.show("group-show", "db")
        assert (shown["host"], shown["status"]) == (to, "available"), point
        assert live(house, to) == before, point
        assert live(house, active) == [], point
        assert leftovers(house) == [], point
        assert [row[0] for row in house.rows("SELECT host FROM replicas")] == [active], point
        assert house.show("group-snapshot-list") == [], point
        point, number = point + STRIDE, number + 1
    assert number > 4
