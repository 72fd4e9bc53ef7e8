"""What a group has left behind is not served again, and keeps nobody from being brought up to date. About 30 s."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest

from drivers.errors import AtWork, OutcomeUnknown, ServerFailed, ToolMissing, Unreachable
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import live, points, replica
from tests.manager.test_failover import access, come_back, diverged, group, lose

FAIL_OVER = ("group-failover-replication", "db", "--secondary-backend-id")
UNDO = ("group-undo-failover", "db")


def test_what_was_undone_is_not_promoted_on_a_second_target_and_keeps_no_sync_from_it(three: House) -> None:
    three.ok(*FAIL_OVER, "dr1")
    three.write("db-0", b"undone")
    three.ok("group-sync-replication", "db")
    three.ok(*UNDO)
    three.write("db-0", b"goes on")
    row = replica(three, host="gamma")
    assert (row["lag_seconds"], row["error"]) == (None, "its newest point is of what was given up; not synced since")
    lose(three)
    refused = three.run(*FAIL_OVER, "dr2", "--source-is-down")
    assert (refused.code, "no complete recovery point" in refused.err) == (7, True)
    come_back(three)
    three.ok("group-sync-replication", "db")
    assert replica(three, host="gamma")["is_full"] is False
    for host in ("beta", "gamma"):
        assert points(three, host)[str(replica(three, host=host)["point_id"])] == live(three, "alpha")


def test_what_was_lost_in_a_failover_is_not_promoted_by_the_next_one(three: House) -> None:
    """Gamma has a newer point of alpha than the one that beta began with; gamma's older one is of beta's line."""
    common = live(three, "alpha")
    lose(three, "beta")
    three.write("db-0", b"shipped to gamma alone")
    assert three.run("group-sync-replication", "db").code == 10
    come_back(three, "beta")
    lose(three, "alpha")
    three.ok(*FAIL_OVER, "dr1", "--source-is-down", "--accept-data-loss")
    assert "given up" in str(replica(three, host="gamma")["error"])
    three.write("db-0", b"on beta")
    lose(three, "beta")
    three.ok(*FAIL_OVER, "dr2", "--source-is-down")
    assert live(three, "gamma") == common


def test_a_side_that_was_away_when_its_failover_was_undone_is_replicated_to_again(replicated: House) -> None:
    house = replicated
    lose(house, "alpha")
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    house.write("db-0", b"undone")
    undone = live(house, "beta")
    come_back(house, "alpha")
    lose(house, "beta")
    house.ok(*UNDO, "--source-is-down")
    house.write("db-0", b"goes on")
    come_back(house, "beta")
    house.ok("group-sync-replication", "db")
    (kept,) = diverged(house)
    assert points(house, "beta")[str(kept["id"])] == undone
    served = live(house, "alpha")
    house.ok(*FAIL_OVER, "dr1")
    assert live(house, "beta") == served


def test_a_divergence_is_listed_although_the_failback_that_kept_it_was_given_up(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replicated
    house.write("db-0", b"never synced")
    lost = live(house, "alpha")
    lose(house)
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    come_back(house)
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("the disk is broken"), "note_point"))
    assert "kept as group snapshot diverged-" in house.run(*FAIL_OVER, "default").err
    faulty.install(monkeypatch, faulty.well)
    house.ok(*FAIL_OVER, "dr1")
    (kept,) = diverged(house)
    assert points(house, "alpha")[str(kept["id"])] == lost
    assert "kept as" not in house.ok(*FAIL_OVER, "default").err


def test_an_undo_gives_members_the_size_that_they_have_got_since(replicated: House) -> None:
    house = replicated
    lose(house)
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    house.ok("extend", "db-1", "2M")
    come_back(house)
    house.ok(*UNDO)
    assert house.disk("db-1").stat().st_size == 2 * 2**20
    house.ok("group-sync-replication", "db")


def test_a_state_that_was_restored_from_a_copy_does_not_count_points_below_those_that_are_there(
    replicated: House,
) -> None:
    house = replicated
    shutil.copy(house.root / "state.db", house.root / "copy.db")
    for text in (b"one", b"two", b"three"):
        house.write("db-0", text)
        house.ok("group-sync-replication", "db")
    restore(house)
    house.write("db-0", b"newest")
    house.ok("group-sync-replication", "db")
    assert points(house, "beta")[str(replica(house)["point_id"])] == live(house, "alpha")
    lose(house)
    newest = live(house, "alpha")
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    assert live(house, "beta") == newest


def test_a_state_that_was_restored_fences_nobody_who_is_newer(replicated: House) -> None:
    """Beta has served since the copy was made: what alpha has is older, and the state says that alpha serves."""
    house, fail_over = replicated, attach(replicated)
    shutil.copy(house.root / "state.db", house.root / "copy.db")
    lose(house)
    house.ok(*fail_over, "dr1", "--source-is-down")
    come_back(house)
    restore(house)
    for command in (("group-sync-replication", "db"), ("group-disable-replication", "db")):
        assert house.run(*command).code == 7
    assert len(access(house, "beta")) == 1


def restore(house: House) -> None:
    """The state is what it was when it was copied."""
    for file in house.root.glob("state.db*"):
        file.unlink()
    shutil.copy(house.root / "copy.db", house.root / "state.db")


def test_a_disabling_that_was_interrupted_ends_without_the_backend_that_is_gone_for_good(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replicated
    faulty.install(monkeypatch, faulty.raises_before(OutcomeUnknown("the line was cut"), "forget"))
    assert house.run("group-disable-replication", "db").code == 6
    faulty.install(monkeypatch, faulty.well)
    lose(house, "beta")
    refused = house.run("group-disable-replication", "db")
    assert (refused.code, "--leave-replicas" in refused.err) == (8, True)
    house.ok("group-disable-replication", "--leave-replicas", "db")
    assert group(house) == ("alpha", "available", "disabled")


def test_a_dry_run_of_an_undo_says_nothing_of_a_source_in_earnest(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("the disk is broken"), "note_point"))
    assert replicated.run(*FAIL_OVER, "dr1").code == 6
    faulty.install(monkeypatch, faulty.well)
    with replicated.unchanged():
        replicated.ok(*UNDO, "--dry-run", "--source-is-down")


def test_a_host_that_still_serves_is_not_called_failed_over(replicated: House) -> None:
    replicated.ok(*FAIL_OVER, "dr1")
    ran = replicated.run("failover-host", "beta")
    assert (ran.code, "still served by backend beta" in ran.err + ran.out) == (5, True)
    assert "cgctl failover-host beta --backend_id default" in ran.err
    replicated.ok("failover-host", "beta", "--backend_id", "default")
    assert group(replicated)[0] == "alpha"


def test_a_group_whose_targets_are_gone_from_the_configuration_is_not_called_synced(replicated: House) -> None:
    house = replicated
    section = dict(house.configuration["backends"]["alpha"])
    del section["replication_targets"]
    house.configure(backends={"alpha": section})
    for words in (["db"], ["--all", "--due"]):
        ran = house.run("group-sync-replication", *words)
        assert (ran.code, "has no replication targets" in ran.err) == (5, True)
    (row,) = house.show("group-replication-status", "db")
    assert (row["host"], row["error"]) == (None, "backend alpha has no replication targets")
    house.ok("group-disable-replication", "db")
    assert points(house, "beta") == points(house, "alpha") == {}


def test_a_source_that_answers_and_cannot_be_fenced_is_not_down_whatever_was_said(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replicated
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    order = (*FAIL_OVER, "dr1", "--source-is-down", "--allow-attached-volume")
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("tgtadm: no answer"), "remove_exports"))
    ran = house.run(*order)
    assert (ran.code, "its exports cannot be ended" in ran.err) == (6, True)
    assert (access(house, "beta"), group(house)[0]) == ({}, "alpha")
    faulty.install(monkeypatch, faulty.well)
    house.ok(*order)
    assert (access(house, "alpha"), group(house)[0]) == ({}, "beta")


def test_what_is_lost_goes_until_the_fence_hook_has_ended(replicated: House) -> None:
    house = replicated
    section = house.configuration["backends"]["alpha"]
    fenced = house.root / "fenced"
    house.configure(backends={"alpha": {**section, "fence": f"sleep 1; date +%s.%N >{fenced}"}})
    lose(house)
    told = house.ok(*FAIL_OVER, "dr1", "-f", "json").json
    since = datetime.fromisoformat(told["lost_since"]).timestamp()
    assert told["loss_seconds"] >= float(fenced.read_text()) - since


def test_a_source_whose_export_server_does_not_run_may_be_called_down(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.install(monkeypatch, faulty.raises_before(ToolMissing("tgtd is not running"), "remove_exports"))
    assert "going on without it" in replicated.ok(*FAIL_OVER, "dr1", "--source-is-down").err
    assert group(replicated)[0] == "beta"


def test_what_an_earlier_replication_left_is_removed_when_that_is_said(replicated: House) -> None:
    house = replicated
    lose(house, "beta")
    house.ok("group-disable-replication", "--leave-replicas", "db")
    come_back(house, "beta")
    left = points(house, "beta")
    refused = house.run("group-enable-replication", "db")
    assert (refused.code, "an earlier replication of it has left" in refused.err) == (5, True)
    assert points(house, "beta") == left
    group_id = house.show("group-show", "db")["id"]
    assert f"cgctl group-enable-replication --delete-replicas {group_id}" in refused.err
    house.ok("group-enable-replication", "--delete-replicas", "db")
    assert points(house, "beta") == points(house, "alpha") != left


def attach(house: House) -> tuple[str, ...]:
    """Somebody uses the group; returns how it fails over nevertheless."""
    house.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    house.configure(hooks={"db": {"pre": "true"}})  # a file pool holds no writes by itself
    return ("group-failover-replication", "db", "--allow-attached-volume", "--secondary-backend-id")


def test_who_served_and_is_no_target_any_more_is_fenced_when_it_comes_back(
    three: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it cannot be fenced, nobody is kept from his sync."""
    fail_over = attach(three)
    three.ok(*fail_over, "dr1")
    three.ok("group-sync-replication", "db")
    lose(three, "beta")
    three.ok(*fail_over, "dr2", "--source-is-down")
    section = three.configuration["backends"]["alpha"]
    three.configure(backends={"alpha": {**section, "replication_targets": section["replication_targets"][1:]}})
    assert "no replication target any more, does not answer" in three.ok("group-sync-replication", "db").err
    come_back(three, "beta")
    faulty.install(monkeypatch, faulty.raises_before(AtWork("another script is at it"), "remove_exports"))
    three.write("db-0", b"goes on")
    ran = three.run("group-sync-replication", "db")
    assert (ran.code, "beta: another script is at it" in ran.err, len(access(three, "beta"))) == (10, True, 1)
    assert points(three, "alpha")[str(replica(three, host="alpha")["point_id"])] == live(three, "gamma")
    faulty.install(monkeypatch, faulty.well)
    assert "backend beta has come back" in three.ok("group-sync-replication", "db").err
    assert (access(three, "beta"), len(access(three, "gamma"))) == ({}, 1)


def test_what_was_left_standing_is_fenced_and_kept_when_replication_begins_anew(replicated: House) -> None:
    house, fail_over = replicated, attach(replicated)
    house.ok(*fail_over, "dr1")
    house.write("db-0", b"only on beta")
    lost = live(house, "beta")
    lose(house, "beta")
    house.ok(*fail_over, "default", "--source-is-down")
    come_back(house, "beta")
    assert house.run("group-disable-replication", "db").code == 7
    assert access(house, "beta") == {}
    house.ok("group-disable-replication", "--leave-replicas", "db")
    refused = house.run("group-enable-replication", "db")
    assert (refused.code, "group-enable-replication --delete-replicas" in refused.err) == (5, True)
    assert live(house, "beta") == lost
    house.ok("group-enable-replication", "--delete-replicas", "db")
    (kept,) = diverged(house)
    assert (live(house, "beta"), points(house, "beta")[str(kept["id"])]) == ([], lost)


def test_a_disabling_that_stopped_half_way_is_no_replication_any_more(
    three: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []

    def fault(name: str, call: faulty.Call) -> object:
        passed.extend([name] if name == "forget" else [])
        if len(passed) == 2:
            raise Unreachable("gamma: no route to host")
        return call()

    faulty.install(monkeypatch, fault)
    assert three.run("group-disable-replication", "db").code == 6
    faulty.install(monkeypatch, faulty.well)
    assert group(three)[2] == "error"
    assert three.run("group-sync-replication", "db").code == 5
    assert group(three) == ("alpha", "available", "disabled")
    assert [points(three, host) for host in ("alpha", "beta", "gamma")] == [{}, {}, {}]


def test_who_was_away_over_several_failovers_still_gets_a_delta(three: House) -> None:
    """Alpha alone knows beta's last point; what gamma has in common with it is older, and older than what is served."""
    lose(three, "gamma")
    assert three.run("group-sync-replication", "db").code == 10
    come_back(three, "gamma")
    for away, word in (("alpha", "dr1"), ("beta", "dr2")):
        lose(three, away)
        three.ok(*FAIL_OVER, word, "--source-is-down", "--accept-data-loss")
    come_back(three, "beta")
    for word in ("dr1", "dr2"):
        three.ok(*FAIL_OVER, word)
    three.write("db-0", b"goes on")
    assert three.run("group-sync-replication", "db").code == 10
    come_back(three, "alpha")
    three.ok("group-sync-replication", "db")
    assert replica(three, host="alpha")["is_full"] is False
    assert points(three, "alpha")[str(replica(three, host="alpha")["point_id"])] == live(three, "gamma")


def test_a_group_whose_origin_is_gone_for_good_is_at_home_where_it_is_served(replicated: House) -> None:
    house = replicated
    lose(house)
    house.ok(*FAIL_OVER, "dr1", "--source-is-down")
    house.write("db-0", b"on beta")
    served = live(house, "beta")
    refused = house.run("group-disable-replication", "db")
    assert (refused.code, "when what it came from is gone for good" in refused.err) == (5, True)
    assert "cgctl backend-check alpha" in house.ok("group-disable-replication", "--leave-replicas", "db").err
    assert (group(house), live(house, "beta")) == (("beta", "available", "disabled"), served)
    assert {house.show(*words)["availability_zone"] for words in (("group-show", "db"), ("show", "db-0"))} == {
        "elsewhere"
    }
    come_back(house)
    section = {**house.configuration["backends"]["beta"], "replication_targets": [{"backend_id": "alpha"}]}
    house.configure(backends={"beta": section})
    assert house.run("group-enable-replication", "db").code == 5
    house.ok("group-enable-replication", "--delete-replicas", "db")
    assert served in points(house, "alpha").values()


def test_a_final_set_that_nobody_noted_goes_with_the_failover_that_is_given_up(
    replicated: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two: the set is complete on the source, and no note tells of it."""
    house = replicated
    known = points(house, "alpha")
    faulty.install(monkeypatch, faulty.raises_before(ServerFailed("the disk is broken"), "note_point"))
    assert house.run(*FAIL_OVER, "dr1").code == 6
    faulty.install(monkeypatch, faulty.well)
    assert len(points(house, "alpha")) == len(known) + 1
    house.ok(*FAIL_OVER, "default")
    assert points(house, "alpha") == known
