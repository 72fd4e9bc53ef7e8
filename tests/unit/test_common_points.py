"""Which recovery point two servers have in common, and how the next one travels: by what each server knows it by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cgctl.manager.replication.sides import best_form, is_same, newest_common
from drivers.backends.directory_pool.replication.driver import FORMS
from drivers.replication import BLOCKS, PointOnServer, RecoveryPoint, Side, StreamForm

BTRFS, FILE, LVM = FORMS["btrfs"], FORMS["file"], (BLOCKS,)
SEND, SHIP = BTRFS[0], FILE[0]


def known_as(identity: str, point_id: str = "p", sequence: int = 1) -> PointOnServer:
    taken_at = datetime(2026, 11, 21, tzinfo=UTC)
    return PointOnServer(RecoveryPoint(point_id, "group", "generation", sequence, taken_at), identity)


@pytest.mark.parametrize(
    ("ours", "theirs", "here", "there", "form"),
    [
        (BTRFS, BTRFS, "uuid", "uuid", SEND),
        (BTRFS, LVM, "uuid", "p", BLOCKS),
        (BTRFS, FILE, "uuid", "p", BLOCKS),
        (LVM, BTRFS, "p", "p", BLOCKS),
        (LVM, LVM, "p", "p", BLOCKS),
        (FILE, FILE, "p", "p", SHIP),
        (FILE, LVM, "p", "p", BLOCKS),
        (BTRFS, BTRFS, "uuid", "p", BLOCKS),  # taken here, and arrived there as blocks
        (BTRFS, BTRFS, "p", "p", BLOCKS),  # arrived as blocks on both, from a third
    ],
)
def test_a_delta_travels_in_the_best_form_that_finds_its_base(
    ours: tuple[StreamForm, ...], theirs: tuple[StreamForm, ...], here: str, there: str, form: StreamForm
) -> None:
    pair = known_as(here), known_as(there)
    assert is_same(*pair)
    assert best_form(ours, theirs, pair) == form
    assert best_form(theirs, ours, pair[::-1]) == form


def test_a_whole_copy_travels_in_the_best_common_form() -> None:
    assert best_form(BTRFS, BTRFS) == SEND
    assert best_form(BTRFS, FILE) == BLOCKS
    assert best_form((SEND,), FILE) is None


def test_two_servers_that_know_a_point_by_different_identities_do_not_share_it() -> None:
    assert not is_same(known_as("one uuid"), known_as("another uuid"))
    assert not is_same(known_as("p"), known_as("q", "q"))


@pytest.mark.parametrize("changed", [0, 1])
def test_a_point_that_was_changed_by_hand_is_nobodys_base(changed: int) -> None:
    pair = [known_as("uuid"), known_as("p")]
    pair[changed] = replace(pair[changed], is_intact=False)
    assert not is_same(*pair)


def test_the_newest_common_point_is_the_base_whatever_it_arrived_as() -> None:
    ours = (known_as("a", "1", 1), known_as("b", "2", 2), known_as("c", "3", 3), known_as("d", "4", 4))
    theirs = (known_as("a", "1", 1), known_as("2", "2", 2), known_as("x", "3", 3))
    assert newest_common(Side(points=ours), Side(points=theirs)) == ours[1]
    assert newest_common(Side(points=theirs), Side(points=ours)) == theirs[1]
    assert newest_common(Side(points=ours), Side()) is None
