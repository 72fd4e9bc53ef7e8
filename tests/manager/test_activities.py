"""Activities from begin to end: detached, waited for, cancelled, lost, settled by whoever comes; snapshot-replicate."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cgctl.remote.local import LocalRunner
from drivers.backends.file.driver import FileDriver
from drivers.contract import Context, HandleScope, ObjectKind
from tests.manager import faulty, gated
from tests.manager.agreement import disagreements, shape
from tests.manager.house import House

KILLED = -9
SINGLE = ("snapshot-replicate", "snap", "beta", "--name", "copy")
WHOLE = ("snapshot-replicate", "gs", "beta", "--name", "copy")


@pytest.fixture
def world(fresh: Callable[[], House]) -> House:
    return fresh()


def begun(house: House, *words: str) -> str:
    """The id of an activity that was left running."""
    return house.make(*(words or SINGLE), "--detach")


def activity(house: House, key: str) -> dict[str, object]:
    return dict(house.show("activity-show", key))


def work_of(house: House, key: str) -> Path:
    return house.root / "beta" / ".cgctl" / "activities" / key


def kill_on_server(house: House, key: str) -> None:
    """As a reboot does: the supervisor first, so that it can note nothing, then the work."""
    place = work_of(house, key)
    while not (place / "group").exists():
        time.sleep(0.02)
    os.kill(int((place / "state").read_text().split()[5]), signal.SIGKILL)
    os.killpg(int((place / "group").read_text().split()[0]), signal.SIGKILL)


def ended(house: House) -> None:
    """Whatever still runs comes to its end, and is settled."""
    for _ in range(200):
        house.ok("recover")
        states = "SELECT 1 FROM activities WHERE state IN ('queued', 'running', 'cancelling')"
        if not house.rows(states):
            return
        time.sleep(0.05)
    raise AssertionError("an activity does not end")


def test_a_snapshot_is_on_another_backend_with_its_data_and_nothing_else_is(world: House) -> None:
    copy = world.show(*SINGLE)
    assert (copy["status"], copy["name"], copy["size"]) == ("available", "copy", 0.000977)
    assert disagreements(world) == []
    world.ok("create", "--snapshot-id", str(copy["id"]), "--name", "again")
    assert world.show("show", "again")["host"] == "beta"
    assert world.read("again", 12) == b"data of solo"
    world.ok("snapshot-delete", str(copy["id"]))
    assert disagreements(world) == []


def test_where_the_driver_has_no_way_of_its_own_an_anonymous_volume_is_cloned_and_deleted(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world, own_way=False)
    before = {one.id for one in world.objects()}
    key = begun(world, *WHOLE)
    clones = [one for one in world.objects() if one.id not in before and one.kind is ObjectKind.VOLUME]
    assert len(clones) == 2
    gate.touch()
    world.ok("activity-wait", key)
    assert disagreements(world) == []


def test_a_group_snapshot_is_replicated_as_a_whole_and_a_group_is_made_of_it(world: House) -> None:
    copy = world.show(*WHOLE)
    assert (copy["host"], copy["status"], copy["hold"]["members"]) == ("beta", "available", 2)
    assert disagreements(world) == []
    world.ok("group-create-from-src", "--group-snapshot", copy["id"], "--name", "twin")
    volumes = world.show("list", "--filters", "group_id=twin")
    assert {(one["host"], world.read(one["id"], 12)) for one in volumes} == {
        ("beta", b"data of db-0"),
        ("beta", b"data of db-1"),
    }
    world.ok("group-delete", "--delete-volumes", "twin")
    world.ok("group-snapshot-delete", copy["id"])
    assert disagreements(world) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("snap", "alpha"), 5, "is on backend alpha already"),
        (("nothing", "beta"), 4, "no snapshot and no group snapshot"),
        (("snap", "gamma"), 3, "is not configured"),
    ],
)
def test_what_cannot_be_replicated_is_refused_with_nothing_changed(
    world: House, words: tuple[str, ...], code: int, said: str
) -> None:
    with world.unchanged():
        ran = world.run("snapshot-replicate", *words)
    assert ran.code == code
    assert said in ran.err


def test_a_replica_elsewhere_keeps_the_volume_and_is_not_its_newest_snapshot(world: House) -> None:
    world.ok(*SINGLE)
    ran = world.run("delete", "solo", "--cascade")
    assert (ran.code, "is on backend beta" in ran.err) == (5, True)
    world.ok("revert-to-snapshot", "snap")
    assert world.read("solo", 12) == b"data of solo"


def test_a_detached_activity_goes_on_and_is_seen_waited_for_and_forgotten(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world)
    key = begun(world)
    assert activity(world, key)["state"] == "running"
    ran = world.run("activity-wait", key, "--timeout", "0.1")
    assert (ran.code, "still runs" in ran.err) == (9, True)
    assert world.run("activity-forget", key).code == 5
    other = begun(world)

    sleep = time.sleep

    def forget(_seconds: float) -> None:
        monkeypatch.setattr("time.sleep", sleep)
        gate.touch()
        world.ok("activity-wait", other)
        world.ok("activity-forget", other)

    monkeypatch.setattr("time.sleep", forget)
    ran = world.run("activity-wait", other)
    assert (ran.code, "was forgotten meanwhile" in ran.err) == (4, True), ran
    world.ok("activity-wait", key)
    shown = activity(world, key)
    assert (shown["state"], shown["percent"], shown["exit_status"]) == ("succeeded", 100, 0)
    assert disagreements(world) == []
    world.ok("activity-forget", key)
    assert not work_of(world, key).exists()
    assert world.run("activity-show", key).code == 4


def test_another_process_ends_it_for_good_and_nothing_is_left(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, world)
    before = shape(world)
    key = begun(world, *WHOLE)
    assert world.forked("activity-cancel", key) == 0
    assert world.forked("activity-cancel", key) == 0
    assert activity(world, key)["state"] == "cancelled"
    assert shape(world) == before
    assert disagreements(world) == []
    assert world.run("activity-wait", key).code == 5


def test_what_a_server_restart_ended_is_lost_and_removed(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, world)
    before = shape(world)
    key = begun(world)
    kill_on_server(world, key)
    ran = world.run("activity-wait", key)
    assert (ran.code, "lost" in ran.err) == (6, True)
    assert activity(world, key)["state"] == "lost"
    assert shape(world) == before
    assert disagreements(world) == []


def test_what_an_older_copy_of_the_state_takes_for_unfinished_stays(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world)
    keys = [begun(world), begun(world, *WHOLE)]
    with world.forced(""):
        gate.touch()
        world.ok("activity-wait", *keys)
        world.ok("activity-forget", *keys)
    world.ok("recover")
    copies = [one for kind in ("snapshot-list", "group-snapshot-list") for one in world.show(kind)]
    assert [one["status"] for one in copies if one["name"] == "copy"] == ["available"] * 4
    assert disagreements(world) == []


def test_recover_from_cron_settles_what_is_over_and_leaves_what_runs(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world)
    lost, goes_on = begun(world), begun(world)
    kill_on_server(world, lost)
    world.ok("recover")
    states = dict(world.rows("SELECT id, state FROM activities"))
    assert states == {lost: "lost", goes_on: "running"}
    gate.touch()
    ended(world)
    assert disagreements(world) == []


def test_a_copy_that_fails_tells_the_servers_reason(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.install(monkeypatch, world)
    before = shape(world)
    gate.write_text("cgctl-refused pool-full: no room for it\n")
    ran = world.run(*SINGLE)
    assert (ran.code, "no room for it" in ran.err) == (6, True)
    assert "no room for it" in world.ok("message-list").out
    key = world.rows("SELECT id FROM activities")[0][0]
    assert "no room for it" in world.ok("activity-log", key).out
    assert shape(world) == before
    assert disagreements(world) == []


def test_two_of_one_snapshot_and_an_attachment_of_its_volume_go_at_once(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world)
    keys = [begun(world), begun(world)]
    world.ok("attachment-create", "solo", "--initiator", "iqn.2026-11.test:three")
    assert world.show("show", "solo")["status"] == "in-use"
    assert [activity(world, key)["state"] for key in keys] == ["running", "running"]
    gate.touch()
    for key in keys:
        world.ok("activity-wait", key)
    assert disagreements(world) == []


def test_what_is_read_or_made_is_not_deleted_meanwhile(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.install(monkeypatch, world)
    key = begun(world)
    for name in ("snap", "copy"):
        ran = world.run("snapshot-delete", name)
        assert (ran.code, f"cgctl activity-cancel {key}" in ran.err) == (5, True)
    assert world.run("delete", "solo", "--cascade").code == 5
    gate.touch()
    world.ok("activity-wait", key)
    world.ok("snapshot-delete", "snap")


def test_a_method_that_is_not_stateless_quiesces_its_volume_and_says_so(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world, without="create_volume_from_snapshot", own_way=False)
    attached = ("--initiator", "iqn.2026-11.test:three")
    first = world.make("attachment-create", "solo", *attached)
    ran = world.run(*SINGLE)
    assert (ran.code, "is attached" in ran.err) == (5, True)
    world.ok("attachment-delete", first)
    key = begun(world)
    assert world.show("show", "solo")["status"] == "maintenance"
    ran = world.run("attachment-create", "solo", *attached, "--lock-timeout", "0")
    assert (ran.code, f"hint: cgctl activity-wait {key}\n" in ran.err) == (9, True), ran
    gate.touch()
    time.sleep(1)
    world.ok("attachment-create", "solo", *attached)  # sees that the activity is over, and settles it
    assert activity(world, key)["state"] == "succeeded"
    assert disagreements(world) == []


@pytest.mark.usefixtures("apart")
def test_from_another_way_to_the_same_state_it_is_the_same_activity(
    world: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As another user has it, whose own activities of this machine are in another directory."""
    key = begun(world)
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "state.db").symlink_to(world.root / "state.db")
    with monkeypatch.context() as other:
        other.setattr(world, "state", f"sqlite:///{tmp_path}/beside/state.db")
        assert activity(world, key)["state"] in ("running", "succeeded")
    world.ok("activity-wait", key)
    assert disagreements(world) == []


def test_what_is_moved_cannot_be_said_to_be_free(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clients would write to what goes when it has moved."""
    gate = gated.install(monkeypatch, world)
    world.ok("snapshot-delete", "snap")
    key = begun(world, "migrate", "solo", "beta")
    for words in (("--state", "available"), ("--reset-migration-status",)):
        ran = world.run("reset-state", *words, "solo")
        assert (ran.code, f"cgctl activity-cancel {key}" in ran.err) == (5, True)
    gate.touch()
    world.ok("activity-wait", key)
    world.ok("reset-state", "--reset-migration-status", "solo")


def test_one_that_is_being_begun_is_cancelled_when_it_has_begun(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, world)
    before, go_on, claim = shape(world), world.root / "go-on", FileDriver.claim_activities

    def slow(driver: FileDriver, context: Context) -> None:
        give_up_at = time.monotonic() + 60
        while not go_on.exists() and time.monotonic() < give_up_at:
            time.sleep(0.02)
        claim(driver, context)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(FileDriver, "claim_activities", slow)
        os._exit(world.run(*SINGLE, "--detach").code)
    while not (found := world.rows("SELECT id FROM activities")):
        time.sleep(0.02)
    ran = world.run("activity-cancel", found[0][0], "--lock-timeout", "0")
    assert (ran.code, "is being begun" in ran.err) == (9, True)
    threading.Timer(0.5, go_on.touch).start()
    world.ok("activity-cancel", found[0][0], "--lock-timeout", "60")
    os.waitpid(child, 0)
    assert activity(world, found[0][0])["state"] == "cancelled"
    assert shape(world) == before


def test_a_quiesced_volume_is_free_again_when_its_activity_is_cancelled(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gated.install(monkeypatch, world, without="create_volume_from_snapshot", own_way=False)
    before = shape(world)
    key = begun(world)
    world.ok("activity-cancel", key)
    assert shape(world) == before
    assert disagreements(world) == []


@pytest.mark.parametrize(
    ("scope", "another", "said"),
    [
        (HandleScope.SOURCE, "started_host = 'elsewhere'", "activity-forget --server-is-down"),
        (HandleScope.USER, "started_user = 'somebody'", "by somebody only"),
        (HandleScope.CONNECTION, "started_pid = 1", "nobody else's"),
    ],
)
def test_a_handle_is_used_only_by_whom_its_scope_allows(
    world: House, monkeypatch: pytest.MonkeyPatch, scope: HandleScope, another: str, said: str
) -> None:
    gate = gated.install(monkeypatch, world, scope=HandleScope.UNRESTRICTED)
    key = begun(world)
    with world.forced(f"UPDATE activities SET scope = '{scope}', {another}"):
        for words in (("activity-show",), ("activity-wait",), ("activity-cancel",), ("activity-log",)):
            ran = world.run(*words, key)
            assert (ran.code, said in ran.err) == (5, True), ran
        assert world.show("activity-list")[0]["state"] == "running"
    with world.forced(f"UPDATE activities SET scope = 'unrestricted', {another}"):
        assert activity(world, key)["state"] == "running"
    gate.touch()
    world.ok("activity-wait", key)


def test_a_handle_that_ends_with_its_connection_cannot_be_detached(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world, scope=HandleScope.CONNECTION)
    with world.unchanged():
        ran = world.run(*SINGLE, "--detach")
    assert (ran.code, "leave --detach out" in ran.err) == (5, True)
    gate.touch()
    world.ok(*SINGLE)
    assert disagreements(world) == []


def test_ctrl_c_without_a_terminal_leaves_it_running_and_names_it(
    world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, world)
    interrupt_later(world)
    ran = world.run(*SINGLE)
    key = world.rows("SELECT id FROM activities")[0][0]
    assert (ran.code, f"cgctl activity-wait {key}" in ran.err) == (130, True)
    gate.touch()
    world.ok("activity-wait", key)
    assert disagreements(world) == []


def interrupt_later(house: House) -> None:
    """Ctrl-C, once an activity has begun."""

    def interrupt() -> None:
        while not house.rows("SELECT 1 FROM operations WHERE state = 'detached'"):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def test_a_cancel_that_comes_too_late_is_no_interruption(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gated.install(monkeypatch, world)

    def answer(_subject: str, key: str) -> str:
        gate.touch()
        while not (work_of(world, key) / "state").read_text().startswith("succeeded"):
            time.sleep(0.05)
        return "cancel"

    monkeypatch.setattr("cgctl.cli.run.ask_interrupted", answer)
    interrupt_later(world)
    world.ok(*SINGLE)
    assert world.status("snapshot-show", "copy") == "available"


def test_what_the_state_does_not_know_is_found_on_the_servers(world: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.install(monkeypatch, world)
    key = begun(world)
    with world.forced("DELETE FROM activities"):
        assert world.show("activity-list") == []
        found = world.show("activity-list", "--all-backends")
    assert [(one["id"], one["state"], one["host"]) for one in found] == [(key, "running", "beta")]
    world.ok("activity-cancel", key)


def test_a_dry_run_begins_nothing(world: House) -> None:
    with world.unchanged():
        ran = world.ok(*SINGLE, "--dry-run")
    assert "copy" in ran.out


@pytest.mark.parametrize("words", [SINGLE, pytest.param(WHOLE, marks=pytest.mark.soak)])
def test_a_command_that_was_killed_anywhere_is_settled(
    fresh: Callable[[], House], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    attributes = replace(FileDriver("a", "/a", LocalRunner()).activities, snapshot_replication=False)
    monkeypatch.setattr(FileDriver, "activities", attributes)
    house = fresh()
    before = shape(house)
    house.ok(*words)
    after = shape(house)
    seen = set()
    for point in itertools.count(1):
        house = fresh()
        code = house.forked(*words, prepare=faulty.Killer(point).arm)
        if code != KILLED:
            assert code == 0
            break
        ended(house)
        assert disagreements(house) == [], point
        assert shape(house) in (before, after), point
        seen.add(shape(house) == after)
    assert seen == {True, False}
