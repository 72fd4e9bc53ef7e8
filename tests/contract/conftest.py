"""The fixtures of the conformance suite: `bench` is every driver in turn, on a fresh pool."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.bench import Bench
from tests.contract.places import LOCAL, MACHINE_PLACES, PLACES, SMALL_PLACES
from tests.contract.thin_pool import running_machine
from tests.lab.vm import Machine


def _parameters(places: dict[str, object], local: tuple[str, ...]) -> list[object]:
    return [pytest.param(name, marks=() if name in local else pytest.mark.lab) for name in places]


def _machine_parameters() -> list[object]:
    return [pytest.param(name, marks=pytest.mark.vm) for name in MACHINE_PLACES]


TELLING = frozenset({
    "test_a_group_snapshot_keeps_all_members_as_they_were",
    "test_a_clone_of_a_group_and_its_source_do_not_see_each_others_writes",
    "test_a_reverted_volume_has_the_data_of_its_snapshot_and_the_snapshot_stays",
    "test_extending_keeps_the_data_and_adds_zeros",
    "test_a_healthy_pool_has_no_failing_finding",
    "test_a_stream_becomes_a_volume_or_nothing",
})  # fmt: skip
"""Of the conformance suite, what CI runs on the virtual machine: a fork takes 50 ms there, a promise ten seconds."""
TELLING_FOR_NFS = frozenset({"test_a_clone_of_a_group_and_its_source_do_not_see_each_others_writes"})
"""Of those, what it runs again with volumes that are file systems."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before the others leave out what is not telling."""
    for item in items:
        if getattr(item, "originalname", "") in (TELLING_FOR_NFS if "lvm-nfs" in item.name else TELLING):
            item.add_marker("telling")


@pytest.fixture(scope="session")
def vm1() -> Iterator[Machine]:
    yield from running_machine()


@pytest.fixture(params=[*_parameters({**PLACES}, LOCAL), *_machine_parameters()])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every driver."""
    with {**PLACES, **MACHINE_PLACES}[request.param](request) as result:
        yield result


@pytest.fixture(params=_parameters({**PLACES}, LOCAL))
def directory_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every driver whose pool is a directory."""
    with PLACES[request.param](request) as result:
        yield result


@pytest.fixture(params=_parameters({**SMALL_PLACES}, ()))
def small_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """On a file system that is soon full."""
    with SMALL_PLACES[request.param](request) as result:
        yield result


@pytest.fixture
def btrfs(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with PLACES["btrfs"](request) as result:
        yield result


@pytest.fixture(params=["file", "file-on-xfs"])
def file(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with PLACES[request.param](request) as result:
        yield result


@pytest.fixture
def local_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """`file` on this machine."""
    with PLACES["file"](request) as result:
        yield result
