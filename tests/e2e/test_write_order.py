"""Write order: every group snapshot of a busy group is one point in time; members one after another are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.cluster import ISCSI, NFS, POOL, Cluster, Members
from tests.e2e.figures import record
from tests.e2e.under_load import SNAPSHOTS, baseline_stalls, spread, take_group_snapshots, writing
from tests.e2e.writers import Writer, is_ordered, read_counters

pytestmark = pytest.mark.lab

CONTROLS = 5


@dataclass(frozen=True)
class Busy:
    """A group of four volumes, exported and written to."""

    members: Members
    writer: Writer


@pytest.fixture(params=[ISCSI, NFS])
def busy(request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path) -> Iterator[Busy]:
    members = cluster.group("db", 4, request.param)
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        yield Busy(members, writer)


def snapshot_one_after_another(cluster: Cluster, members: Members) -> list[int]:
    """What an operator without groups does: a snapshot of each volume. Returns the members' counters."""
    place = cluster.host_of(members).path(POOL) / "snap"
    ids = [cluster.run("snapshot-create", volume, "-f", "value", "-c", "id").value for volume in members.volume_ids]
    counters = read_counters([place / f"cgctl-{one}/disk" for one in ids])
    cluster.run("snapshot-delete", *ids)
    return counters


def test_group_snapshots_are_in_order_and_hold_what_was_acknowledged_and_the_control_is_torn(
    cluster: Cluster, busy: Busy
) -> None:
    baseline = baseline_stalls(busy.writer, 10, 0.2)
    taken = take_group_snapshots(cluster, busy.members, busy.writer, SNAPSHOTS)
    controls = [snapshot_one_after_another(cluster, busy.members) for _ in range(CONTROLS)]
    torn_controls = sum(not is_ordered(counters) for counters in controls)
    record(
        f"write order, {busy.members.volume_type}",
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
    assert len({one.counters for one in taken}) == SNAPSHOTS  # the writer went on between them
    assert [one for one in taken if one.is_torn] == []
    assert [one for one in taken if not one.has_all_acknowledged] == []
    assert torn_controls > 0  # the writer is quick enough to tell
