"""`migrate` and `group-migrate`: whole on one side or whole on the other, wherever it was killed."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from cgctl.cli.wiring.configured import Configured
from drivers.backends.file.driver import FileDriver
from drivers.contract import SourceForm
from tests.manager import faulty, gated
from tests.manager.agreement import disagreements
from tests.manager.house import House
from tests.manager.test_backups import KILLED, ended, hidden
from tests.manager.test_night_hints import NOWHERE


def where(house: House) -> tuple[str, set[str], set[bytes]]:
    members = [house.show("show", f"db-{number}") for number in range(2)]
    data = {house.disk(str(one["id"])).read_bytes()[:8] for one in members}
    return str(house.show("group-show", "db")["host"]), {str(one["host"]) for one in members}, data


DATA = {b"member 0", b"member 1"}


def test_a_group_moves_to_another_pool_with_its_data(db: House) -> None:
    db.ok("group-migrate", "db", "beta")
    assert where(db) == ("beta", {"beta"}, DATA)
    assert disagreements(db) == []
    assert db.show("show", "db-0")["migration_status"] == "success"
    db.ok("group-snapshot-create", "db")


@pytest.mark.usefixtures("apart")
def test_a_group_and_a_volume_are_carried_to_another_server(db: House) -> None:
    db.ok("group-migrate", "db", "beta")
    assert where(db) == ("beta", {"beta"}, DATA)
    db.ok("create", "1M", "--name", "alone", "--availability-zone", "nova")
    db.write("alone", b"alone")
    key = db.make("migrate", "alone", "beta", "--detach")
    db.ok("activity-wait", key)
    assert db.show("show", "alone")["host"] == "beta"
    assert db.read("alone", 5) == b"alone"
    assert disagreements(db) == []


def test_a_volume_moves_within_its_server_while_the_command_is_gone(db: House) -> None:
    db.ok("create", "1M", "--name", "alone", "--availability-zone", "nova")
    db.write("alone", b"alone")
    key = db.make("migrate", "alone", "beta", "--detach")
    before = db.run("show", "alone")
    assert f"or is over by now: cgctl activity-show {key}\n" in before.err, before
    db.ok("activity-wait", key)
    assert "activity" not in db.run("show", "alone").err
    assert (db.show("show", "alone")["host"], db.read("alone", 5)) == ("beta", b"alone")
    assert disagreements(db) == []


def test_what_hangs_on_a_group_keeps_it_where_it_is(db: House) -> None:
    with db.unchanged():
        assert db.run("group-migrate", "db", "alpha").code == 5
        assert db.run("group-migrate", "db", "gamma").code == 3
        assert db.run("group-migrate", "nothing", "beta").code == 4
    db.ok("group-snapshot-create", "db", "--name", "taken")
    assert "has group snapshots" in db.run("group-migrate", "db", "beta").err
    db.ok("group-snapshot-delete", "taken")
    with db.forced("UPDATE volumes SET status = 'in-use' WHERE name = 'db-0'"):
        refused = db.run("group-migrate", "db", "beta")
    assert refused.code == 5
    assert "--allow-attached-volume" in refused.err


def moved_and_not_settled(house: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """An activity whose end found the source's pool away; it is back by now."""
    gate = gated.install(monkeypatch, house)
    key = house.make("group-migrate", "db", "beta", "--detach")
    mark = house.root / "alpha" / ".cgctl" / "owner"
    mark.rename(mark.with_name("away"))
    gate.touch()
    assert house.run("activity-wait", key).code == 6
    mark.with_name("away").rename(mark)
    return key


def test_the_old_ones_go_also_when_their_pool_was_not_mounted_at_the_end(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_and_not_settled(db, monkeypatch)
    db.ok("recover")
    assert where(db) == ("beta", {"beta"}, DATA)
    assert disagreements(db) == []


@pytest.mark.parametrize("half_gone", [False, True])
def test_what_reset_state_has_given_up_stays_with_all_that_was_written_since(
    db: House, monkeypatch: pytest.MonkeyPatch, *, half_gone: bool
) -> None:
    """Its server was silent, its clients are back; then the server is back, too, and has the whole copy."""
    key = moved_and_not_settled(db, monkeypatch)
    db.ok("reset-state", "--state", "available", "db-0", "db-1")
    db.ok("reset-state", "--type", "group", "--state", "available", "db")
    again = db.run("group-migrate", "db", "beta")
    assert (again.code, f"cgctl activity-cancel {key}" in again.err) == (5, True)
    db.write("db-0", b"newest 0")
    if half_gone:
        shutil.rmtree(db.disk("db-1").parent)
        refused = db.run("recover")
        assert (refused.code, "alpha has not all of it any more" in refused.out) == (5, True), refused
        assert db.read("db-0", 8) == b"newest 0"
        for command in refused.err.split("since: ")[1].split("; "):
            db.ok(*command.removeprefix("cgctl ").split())
        assert where(db) == ("beta", {"beta"}, DATA)
    else:
        db.ok("recover")
        assert where(db) == ("alpha", {"alpha"}, {b"newest 0", b"member 1"})
        assert db.show("show", "db-0")["migration_status"] == "error"
    assert disagreements(db) == []


def away(house: House, host: str) -> None:
    house.configure(backends={host: {**house.configuration["backends"][host], "ssh": NOWHERE}})


def test_a_move_to_a_server_that_is_gone_for_good_is_given_up_on_the_operators_word(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, db)
    key = db.make("group-migrate", "db", "beta", "--detach")
    answers = db.run("activity-forget", "--server-is-down", key)
    assert (answers.code, f"cgctl activity-cancel {key}" in answers.err) == (5, True), answers
    away(db, "beta")
    assert db.run("activity-forget", key).code == 8
    lost = db.run("activity-cancel", key)
    assert lost.code == 8
    db.ok(*lost.err.strip().rpartition("cgctl ")[2].split())
    assert where(db) == ("alpha", {"alpha"}, DATA)
    assert db.show("group-show", "db")["status"] == "available"
    assert (db.show("activity-list"), db.show("recover")) == ([], [])
    gate.touch()
    db.ok("group-delete", "db", "--delete-volumes")


def test_a_move_from_a_server_that_is_gone_for_good_has_moved_where_all_has_come(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.install(monkeypatch, db)
    key = db.make("group-migrate", "db", "beta", "--detach")
    away(db, "alpha")
    gate.touch()
    assert db.run("activity-wait", key).code == 8
    db.ok("activity-forget", "--server-is-down", key)
    assert where(db) == ("beta", {"beta"}, DATA)
    assert db.show("recover") == []
    db.ok("group-snapshot-create", "db")


def test_a_move_that_an_older_copy_of_the_state_takes_for_unfinished_has_moved(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gated.close_for_all(monkeypatch, db)
    key = db.make("group-migrate", "db", "beta", "--detach")
    with db.forced(""):
        gate.touch()
        db.ok("activity-wait", key)
        db.write("db-0", b"newer")
        db.ok("activity-forget", key)
    db.ok("recover")
    assert (db.show("group-show", "db")["host"], db.read("db-0", 5)) == ("beta", b"newer")
    assert disagreements(db) == []


@pytest.mark.parametrize("carried", [False, True])
def test_what_stands_at_the_destination_already_is_never_taken_for_the_copy(
    used: House, monkeypatch: pytest.MonkeyPatch, *, carried: bool
) -> None:
    """As a server that was restored to last week has it, or one that a failover left behind."""
    monkeypatch.setattr(Configured, "share_server", lambda *_: not carried)
    used.ok("create", "1M", "--volume-type", "gold", "--name", "alone", "--availability-zone", "nova")
    used.ok("group-create", "consistent", "gold", "--name", "other", "--availability-zone", "elsewhere")
    for volume in used.show("list"):
        folder = volume["group_id"] or volume["id"]
        shutil.copytree(used.disk(volume["id"]).parent, used.root / f"beta/live/cgctl-{folder}/cgctl-{volume['id']}")
        used.write(volume["id"], b"newest")
    with used.unchanged():
        for words in (("migrate", "alone"), ("group-migrate", "--allow-attached-volume", "db")):
            refused = used.run(*words, "beta")
            assert (refused.code, "already" in refused.err, "on the same" in refused.err) == (5, True, False), refused
    used.ok("attachment-delete", used.show("attachment-list")[0]["id"])
    with used.unchanged():
        refused = used.run("group-migrate", "db", "beta")
        assert (refused.code, "not overwritten" in refused.err) == (5, True)
    assert {used.read(one["id"], 6) for one in used.show("list")} == {b"newest"}


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("point", [2, 4])
def test_a_group_that_was_killed_on_its_way_goes_on_with_the_same_command(db: House, point: int) -> None:
    assert db.forked("group-migrate", "db", "beta", prepare=faulty.Killer(point).arm) == KILLED
    again = db.run("group-migrate", "db", "beta", "--lock-timeout", "30")
    assert again.code == 0, again
    assert where(db) == ("beta", {"beta"}, DATA)
    assert disagreements(db) == []


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "alone", "beta"),
        pytest.param(("retype", "--migration-policy", "on-demand", "alone", "far"), marks=pytest.mark.soak),
    ],
)
def test_a_volume_that_was_killed_on_its_way_within_its_server_is_on_one_side(
    db: House, words: tuple[str, ...]
) -> None:
    db.ok("type-create", "far")
    db.ok("type-key", "far", "set", "volume_backend_name=beta")
    seen = set()
    for point in itertools.count(1):
        db.ok("create", "1M", "--name", "alone", "--availability-zone", "nova")
        db.write("alone", b"alone")
        code = db.forked(*words, prepare=faulty.Killer(point).arm)
        ended(db)
        row = db.show("show", "alone")
        assert (row["status"], db.read("alone", 5)) == ("available", b"alone"), point
        assert row["volume_type"] == ("far" if words[0] == "retype" and row["host"] == "beta" else None)
        assert disagreements(db) == [], point
        db.ok("delete", "alone")
        assert not list(db.root.glob("beta/live/cgctl-*")), point
        if code == 0:
            break
        assert code == KILLED
        seen.add(row["host"])
    assert seen == {"alpha", "beta"}


@pytest.mark.soak
@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("form", [SourceForm.FILE, SourceForm.FILE_SYSTEM])
def test_a_group_that_was_killed_on_its_way_is_on_one_side(
    db: House, monkeypatch: pytest.MonkeyPatch, form: SourceForm
) -> None:
    """Also with the images that file systems are read by."""
    monkeypatch.setattr(FileDriver, "source_form", form)
    source, destination = "alpha", "beta"
    for point in itertools.count(1):
        code = db.forked("group-migrate", "db", destination, prepare=faulty.Killer(point).arm)
        assert code in (0, KILLED), code
        ended(db)
        host, hosts, data = where(db)
        assert (hosts, data) == ({host}, DATA), point
        assert db.show("group-show", "db")["status"] == "available"
        assert {one["status"] for one in db.show("list")} == {"available"}
        assert disagreements(db) == [], point
        assert hidden(db) == []
        assert not list(Path(db.root / (source if host == destination else destination)).glob("live/cgctl-*")), point
        if code == 0:
            break
        if host == destination:
            source, destination = destination, source
    assert point > 4
