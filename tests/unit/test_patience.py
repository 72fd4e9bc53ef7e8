"""How long scripts wait for a lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.backends.directory_pool.replication.driver import DirectoryPoolReplication
from drivers.backends.scripted.patience import lock_wait
from drivers.contract import Context
from tests.contract.bench import ProcessRunner, new_id


def context(seconds: float, bound: float = 7) -> Context:
    return Context(new_id(), new_id(), datetime.now(UTC) + timedelta(seconds=seconds), hold_bound_seconds=bound)


@pytest.mark.parametrize(
    ("seconds", "bound", "waits"), [(900, 7, "37"), (900, 120, "150"), (20, 120, "9"), (-5, 7, "1")]
)
def test_a_lock_is_waited_for_as_long_as_a_hold_may_keep_it_and_half_of_the_time_at_most(
    seconds: float, bound: float, waits: str
) -> None:
    assert lock_wait(context(seconds, bound)) == waits


def test_a_replicating_script_is_as_patient_as_the_others() -> None:
    command = DirectoryPoolReplication("btrfs", "/srv/pool", ProcessRunner())._command(
        context(900, 120), "observe", new_id()
    )
    assert "150" in command.argv
