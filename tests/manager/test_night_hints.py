"""At night: what a refused failover, undo or drill says can be pasted, and does what was wanted."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest

from tests.manager import faulty
from tests.manager.house import House, Ran
from tests.manager.replicating import build

NOWHERE = {"host": "127.0.0.1", "port": 1, "user": "nobody", "known_hosts": "/dev/null"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    faulty.install(monkeypatch, faulty.well)
    built = build(tmp_path, second_target=True, rpo="1s")
    built.ok("group-enable-replication", "db")
    built.ok("attachment-create", "db-0", "--initiator", "iqn.2026-11.test:one")
    return built


def away(house: House, host: str) -> None:
    house.configure(backends={host: {**house.configuration["backends"][host], "ssh": NOWHERE}})


def back(house: House, host: str) -> None:
    section = {key: value for key, value in house.configuration["backends"][host].items() if key != "ssh"}
    house.configuration["backends"][host] = section
    house.configure()


def pasted(house: House, ran: Ran, code: int = 0) -> Ran:
    """The last command of the hint, as it stands there."""
    assert ran.code != 0, ran
    hint = ran.err.rpartition("hint: ")[2].strip()
    command = re.split(r"; |: (?=cgctl )", hint)[-1].removeprefix("cgctl ")
    again = house.run(*shlex.split(command))
    assert again.code == code, (hint, again)
    return again


def served(house: House) -> str:
    return str(house.show("group-show", "db")["host"])


def test_each_refusal_of_a_failover_leads_on_to_the_target_that_was_named(house: House) -> None:
    ran = house.run("group-failover-replication", "db", "--secondary-backend-id", "dr2")
    assert "allow_attached_volume" in ran.err
    away(house, "alpha")
    ran = pasted(house, ran, 7)
    assert "nothing proves" in ran.err
    house.ok("group-list-replication-targets", "db")
    pasted(house, ran)
    assert served(house) == "gamma"


def test_a_loss_beyond_the_rpo_is_accepted_by_the_command_of_the_hint(house: House) -> None:
    time.sleep(1)  # the RPO
    away(house, "alpha")
    ran = house.run("group-failover-replication", "db", "--allow-attached-volume", "--source-is-down")
    assert "more than the RPO" in ran.err
    pasted(house, ran)
    assert served(house) == "beta"
    back(house, "alpha")
    ran = house.run("group-undo-failover", "db")
    away(house, "beta")
    ran = pasted(house, ran, 7)
    assert "--source-is-down" in ran.err
    pasted(house, ran)
    assert served(house) == "alpha"


def test_an_undo_that_was_interrupted_goes_on_by_the_word_that_its_other_side_is_down(house: House) -> None:
    house.ok("group-failover-replication", "db", "--allow-attached-volume")
    assert house.forked("group-undo-failover", "db", "--allow-attached-volume", prepare=faulty.Killer(3).arm) == -9
    away(house, "beta")
    ran = house.run("group-undo-failover", "db", "--allow-attached-volume")
    pasted(house, ran)
    assert served(house) == "alpha"


def test_a_drill_without_a_point_and_an_undo_without_a_failover_say_what_to_do(house: House) -> None:
    assert "cgctl history" in house.run("group-undo-failover", "db", "--allow-attached-volume").err
    away(house, "gamma")
    house.ok("group-disable-replication", "db", "--leave-replicas")
    back(house, "gamma")
    for words in (("group-undo-failover", "db"), ("group-failover-replication", "db"), ("group-test-failover", "db")):
        assert "cgctl group-enable-replication" in house.run(*words).err
