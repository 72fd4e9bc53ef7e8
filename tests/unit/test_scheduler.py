"""Which backend a request goes to, and why the others do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.errors import ConfigurationError, Refused
from cgctl.model.names import GIB
from cgctl.scheduler.candidates import Candidate, Request, rejections, virtual_free_gib
from cgctl.scheduler.choose import choose, rank


def backend(
    name: str = "alpha", zone: str = "nova", reserved: int = 0, ratio: float = 1.0, **capabilities: Any
) -> Candidate:
    room = {"total_capacity_gb": 100.0, "free_capacity_gb": 100.0, "provisioned_capacity_gb": 0.0}
    return Candidate(name, zone, reserved, ratio, {**room, "thin_provisioning_support": True, **capabilities})


def wants(gib: float = 0, zone: str | None = None, **specs: str) -> Request:
    return Request([("volume type gold", specs)], int(gib * GIB), zone)


def test_a_backend_that_cannot_be_asked_says_so_and_nothing_else() -> None:
    candidate = Candidate("alpha", "elsewhere", unusable="alpha: no route to host")
    assert rejections(wants(1, "nova"), candidate) == ["alpha: no route to host"]


def test_the_zone_has_to_be_the_wanted_one() -> None:
    assert rejections(wants(zone="nova"), backend()) == []
    assert rejections(wants(zone="nova"), backend(zone="cellar")) == ["zone is cellar, not nova"]
    assert rejections(wants(), backend(zone="cellar")) == []


def test_each_owner_of_specs_is_named() -> None:
    request = Request([("volume type gold", {"tier": "gold"}), ("group type safe", {"fast": "<is> True"})])
    reasons = rejections(request, backend(tier="iron"))
    assert reasons == ["volume type gold: tier gold (has iron)", "group type safe: fast <is> True (has nothing)"]


@pytest.mark.parametrize(
    ("gib", "settings", "fits"),
    [
        (100, {}, True),
        (101, {}, False),
        (90, {"reserved": 10}, True),
        (91, {"reserved": 10}, False),
        (200, {"ratio": 2.0}, True),
        (201, {"ratio": 2.0}, False),
        (150, {"ratio": 2.0, "provisioned_capacity_gb": 50.0}, True),
        (151, {"ratio": 2.0, "provisioned_capacity_gb": 50.0}, False),
        (20, {"ratio": 2.0, "free_capacity_gb": 10.0}, True),
        (21, {"ratio": 2.0, "free_capacity_gb": 10.0}, False),
        (1, {"free_capacity_gb": 0.0}, False),
        (1, {"total_capacity_gb": 0.0, "free_capacity_gb": 0.0}, False),
        (50, {"thin_provisioning_support": False, "provisioned_capacity_gb": 50.0, "ratio": 20.0}, True),
        (51, {"thin_provisioning_support": False, "provisioned_capacity_gb": 50.0, "ratio": 20.0}, False),
        (11, {"thin_provisioning_support": False, "free_capacity_gb": 10.0, "ratio": 20.0}, False),
        (1, {"free_capacity_gb": 5.0, "reserved": 5}, False),
    ],
)
def test_room(gib: float, settings: dict[str, Any], fits: bool) -> None:
    reasons = rejections(wants(gib), backend(**settings))
    assert reasons == [] if fits else [reason.split(":")[0] for reason in reasons] == ["room"]


def test_a_thick_type_is_never_promised_more_than_there_is() -> None:
    thick = Request([("volume type thick", {"provisioning:type": "thick"})], 101 * GIB)
    assert rejections(thick, backend(ratio=20.0))
    assert not rejections(wants(101), backend(ratio=20.0))


def test_a_request_without_size_needs_no_room() -> None:
    assert rejections(wants(0), backend(free_capacity_gb=0.0)) == []


@given(
    total=st.floats(0, 1000), used=st.floats(0, 1000), provisioned=st.floats(0, 9000), reserved=st.integers(0, 100),
    ratio=st.floats(1, 20),
)  # fmt: skip
def test_what_is_reserved_is_never_promised(
    total: float, used: float, provisioned: float, reserved: int, ratio: float
) -> None:
    candidate = backend(
        reserved=reserved, ratio=ratio, total_capacity_gb=total, free_capacity_gb=max(total - used, 0),
        provisioned_capacity_gb=provisioned,
    )  # fmt: skip
    promised = virtual_free_gib(wants(1), candidate)
    assert provisioned + promised <= (total - int(total * reserved / 100)) * ratio + 1e-6


def test_the_most_room_wins_and_then_the_name() -> None:
    candidates = [
        backend("c"),
        backend("b"),
        backend("full", free_capacity_gb=1.0),
        backend("a", free_capacity_gb=50.0),
    ]
    assert [one.backend_id for one in rank(wants(2), candidates)] == ["b", "c", "a", "full"]
    assert choose("volume v", wants(2), candidates).backend_id == "b"


def test_a_refusal_names_every_backend_with_its_reasons() -> None:
    candidates = [backend("alpha", zone="cellar"), Candidate("beta", "nova", unusable="no answer"), backend("gamma")]
    with pytest.raises(Refused) as refused:
        choose("volume v", wants(500, "nova", tier="gold"), candidates)
    for words in ("alpha: zone is cellar", "beta: no answer", "gamma: volume type gold: tier gold", "500 GiB wanted"):
        assert words in refused.value.reason
    assert "cgctl" in (refused.value.hint or "")


def test_no_backend_at_all_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError):
        choose("volume v", wants(), [])
