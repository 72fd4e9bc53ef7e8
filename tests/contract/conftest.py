"""The fixtures of the conformance suite: `bench` is every driver in turn, on a fresh pool."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.bench import Bench
from tests.contract.places import LOCAL, PLACES, SMALL_PLACES


def _parameters(places: dict[str, object], local: tuple[str, ...]) -> list[object]:
    return [pytest.param(name, marks=() if name in local else pytest.mark.lab) for name in places]


@pytest.fixture(params=_parameters({**PLACES}, LOCAL))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
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
