"""A group in use goes back to a group snapshot: what its clients see, and that nothing writes to it meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.client_reads import counter
from tests.e2e.cluster import ISCSI, CommandLine
from tests.e2e.places import MACHINE, NAMESPACES
from tests.e2e.under_load import writing
from tests.e2e.writers import is_ordered

pytestmark = pytest.mark.timeout(1200)
PLACES = [*NAMESPACES, *MACHINE]


@pytest.mark.parametrize("place", PLACES)
def test_a_client_that_is_attached_again_sees_the_old_data(
    place: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fixture, volume_type = place
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 4, volume_type)
    attached = cluster.attach_all(members)
    with writing(members, attached, tmp_path) as writer:
        writer.wait_for_rounds(5)
        shown = cluster.run("group-snapshot-create", "db", "--name", "s", "-f", "json").json
        then = cluster.snapshot_counters(members, shown["id"])
        writer.wait_for_rounds(5)
    latest = cluster.counters(members)
    assert min(latest) > max(then)
    refused = cluster.run("group-revert-to-snapshot", "s", expect=5)
    assert "--force-detach" in refused.stderr
    assert [counter(one) for one in attached] == latest

    done = cluster.run("group-revert-to-snapshot", "s", "--name", "kept", "--force-detach", "-f", "json")
    assert set(done.json["detached"]) == {one.id for one in attached}
    attached = cluster.attach_all(members)
    assert [counter(one) for one in attached] == then
    assert cluster.snapshot_counters(members, done.json["kept_group_snapshot_id"]) == latest
    cluster.run("backend-check", "alpha" if volume_type == ISCSI else "beta")

    cluster.run("group-revert-to-snapshot", "kept", "--discard", "--force-detach")
    assert [counter(one) for one in cluster.attach_all(members)] == latest
    cluster.run("group-snapshot-delete", "s", "kept")


@pytest.mark.parametrize("place", PLACES)
def test_a_writer_that_is_there_throughout_writes_nothing_over_the_old_data(
    place: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """It would log in again by itself. The kept group snapshot has every write that was acknowledged before."""
    fixture, volume_type = place
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 4, volume_type)
    with writing(members, cluster.attach_all(members), tmp_path) as writer:
        shown = cluster.run("group-snapshot-create", "db", "--name", "s", "-f", "json").json
        writer.wait_for_rounds(5)
        then = cluster.snapshot_counters(members, shown["id"])
        acked = writer.acked
        done = cluster.run("group-revert-to-snapshot", "s", "--force-detach", "-f", "json").json
        time.sleep(1)
        assert cluster.counters(members) == then
    assert is_ordered(kept := cluster.snapshot_counters(members, done["kept_group_snapshot_id"]))
    assert min(kept) >= acked
