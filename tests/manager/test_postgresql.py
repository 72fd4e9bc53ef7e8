"""The state on PostgreSQL: a private cluster of Debian's package on a unix socket."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from cgctl.model.tables import utc_now
from cgctl.store import clock
from drivers.contract import HandleScope
from tests.manager import faulty, gated
from tests.manager.house import House
from tests.manager.test_locks import run_at_once

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(not BINARIES, reason="needs PostgreSQL: apt-get install postgresql")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The directory of the socket. PostgreSQL does not run as root."""
    root = Path(tempfile.mkdtemp(prefix="cgctl-pg-"))
    user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(root, "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    binary = BINARIES[-1]
    initdb = [f"{binary}/initdb", "-D", f"{root}/data", "-A", "trust", "-U", "cgctl", "--no-sync", "-E", "UTF8"]
    subprocess.run([*user, *initdb], check=True, capture_output=True, cwd="/")
    options = f"-c listen_addresses= -c unix_socket_directories={root} -c max_connections=60"
    control = [*user, f"{binary}/pg_ctl", "-D", f"{root}/data", "-l", f"{root}/log", "-w"]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, cwd="/")
    yield root
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")
    shutil.rmtree(root)


_numbers = itertools.count()


@pytest.fixture
def house(cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose state is an empty database of the cluster."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    name = f"db{next(_numbers)}"
    createdb = [f"{BINARIES[-1]}/createdb", "-h", str(cluster), "-U", "cgctl", name]
    subprocess.run(createdb, check=True, capture_output=True)
    return House(tmp_path, state=f"postgresql+psycopg://cgctl@/{name}?host={cluster}")


def test_the_life_of_a_group(house: House) -> None:
    house.types()
    group = house.group()
    house.write("db-0", b"before")
    taken = house.show("group-snapshot-create", "db", "--name", "gs 🦀")
    assert taken["hold"]["members"] == 2
    house.write("db-0", b"after.")
    clone = house.make("group-create-from-src", "--group-snapshot", "gs 🦀", "--name", "clone")
    assert next(house.read(one, 6) for one in house.show("group-show", clone)["volumes"]) == b"before"
    house.ok("create", "1M", "--volume-type", "gold", "--name", "spare", "--availability-zone", "nova")
    house.ok("group-update", "clone", "--add-volumes", "spare", "--metadata", "quiesce_timeout=5")
    house.ok("extend", "spare", "2M")
    house.ok("group-update", "clone", "--remove-volumes", "spare")
    house.ok("snapshot-create", "spare", "--name", "snap")
    house.ok("snapshot-delete", "snap")
    house.ok("delete", "spare")
    assert house.run("group-delete", "db", "--delete-volumes").code == 5
    house.ok("group-snapshot-delete", taken["id"])
    house.ok("group-delete", "--delete-volumes", "db", "clone")
    assert house.show("group-list") == house.show("list") == []
    assert any(row["subject_id"] == group for row in house.show("history"))
    assert house.ok("type-delete", "gold", "silver").out == ""


def test_what_the_state_does_not_know_is_told(house: House) -> None:
    house.types()
    house.group()
    strange = str(uuid4())
    disk = house.root / "alpha" / "live" / f"cgctl-{strange}" / f"cgctl-{strange}" / "disk"
    disk.parent.mkdir(parents=True)
    disk.write_bytes(bytes(512))
    (found,) = [one for one in house.show("backend-check", "alpha") if one["check"] == "unknown"]
    assert str(found["detail"]).startswith(f"this state does not know volume {strange};")


@pytest.mark.skipif(os.geteuid() != 0, reason="names another machine: needs root")
@pytest.mark.parametrize(("scope", "code"), [(HandleScope.USER, 0), (HandleScope.SOURCE, 5)])
def test_an_activity_is_found_from_another_machine_as_far_as_its_handle_reaches(
    house: House, monkeypatch: pytest.MonkeyPatch, scope: HandleScope, code: int
) -> None:
    gate = gated.install(monkeypatch, house, scope=scope)
    house.types()
    house.ok("create", "1M", "--volume-type", "gold", "--name", "v", "--availability-zone", "nova")
    house.ok("snapshot-create", "v", "--name", "snap")
    key = house.make("snapshot-replicate", "snap", "beta", "--detach")
    cgctl = shlex.join([sys.executable, "-m", "cgctl", "activity-show", *house.words, key])
    ran = subprocess.run(
        ["unshare", "--uts", "sh", "-c", f"hostname elsewhere; exec {cgctl}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran
    assert ("running" in ran.stdout) == (code == 0)
    gate.touch()
    house.ok("activity-wait", key)


def test_eight_first_commands_at_once_make_one_state(house: House) -> None:
    assert run_at_once(house, [("type-create", f"t{number}") for number in range(8)]) == [0] * 8
    assert len(house.show("type-list")) == 8


def test_twelve_commands_race_on_a_group_and_each_has_its_turn(house: House) -> None:
    house.types()
    house.group()
    words = [("group-snapshot-create", "db", "--name", f"s{number}", "--lock-timeout", "60") for number in range(12)]
    assert run_at_once(house, words) == [0] * 12
    assert len(house.show("group-snapshot-list", "--status", "available")) == 12


def test_of_two_commands_at_once_the_loser_is_told(house: House) -> None:
    house.types()
    house.group()
    for _ in range(5):
        codes = run_at_once(house, [("group-snapshot-create", "db", "--lock-timeout", "0")] * 2)
        assert 0 in codes
        assert set(codes) <= {0, 9}


@pytest.mark.parametrize("point", range(1, 12))
def test_a_killed_command_is_settled(house: House, point: int, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty.install(monkeypatch, faulty.well)
    house.types()
    house.group(members=1)
    code = house.forked("group-snapshot-create", "db", "--name", "gs", prepare=faulty.Killer(point).arm)
    assert code in (0, -signal.SIGKILL)
    house.ok("recover")
    house.ok("group-snapshot-create", "db", "--name", "next", "--lock-timeout", "0")
    house.ok("recover")
    assert {row["status"] for row in house.show("group-snapshot-list")} == {"available"}


def test_a_database_that_is_not_there_is_a_matter_of_configuration(house: House) -> None:
    house.state = house.state.replace("/db", "/nothing")
    ran = house.run("list")
    assert ran.code == 3
    assert "nothing" in ran.err


@pytest.mark.parametrize(("seconds", "word"), [(40, "40 s ahead of"), (-40, "40 s behind")])
def test_a_clock_that_differs_from_the_databases_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, seconds: int, word: str
) -> None:
    house.types()
    monkeypatch.setattr(clock, "utc_now", lambda: utc_now() + timedelta(seconds=seconds))
    ran = house.ok("group-create", "consistent", "gold", "--name", "late")
    assert f"this machine's clock is {word} the database's" in ran.err


def test_with_a_clock_by_which_no_lease_would_hold_nothing_is_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the living commands of other hosts for dead ones."""
    house.types()
    with monkeypatch.context() as patched:
        patched.setattr(clock, "utc_now", lambda: utc_now() + timedelta(seconds=700))
        assert "is 700 s ahead of" in house.ok("group-list").err
        refused = house.run("group-create", "consistent", "gold", "--name", "late")
        assert (refused.code, "timedatectl set-ntp true" in refused.err) == (3, True)
    assert house.show("group-list") == []
    assert house.run("group-list").err == ""
