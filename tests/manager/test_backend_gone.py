"""Snapshots on a backend that is gone for good: nobody can delete them there, and what they are of could not go either.

On the operator's word they are forgotten (`--backend-is-gone`), as backups are whose repository is gone.
"""

from __future__ import annotations

import pytest

from drivers.errors import ConnectionLost
from tests.manager import faulty
from tests.manager.house import House, Ran
from tests.manager.test_lost_home import without

BOTH = (("group-snapshot-delete", "s1"), ("snapshot-delete", "alone"))
HOWS = {"not configured": BOTH, "missing": BOTH, "empty": BOTH[:1]}
"""What the state has last in a pool that was never marked, is deleted with it."""


@pytest.fixture
def away(replicated: House) -> House:
    """Group `db` is served by beta; group snapshot `s1` and snapshot `alone` are on alpha, where it was."""
    replicated.ok("group-snapshot-create", "db", "--name", "s1")
    replicated.ok("snapshot-create", "db-0", "--name", "alone")
    replicated.ok("group-failover-replication", "db")
    return replicated


def lose(house: House, how: str) -> None:
    """alpha is gone."""
    if how == "not configured":
        without(house, "alpha")
        return
    (house.root / "alpha").rename(house.root / "lost")
    if how == "empty":
        (house.root / "alpha").mkdir()


def way_out(refused: Ran) -> list[str]:
    """What the hint says to paste."""
    return refused.err.split("gone for good: cgctl ")[1].split()


@pytest.mark.parametrize("how", HOWS)
def test_they_are_forgotten_on_the_operators_word_and_the_group_can_go(away: House, how: str) -> None:
    lose(away, how)
    for command, name in HOWS[how]:
        refused = away.run(command, name)
        assert refused.code == (3 if how == "not configured" else 6), refused
        told = away.ok(*way_out(refused)).err
        assert f"{name}: forgotten; what backend alpha holds of it is left there" in told
        assert away.show("history", name)[-2]["kind"] == "forgotten"
    assert away.show("group-snapshot-list") == []
    if how == "not configured":
        away.ok("group-disable-replication", "db", "--leave-replicas", "--yes")
        away.ok("group-delete", "db", "--delete-volumes", "--yes")


def test_what_is_left_there_is_found_when_the_backend_comes_back(away: House) -> None:
    """Not what the state knows, nor the recovery points of a replication that goes on."""
    kept = {
        name: away.show(f"{kind}-show", name)["id"] for kind, name in (("group-snapshot", "s1"), ("snapshot", "alone"))
    }
    away.ok("group-snapshot-create", "db", "--name", "s2")
    assert "unknown" not in [one["check"] for one in away.show("backend-check")]
    lose(away, "missing")
    for command, name in BOTH:
        assert "found by: cgctl backend-check alpha" in away.ok(command, "--backend-is-gone", name).err
    (away.root / "lost").rename(away.root / "alpha")
    away.ok("group-sync-replication", "db")
    (found,) = [one for one in away.show("backend-check") if one["check"] == "unknown"]
    group, volume = away.show("group-show", "db")["id"], away.show("show", "db-0")["id"]
    told = f"group snapshot {kept['s1']} of {group}, snapshot {kept['alone']} of {volume}"
    assert (found["backend"], found["detail"].partition(";")[0]) == ("alpha", f"this state does not know {told}")


def test_while_the_backend_answers_nothing_is_forgotten(away: House) -> None:
    for command, kind, name in (("cgsnapshot-delete", "group-", "s1"), ("snapshot-delete", "", "alone")):
        with away.unchanged():
            refused = away.run(command, "--backend-is-gone", name)
        assert (refused.code, "is not forgotten: backend alpha answers" in refused.err) == (5, True), refused
        assert f"cgctl {kind}snapshot-delete " in refused.err


def test_what_would_be_forgotten_is_told_by_a_dry_run(away: House) -> None:
    lose(away, "missing")
    with away.unchanged():
        told = away.run("group-snapshot-delete", "--backend-is-gone", "s1", "--dry-run")
    assert (told.code, "state only: delete group snapshot s1 with 2 members" in told.out + told.err) == (0, True), told


def test_the_word_goes_for_a_deletion_that_was_interrupted(away: House, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ConnectionLost("alpha: gone"), "delete_cgsnapshot"))
    assert away.run("group-snapshot-delete", "s1").code == 6
    lose(away, "missing")
    assert away.run("group-snapshot-delete", "s1").code == 6
    away.ok("group-snapshot-delete", "--backend-is-gone", "s1")
    assert away.show("group-snapshot-list") == []
    assert away.rows("SELECT 1 FROM operations WHERE state NOT IN ('done', 'failed', 'settled')") == []
