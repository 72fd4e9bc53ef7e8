"""Which backend a request goes to, and why the others do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.errors import ConfigurationError, Refused
from cgctl.manager.placement import specs_for
from cgctl.model.names import CG_TYPE, GIB
from cgctl.model.tables import GroupType, VolumeType
from cgctl.scheduler.candidates import Candidate, Request
from cgctl.scheduler.capacity import NOISE, virtual_free_gib
from cgctl.scheduler.choose import choose, rank, rejections


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


@pytest.mark.parametrize(
    ("total", "free", "reserved", "fits"),
    [
        (100.0, "unknown", 0, True),
        (100.0, "infinite", 50, True),
        ("infinite", "infinite", 0, True),
        ("unknown", "unknown", 0, True),
        ("unknown", "unknown", 10, False),
        ("infinite", "infinite", 1, False),
        (0.0, 0.0, 0, False),
    ],
)
def test_room_that_is_not_told(total: object, free: object, reserved: int, fits: bool) -> None:
    candidate = backend(reserved=reserved, total_capacity_gb=total, free_capacity_gb=free)
    assert (rejections(wants(10_000), candidate) == []) is fits


def test_the_reserved_part_is_not_rounded() -> None:
    """15 % of 10 GiB keep 1.5 GiB back; Cinder's rounding to whole GiB would keep 1."""
    small = backend(reserved=15, total_capacity_gb=10.0, free_capacity_gb=10.0)
    assert rejections(wants(8), small) == []
    assert rejections(wants(9), small) == ["room: 9 GiB wanted, 8.5 GiB left to promise"]


@pytest.mark.parametrize(
    ("weight", "order", "told"),
    [
        (1.0, ["most", "middle", "least", "silent"], [1.0, 0.5, 0.0, None]),
        (3.0, ["most", "middle", "least", "silent"], [3.0, 1.5, 0.0, None]),
        (-1.0, ["least", "middle", "most", "silent"], [0.0, -0.5, -1.0, None]),
        (0.0, ["least", "middle", "most", "silent"], [0.0, 0.0, 0.0, None]),
    ],
)
def test_the_weight_of_free_room_makes_the_order_and_who_does_not_tell_is_last(
    weight: float, order: list[str], told: list[float | None]
) -> None:
    rooms = {"most": 90.0, "middle": 50.0, "least": 10.0, "silent": "unknown"}
    ranking = rank(wants(1), [backend(name, free_capacity_gb=room) for name, room in rooms.items()], weight)
    assert [one.backend_id for one in ranking] == order
    assert [one.score for one in ranking] == told


def test_backends_that_are_alike_have_the_same_score_and_go_by_name() -> None:
    """Almost alike, too: two pools of one disk, between whose readings somebody wrote."""
    for free in (100.0, 99.95):
        ranking = rank(wants(1), [backend("b"), backend("a", free_capacity_gb=free)])
        assert [(one.backend_id, one.score) for one in ranking] == [("a", 0.0), ("b", 0.0)]
    assert rank(wants(1), [backend("b"), backend("a", free_capacity_gb=99.5)])[0].backend_id == "b"


def test_a_ranking_tells_scores_and_reasons_to_people() -> None:
    candidates = [backend("a"), backend("b", free_capacity_gb="unknown"), backend("c", zone="cellar")]
    assert [one.told() for one in rank(wants(1, "nova"), candidates)] == [
        "a: score 0.000, 100.0 GiB left to promise",
        "b: last, its room is not told",
        "not c: zone is cellar, not nova",
    ]


def _rooms(most: float) -> st.SearchStrategy[float]:
    """In GiB, to the MiB: what differs by less has one score."""
    return st.floats(0, most).map(lambda gib: round(gib, 3))


@given(st.lists(st.tuples(_rooms(1000), _rooms(2000)), min_size=1, max_size=8), _rooms(500))
def test_who_is_chosen_fits_and_nobody_who_fits_has_more_room(pools: list[tuple[float, float]], gib: float) -> None:
    candidates = [
        backend(str(number), total_capacity_gb=1000.0, free_capacity_gb=free, provisioned_capacity_gb=provisioned)
        for number, (free, provisioned) in enumerate(pools)
    ]
    request = wants(gib)
    best = rank(request, candidates)[0]
    fitting = [one for one in candidates if not rejections(request, one)]
    assert bool(best.reasons) is not bool(fitting)
    if fitting:
        most = max(virtual_free_gib(request, one) for one in fitting)
        assert best.free_gib >= min(most, most * (1 - NOISE))


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
    assert provisioned + promised <= total * (1 - reserved / 100) * ratio + 1e-6


def test_the_most_room_wins_and_then_the_name() -> None:
    candidates = [
        backend("c"),
        backend("b"),
        backend("full", free_capacity_gb=1.0),
        backend("a", free_capacity_gb=50.0),
    ]
    assert [one.backend_id for one in rank(wants(2), candidates)] == ["b", "c", "a", "full"]
    assert choose("volume v", wants(2), candidates)[0].backend_id == "b"


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


def volume_type(name: str, **specs: str) -> VolumeType:
    return VolumeType(name=name, extra_specs=specs)


def test_seed_000_asks_for_support_where_a_consistency_groups_type_does_not() -> None:
    types = [volume_type("plain"), volume_type("asks", **{"capabilities:consistencygroup_support": "<is> False"})]
    own = GroupType(name=CG_TYPE, group_specs={"consistent_group_snapshot_enabled": "<is> True"})
    assert specs_for(own, types) == [
        (f"group type {CG_TYPE}", {"consistent_group_snapshot_enabled": "<is> True"}),
        ("volume type plain", {"consistencygroup_support": "<is> True"}),
        ("volume type asks", {"capabilities:consistencygroup_support": "<is> False"}),
    ]
    without = backend(consistencygroup_support=False, consistent_group_snapshot_enabled=True)
    reasons = rejections(Request(specs_for(own, types[:1])), without)
    assert reasons == ["volume type plain: consistencygroup_support <is> True (has False)"]
    generic = GroupType(name="other", group_specs={})
    assert rejections(Request(specs_for(generic, types[:1])), without) == []
