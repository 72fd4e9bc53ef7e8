"""G3: what a command costs on the network does not grow with the members of its group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cgctl.remote import factory
from cgctl.remote.settings import SshSettings
from cgctl.remote.ssh_runner import SshRunner
from drivers.runner import Runner
from tests.e2e.cluster import ISCSI, NFS, Cluster
from tests.e2e.figures import record

pytestmark = pytest.mark.lab

MEMBER_COUNTS = (1, 8, 16)
FROM_SNAPSHOT = ("group-create-from-src", "--group-snapshot")
FROM_GROUP = ("group-create-from-src", "--source-group")


@dataclass(frozen=True)
class Cost:
    """Of one command, at one server."""

    executions: int
    connections: int


class Counter:
    """Sees every runner that cgctl makes."""

    def __init__(self) -> None:
        self._runners: list[SshRunner] = []

    def watch(self, make: Callable[[SshSettings | None], Runner]) -> Callable[[SshSettings | None], Runner]:
        def made(settings: SshSettings | None) -> Runner:
            runner = make(settings)
            assert isinstance(runner, SshRunner)
            self._runners.append(runner)
            return runner

        return made

    def take(self) -> Cost:
        """Since the last time. The commands of this module go to one server each."""
        runners, self._runners = self._runners, []
        return Cost(sum(one.executions for one in runners), sum(one.connections for one in runners))


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    result = Counter()
    monkeypatch.setattr(factory, "runner_for", result.watch(factory.runner_for))
    return result


def costs_of_a_life(cluster: Cluster, counter: Counter, volume_type: str, count: int) -> dict[str, Cost]:
    """What the commands of a group's life cost when it has so many members."""
    name = f"{volume_type}{count}"
    members = cluster.group(name, count, volume_type)
    snapshot = ("group-snapshot-create", name, "--name", f"{name}-s")
    costs: dict[str, Cost] = {}
    counter.take()
    for label, argv in {
        "group-snapshot-create": snapshot,
        "group-create-from-src --group-snapshot": (*FROM_SNAPSHOT, f"{name}-s", "--name", f"{name}-a"),
        "group-create-from-src --source-group": (*FROM_GROUP, name, "--name", f"{name}-b"),
        "group-snapshot-delete": ("group-snapshot-delete", f"{name}-s"),
        "group-delete": ("group-delete", "--delete-volumes", f"{name}-a"),
    }.items():
        cluster.run(*argv)
        costs[label] = counter.take()
    cluster.run("group-delete", "--delete-volumes", members.group_id, f"{name}-b")
    return costs


@pytest.mark.parametrize("volume_type", [ISCSI, NFS])
def test_a_command_costs_one_connection_and_two_executions_at_most_whatever_the_member_count(
    cluster: Cluster, counter: Counter, volume_type: str
) -> None:
    by_count = {count: costs_of_a_life(cluster, counter, volume_type, count) for count in MEMBER_COUNTS}
    few = by_count[MEMBER_COUNTS[0]]
    record(f"round trips, {volume_type}", executions={label: cost.executions for label, cost in few.items()})
    assert {count: costs for count, costs in by_count.items() if costs != few} == {}
    assert {label: cost for label, cost in few.items() if cost.connections != 1 or not 1 <= cost.executions <= 2} == {}


def test_a_command_per_member_is_counted(cluster: Cluster, counter: Counter) -> None:
    """The control: volumes created one by one."""
    cluster.group("few", 1)
    few = counter.take()
    cluster.group("many", 3)
    many = counter.take()
    assert many.executions >= few.executions + 2
    assert many.connections >= few.connections + 2


def test_hooks_cost_one_execution_more_before_the_hold(cluster: Cluster, counter: Counter) -> None:
    """The server is reached first, so that no application is held while it is being connected."""
    cluster.configure(hooks={"db": {"pre": "true", "post": "true"}})
    cluster.group("db", 4)
    counter.take()
    cluster.run("group-snapshot-create", "db")
    assert counter.take() == Cost(executions=2, connections=1)
