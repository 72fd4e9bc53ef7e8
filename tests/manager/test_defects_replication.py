"""D3, D4 and D5 of Cinder's defects (reference, section 0.2): what its group replication leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers import catalog
from drivers.backends.directory_pool.replication.driver import DirectoryPoolReplication
from drivers.backends.file.driver import FileDriver
from drivers.errors import ServerFailed
from tests.manager import faulty
from tests.manager.house import House
from tests.manager.replicating import build

FAIL_OVER = ("group-failover-replication", "db")


@pytest.fixture
def replicated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("CGCTL_TEST_NOTES", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    faulty.install(monkeypatch, faulty.well)
    house = build(tmp_path)
    house.ok("group-enable-replication", "db")
    return house


def statuses(house: House) -> set[str]:
    """Every replication_status of the group and its members."""
    return {row[0] for table in ("groups", "volumes") for row in house.rows(f"SELECT replication_status FROM {table}")}


@pytest.mark.parametrize(("column", "wrong"), [("status", "extending"), ("replication_status", "error")])
@pytest.mark.parametrize("command", ["group-failover-replication", "group-enable-replication"])
def test_d03_a_wrong_last_member_leaves_the_others_as_they_were_and_the_retry_works(
    replicated: House, command: str, column: str, wrong: str
) -> None:
    if command == "group-enable-replication":
        replicated.ok("group-disable-replication", "db")
    before = statuses(replicated)
    with replicated.forced(f"UPDATE volumes SET {column} = '{wrong}' WHERE name = 'db-1';"), replicated.unchanged():
        ran = replicated.run(command, "db")
    assert ran.code == 5
    assert "db-1" in ran.err
    assert statuses(replicated) == before
    replicated.ok(command, "db")


@pytest.mark.parametrize("method", ["create_cgsnapshot", "receive", "note_side", "note_point"])
def test_d04_a_failover_that_its_server_failed_is_never_called_failed_over(
    replicated: House, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ServerFailed("beta: something odd")

    replicated.write("db-0", b"written since the last recovery point")
    with monkeypatch.context() as patch:
        patch.setattr(FileDriver if method == "create_cgsnapshot" else DirectoryPoolReplication, method, broken)
        assert replicated.run(*FAIL_OVER).code != 0
    assert not statuses(replicated) & {"failed-over", "failing-over"}
    assert replicated.show("group-show", "db")["status"] in {"available", "error"}
    replicated.run("recover")
    replicated.ok(*FAIL_OVER)
    assert statuses(replicated) == {"failed-over"}


def test_d05_enabling_on_a_driver_without_replication_is_refused_and_leaves_nothing_enabling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    house = build(tmp_path)
    monkeypatch.delitem(catalog.REPLICATIONS, "file")
    with house.unchanged():
        ran = house.run("group-enable-replication", "db")
    assert ran.code in (3, 5)
    assert statuses(house) == {"disabled"}


def test_a_target_whose_volumes_are_file_systems_is_refused_by_name_before_any_server_is_asked(tmp_path: Path) -> None:
    house = build(tmp_path)
    nobody = {"host": "127.0.0.1", "port": 9, "user": "root"}
    nfs = {"export": {"protocol": "nfs", "server": "kernel", "portal": "127.0.0.1:2049"}}
    alpha, beta = ({**house.configuration["backends"][name], **nfs} for name in ("alpha", "beta"))
    house.configure(backends={"alpha": alpha, "beta": {**beta, "driver": "lvm", "pool": "vg/pool", "ssh": nobody}})
    with house.unchanged():
        ran = house.run("group-enable-replication", "db")
    assert ran.code == 3
    assert "alpha (file) and beta (lvm) do not replicate to each other: volumes are file systems on the one" in ran.err
    assert "offer them by iscsi" in ran.err


def test_two_pools_of_one_server_where_volumes_have_one_place_do_not_replicate_to_each_other(tmp_path: Path) -> None:
    """The gates of lvm: what was promoted would have been served, and held, by the gates of what it replaced."""
    house = build(tmp_path)
    nobody = {"host": "127.0.0.1", "port": 9, "user": "root"}
    both = {
        name: {**house.configuration["backends"][name], "driver": "lvm", "ssh": nobody} for name in ("alpha", "beta")
    }
    house.configure(backends={name: {**one, "pool": f"{name}/pool"} for name, one in both.items()})
    with house.unchanged():
        ran = house.run("group-enable-replication", "db")
    assert ran.code == 3
    assert "alpha and beta are pools of one server, where lvm has one place for a volume" in ran.err
