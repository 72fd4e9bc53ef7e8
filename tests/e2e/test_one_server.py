"""Several commands at once on one server, and a loss of power between them, on a real kernel."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.cluster import ISCSI, CommandLine, Members
from tests.e2e.places import LONG_MACHINE

pytestmark = pytest.mark.timeout(1800)


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each wrote to stderr, where it did not end well."""
    ended = [(process.communicate(timeout=600)[1], process.returncode) for process in processes]
    return [error for error, status in ended if status]


@pytest.mark.parametrize("place", LONG_MACHINE)
def test_two_commands_at_once_and_a_loss_of_power_between_them(
    place: tuple[str, str], request: pytest.FixtureRequest
) -> None:
    fixture, volume_type = place
    cluster: CommandLine = request.getfixturevalue(fixture)
    groups: dict[str, Members] = {name: cluster.group(name, 2, volume_type, size="8M") for name in ("one", "two")}
    attached = [one for members in groups.values() for one in cluster.attach_all(members)]
    assert finish([cluster.start("group-snapshot-create", name, "--name", f"{name}-s") for name in groups]) == []
    cluster.crash(groups["one"])
    cluster.run("backend-check", "alpha" if volume_type == ISCSI else "beta", "--repair")
    clone = ("group-create-from-src", "--group-snapshot")
    assert finish([cluster.start(*clone, f"{name}-s", "--name", f"{name}-copy") for name in groups]) == []
    for name, members in groups.items():
        snapshot = cluster.run("group-snapshot-show", f"{name}-s", "-f", "json").json["id"]
        assert cluster.digests(cluster.members_of(f"{name}-copy")) == cluster.snapshot_digests(members, snapshot)
    cluster.run("attachment-delete", *(one.id for one in attached))
    cluster.run("group-snapshot-delete", *(f"{name}-s" for name in groups))
    names = [name + end for name in groups for end in ("", "-copy")]
    assert finish([cluster.start("group-delete", "--delete-volumes", name) for name in names]) == []
    assert cluster.run("list", "-f", "json").json == []
