"""Write order: every group snapshot of a busy group is one point in time; members one after another are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.cluster import CommandLine, Members
from tests.e2e.figures import record
from tests.e2e.places import MACHINE, NAMESPACES
from tests.e2e.under_load import baseline_stalls, spread, take_group_snapshots, writing
from tests.e2e.writers import Writer, is_ordered


@dataclass(frozen=True)
class Busy:
    """A group of four volumes, exported and written to."""

    cluster: CommandLine
    members: Members
    writer: Writer


@pytest.fixture(params=[*NAMESPACES, *MACHINE])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Busy]:
    fixture, volume_type = request.param
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 4, volume_type)
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        yield Busy(cluster, members, writer)


def snapshot_one_after_another(cluster: CommandLine, members: Members) -> list[int]:
    """What an operator without groups does: a snapshot of each volume. Returns the members' counters."""
    ids = [cluster.run("snapshot-create", volume, "-f", "value", "-c", "id").value for volume in members.volume_ids]
    counters = cluster.single_snapshot_counters(members, ids)
    cluster.run("snapshot-delete", *ids)
    return counters


def test_group_snapshots_are_in_order_and_hold_what_was_acknowledged_and_the_control_is_torn(
    busy: Busy,
) -> None:
    cluster = busy.cluster
    baseline = baseline_stalls(busy.writer, 10, 0.2)
    taken = take_group_snapshots(cluster, busy.members, busy.writer, cluster.snapshots)
    controls = [snapshot_one_after_another(cluster, busy.members) for _ in range(cluster.controls)]
    torn_controls = sum(not is_ordered(counters) for counters in controls)
    record(
        f"write order, {cluster.name}, {busy.members.volume_type}",
        group_snapshots=len(taken),
        torn=sum(one.is_torn for one in taken),
        without_an_acknowledged_write=sum(not one.has_all_acknowledged for one in taken),
        controls=len(controls),
        torn_controls=torn_controls,
        hold=spread([one.hold_seconds for one in taken]),
        command=spread([one.command_seconds for one in taken]),
        stall=spread([one.stall_seconds for one in taken]),
        baseline_stall=spread(baseline),
    )
    assert len({one.counters for one in taken}) == cluster.snapshots  # the writer went on between them
    assert [one for one in taken if one.is_torn] == []
    assert [one for one in taken if not one.has_all_acknowledged] == []
    assert torn_controls > 0  # the writer is quick enough to tell
