"""History, journal, activities and drills do not grow for ever; what anybody still needs stays."""

from __future__ import annotations

import pytest

from cgctl.store import retention
from tests.manager import faulty
from tests.manager.house import House

OLD, ANCIENT = "2001-01-01 00:00:00.000000", "1991-01-01 00:00:00.000000"
NEW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"


def row(number: int, at: str, *, kind: str = "create", state: str = "done", subject: str = "gone") -> str:
    """A journal row with its event; numbers are the events' ids."""
    key = f"op-{number}"
    return (
        "INSERT INTO operations (id, kind, state, subject_kind, subject_id, command_line, holder_host, holder_space,"
        " holder_pid, holder_started, lease_until, plan, started_at, finished_at) VALUES"
        f" ('{key}', '{kind}', '{state}', 'volume', '{subject}', 'cgctl {kind}', 'h', 's', 1, '1', '{at}',"
        f" '{{}}', '{at}', '{at}');"
        "INSERT INTO events (id, at, operation_id, level, subject_kind, subject_id, kind, message) VALUES"
        f" ({number}, '{at}', '{key}', 'info', 'volume', '{subject}', '{kind}', '{state}');"
    )


def next_event(house: House, number: int) -> None:
    """The next event gets this number."""
    house.execute(row(number - 1, OLD))


def numbers(house: House) -> list[int]:
    return [one for (one,) in house.rows("SELECT id FROM events ORDER BY id")]


def journal(house: House) -> set[str]:
    return {one for (one,) in house.rows("SELECT id FROM operations WHERE id LIKE 'op-%'")}


@pytest.fixture
def home(house: House) -> House:
    """A house with no history."""
    house.types()
    house.execute("DELETE FROM events;")
    return house


def test_what_is_too_old_goes_with_the_next_hundredth_operation_and_its_journal_row_too(home: House) -> None:
    home.execute("".join(row(number, OLD) for number in range(1001, 1005)))
    next_event(home, 1099)
    home.ok("create", "1M", "--name", "early")
    assert numbers(home) == [1001, 1002, 1003, 1004, 1098, 1099]
    home.ok("create", "1M", "--name", "late")
    assert numbers(home) == [1099, 1100]
    assert journal(home) == set()
    assert [one["subject"] for one in home.show("history")] == ["volume early", "volume late"]


def test_no_more_than_the_newest_are_kept(home: House) -> None:
    home.configure(history={"newest": 1000})
    young = home.rows(f"SELECT {NEW}")[0][0]
    home.execute("".join(row(number, young) for number in range(5000, 6100)))
    home.ok("create", "1M")
    assert numbers(home) == list(range(5101, 6101))
    assert len(journal(home)) == 999


def test_the_configuration_says_how_old(home: House) -> None:
    home.configure(history={"keep": "36500d"})
    home.execute(row(1001, OLD))
    next_event(home, 1100)
    home.ok("create", "1M")
    assert numbers(home) == [1001, 1099, 1100]


@pytest.mark.parametrize("state", ["running", "unsettled", "detached"])
def test_what_is_not_settled_stays(home: House, state: str) -> None:
    home.execute(row(1001, OLD, state=state))
    next_event(home, 1100)
    home.ok("create", "1M")
    assert (numbers(home), journal(home)) == ([1001, 1100], {"op-1001"})


def test_a_lock_and_an_activity_keep_their_operation(home: House) -> None:
    home.execute(row(1001, OLD) + row(1002, OLD) + row(1003, OLD))
    activity = (
        "INSERT INTO activities (id, operation_id, kind, state, subject_kind, subject_id, source_ids, made_ids,"
        " directory, scope, started_host, started_user, started_space, started_tick, started_pid, done_bytes,"
        " total_bytes, created_at, ended_at) VALUES"
        " ('{0}', 'op-{0}', 'migrate', 'succeeded', 'volume', 'x', '', '', '/x', 'source', 'h', 'u', 's', '1', 1, 0, 0,"
        " {1}, {1});"
    )
    home.execute("INSERT INTO locks (key, operation_id) VALUES ('x', 'op-1001');")
    home.execute(activity.format(1002, NEW) + activity.format(1003, f"'{OLD}'"))
    next_event(home, 1100)
    home.ok("create", "1M")
    assert (numbers(home), journal(home)) == ([1001, 1002, 1100], {"op-1001", "op-1002"})
    assert home.rows("SELECT id FROM activities") == [("1002",)]


def test_failovers_have_their_own_age_and_divergences_stay(home: House) -> None:
    home.configure(history={"keep": "1d", "keep_failovers": "9999d"})
    recent = home.rows("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now', '-3 days')")[0][0]
    home.execute(
        row(1001, ANCIENT, kind="diverged")
        + row(1002, ANCIENT, kind="group-failover-replication")
        + row(1003, recent, kind="group-failover-replication")
        + row(1004, recent)
    )
    next_event(home, 1100)
    home.ok("create", "1M")
    assert numbers(home) == [1001, 1003, 1100]


def test_drills_go_when_they_are_too_old_but_not_those_whose_clone_is_kept(home: House) -> None:
    drill = (
        "INSERT INTO drills (id, group_id, host, started_at, ended_at, verdict, log, is_kept, timeline, connections)"
        " VALUES ('{}', 'g', 'beta', '1991-01-01', {}, 'passed', '', {}, '[]', '[]');"
    )
    home.execute(drill.format("old", f"'{ANCIENT}'", 0) + drill.format("kept", f"'{ANCIENT}'", 1))
    home.execute(drill.format("new", NEW, 0))
    next_event(home, 1100)
    home.ok("create", "1M")
    assert home.rows("SELECT id FROM drills ORDER BY id") == [("kept",), ("new",)]


def test_the_last_change_of_a_group_that_is_in_error_can_be_finished_however_old_it_is(
    db: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = db.make("create", "1M", "--volume-type", "gold", "--availability-zone", "nova")
    answer = faulty.answers(({"status": "error"}, None, None), "update_consistencygroup")
    faulty.install(monkeypatch, answer)
    assert db.run("group-update", "db", "--add-volumes", single).code == 6
    faulty.install(monkeypatch, faulty.well)
    db.execute(f"UPDATE events SET at = '{ANCIENT}';")
    next_event(db, 1100)
    db.ok("create", "1M")
    assert numbers(db)[-1] == 1100
    db.ok("group-update", "db", "--add-volumes", single)
    assert single in db.members("db")


def test_a_history_that_cannot_be_shortened_does_not_fail_the_operation(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cgctl.errors import ConfigurationError

    def full(*_: object) -> int:
        raise ConfigurationError("state", "database or disk is full")

    monkeypatch.setattr(retention, "forget", full)
    next_event(home, 1100)
    made = home.ok("create", "1M")
    assert "disk is full" in made.err
