"""`create --hint`: a volume near to others, or away from them."""

from __future__ import annotations

import pytest

from tests.manager.house import House


@pytest.mark.parametrize(
    ("hints", "host"),
    [
        ("same_host=far", "beta"),
        ("different_host=far", "alpha"),
        ("same_host=near,near2", "alpha"),
        ('different_host=["near","near2"]', "beta"),
    ],
)
def test_a_hint_chooses_the_backend(db: House, hints: str, host: str) -> None:
    for name, zone in (("near", "nova"), ("near2", "nova"), ("far", "elsewhere")):
        db.ok("create", "1M", "--volume-type", "gold", "--availability-zone", zone, "--name", name)
    assert db.show("create", "1M", "--volume-type", "gold", "--hint", hints)["host"] == host


@pytest.mark.parametrize(
    ("hints", "code"),
    [("same_host=nobody", 4), ("colour=red", 2), ("same_host", 2), ("different_host=db-0,far", 5)],
)
def test_a_hint_that_cannot_be_followed_is_refused(db: House, hints: str, code: int) -> None:
    db.ok("create", "1M", "--volume-type", "gold", "--availability-zone", "elsewhere", "--name", "far")
    with db.unchanged():
        ran = db.run("create", "1M", "--volume-type", "gold", "--hint", hints)
    assert ran.code == code
    assert ran.err.count("hint: ") == 1
