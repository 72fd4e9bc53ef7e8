"""The far side of a replication is an empty directory: its file system is not mounted, or its disk is a new one."""

from __future__ import annotations

import pytest

from tests.manager.house import House
from tests.manager.replicating import live
from tests.manager.test_failover import group

ORDER = ("group-failover-replication", "--allow-attached-volume", "db")
SYNC = ("group-sync-replication", "db")


@pytest.fixture
def unmounted(replicated: House) -> House:
    """beta's pool is not mounted."""
    (replicated.root / "beta").rename(replicated.root / "mounted")
    (replicated.root / "beta").mkdir()
    return replicated


def mount(house: House) -> None:
    (house.root / "beta").rmdir()  # nothing was written below the mount point
    (house.root / "mounted").rename(house.root / "beta")


@pytest.mark.parametrize(
    "words",
    [
        SYNC,
        ORDER,
        ("group-test-failover", "db"),
        ("group-verify-replica", "db"),
        ("group-disable-replication", "db"),
        ("group-delete", "db", "--delete-volumes", "--delete-replicas"),
        ("failover-host", "alpha"),
        ("create", "1M", "--name", "new", "--availability-zone", "elsewhere"),
    ],
)
def test_nothing_goes_below_its_mount_point(unmounted: House, words: tuple[str, ...]) -> None:
    ran = unmounted.run(*words)
    assert ran.code in (5, 6), ran
    assert "no owner mark" in ran.err + ran.out
    assert group(unmounted) == ("alpha", "available", "enabled")
    mount(unmounted)
    unmounted.ok(*SYNC)
    unmounted.ok(*ORDER)
    assert unmounted.rows("SELECT 1 FROM locks") == []
    assert unmounted.rows("SELECT 1 FROM operations WHERE state IN ('running', 'unsettled')") == []


def test_no_snapshot_is_copied_there(unmounted: House) -> None:
    ran = unmounted.run("group-snapshot-create", "db", "--name", "s", "--replicate")
    assert (ran.code, "but not replicated" in ran.err, "no owner mark" in ran.err) == (10, True, True), ran
    mount(unmounted)
    unmounted.ok(*ran.err.split("hint: cgctl ")[1].split())
    assert {(one["name"], one["status"]) for one in unmounted.show("group-snapshot-list")} == {
        ("s", "available"),
        ("s@beta", "available"),
    }


def test_it_can_be_left_as_it_is_on_the_operators_word(unmounted: House) -> None:
    refused = unmounted.run("group-disable-replication", "db").err
    told = unmounted.ok(*refused.split("hint: cgctl ")[1].split()).err
    assert "is without its pool" in told
    assert group(unmounted) == ("alpha", "available", "disabled")


@pytest.mark.parametrize("failed_over", [False, True])
def test_a_new_disk_gets_everything_on_the_operators_word(replicated: House, *, failed_over: bool) -> None:
    """On the first of its groups: the pool has its mark then."""
    house, lost = replicated, "beta"
    if failed_over:
        house.ok(*ORDER)
        lost = "alpha"
    (house.root / lost).rename(house.root / "lost")
    (house.root / lost).mkdir()
    refused = house.run(*SYNC)
    assert refused.code == 6
    house.ok(*refused.err.split("lost: cgctl ")[1].split())
    house.write("db-0", b"of now")
    house.ok(*SYNC)
    before = live(house, "beta" if failed_over else "alpha")
    house.ok(*ORDER, *(("--secondary-backend-id", "default") if failed_over else ()))
    assert live(house, lost) == before


def test_the_word_is_about_one_group_and_is_waited_for(replicated: House) -> None:
    for words in (("--all", "--new-pool"), ("db", "--detach", "--new-pool")):
        assert replicated.run("group-sync-replication", *words).code == 2
