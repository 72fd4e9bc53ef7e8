"""Random sequences of commands keep the promises: state and servers agree, data are where the model has them.

After each command, what `disagreements` looks for must not be there, and every volume's size and data are compared.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.manager import faulty, world
from tests.manager.house import House
from tests.manager.machine_moves import Moves
from tests.manager.replicating import EXPORTS

SOAK = os.environ.get("CGCTL_SOAK") == "1"
EXAMPLES, STEPS = (150, 60) if SOAK else (4, 20)
LIMIT_SECONDS = 4 * 3600 if SOAK else 600


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Houses with types and nothing else, each a copy of the first."""
    faulty.install(monkeypatch, faulty.well)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    root = tmp_path / "origin"
    root.mkdir()
    origin = House(root)
    origin.add_backend("alpha", export=world.EXPORT)
    origin.types()

    def copies() -> Iterator[House]:
        for number in itertools.count():
            place = tmp_path / str(number)
            twin = world.copy(origin, place)
            twin.add_backend("beta", availability_zone="elsewhere", export=EXPORTS["beta"])
            yield twin

    return copies()


@pytest.mark.timeout(LIMIT_SECONDS)
def test_any_sequence_of_commands_keeps_state_servers_and_data_in_agreement(
    houses: Iterator[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> Moves:
        machine = Moves()
        machine.house = next(houses)
        monkeypatch.setenv("CGCTL_TEST_NOTES", str(machine.house.root))
        return machine

    run_state_machine_as_test(
        start,  # type: ignore[arg-type]  # it only calls it
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not SOAK,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
