"""The state store: private, made once, migrated to what the tables say, clear about what is wrong with its place."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel, create_engine, select

import cgctl.model.activities
import cgctl.model.backups
import cgctl.model.replication
import cgctl.store.schema
from cgctl.errors import CgctlError, ConfigurationError
from cgctl.model import tables
from cgctl.store.database import Store

MIGRATIONS = Path(cgctl.store.schema.__file__).parent / "migrations"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system: needs root")


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def opened(path: Path) -> Store:
    return Store(url(path))


def test_the_directory_is_private_and_so_is_every_file(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = opened(tmp_path / "new" / "state.db")
        with store.write() as session:
            session.add(tables.VolumeType(name="gold"))
            session.flush()
            assert {mode(path) for path in (tmp_path / "new").iterdir()} == {0o600}
    finally:
        os.umask(old)
    assert mode(tmp_path / "new") == 0o700


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    opened(tmp_path / "state.db").close()
    (tmp_path / "state.db").chmod(0o644)
    opened(tmp_path / "state.db").close()
    assert mode(tmp_path / "state.db") == 0o600


def test_the_state_keeps_its_identity(tmp_path: Path) -> None:
    assert opened(tmp_path / "state.db").owner == opened(tmp_path / "state.db").owner
    assert opened(tmp_path / "state.db").owner != opened(tmp_path / "other.db").owner


def test_six_processes_that_open_a_fresh_state_at_once_agree(tmp_path: Path) -> None:
    code = "import sys; from cgctl.store.database import Store; sys.stdin.read(1); print(Store(sys.argv[1]).owner)"
    for number in range(2):
        argv = [sys.executable, "-c", code, url(tmp_path / f"{number}" / "state.db")]
        processes = [subprocess.Popen(argv, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(6)]
        answers = [_answer(process) for process in processes]
        assert [code for _, code, _ in answers] == [0] * 6, answers
        assert len({owner for owner, _, _ in answers}) == 1


def _answer(process: subprocess.Popen[str]) -> tuple[str, int, str]:
    assert process.stdin
    process.stdin.write("x")
    process.stdin.flush()
    out, err = process.communicate(timeout=300)
    return out, process.returncode, err


def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_state_of_a_released_revision_is_brought_up_and_keeps_what_it_holds(tmp_path: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    path = tmp_path / "state.db"
    with create_engine(url(path)).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.exec_driver_sql("INSERT INTO settings VALUES ('owner', 'me')")
        connection.exec_driver_sql(
            "INSERT INTO volume_types (id, name, is_public, extra_specs, created_at)"
            " VALUES ('t', 'gold', 1, '{}', '2026-11-01 10:00:00')"
        )
    store = opened(path)
    assert store.owner == "me"
    with store.read() as session:
        assert session.get_one(tables.VolumeType, "t").name == "gold"
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_newest_revision_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [cgctl.store.schema.HEAD]


def refused(path: Path | str) -> CgctlError:
    with pytest.raises(ConfigurationError) as error:
        Store(path if isinstance(path, str) else url(path))
    assert error.value.hint
    assert "\n" not in error.value.reason
    return error.value


def test_a_state_of_a_newer_cgctl_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    assert "newer" in refused(path).reason
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("backends: {}\n" * 1000)
    assert "not a database" in refused(path).reason
    assert path.read_text() == "backends: {}\n" * 1000


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    assert "directory" in refused(tmp_path).reason


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "state.db")


@pytest.mark.parametrize("text", ["", "state.db", "mysql://localhost/x", "oracle://x", "sqlite://host/x"])
def test_what_is_no_url_of_a_state_is_refused(text: str) -> None:
    refused(text)


def test_a_password_is_not_told() -> None:
    error = refused("postgresql+psycopg://me:geheim@127.0.0.1:1/cgctl")
    assert "geheim" not in f"{error} {error.hint}"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # a refused connection lives as long as its traceback


@root_only
def test_a_read_only_place_is_refused(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert "read-only" in refused(small / "state.db").reason


@root_only
def test_a_full_disk_is_told_and_everything_that_was_there_stays(small: Path) -> None:
    store = opened(small / "state.db")
    with store.write() as session:
        session.add(tables.VolumeType(name="gold"))
    with pytest.raises(OSError, match="No space"):
        (small / "ballast").write_bytes(b"x" * 2**21)
    with pytest.raises(ConfigurationError) as error, store.write() as session:
        session.add_all(tables.VolumeType(name=f"type {number}", description="x" * 255) for number in range(500))
    assert "room" in (error.value.hint or "")
    store.close()
    (small / "ballast").unlink()
    store = opened(small / "state.db")
    with store.read() as session:
        assert [row.name for row in session.exec(select(tables.VolumeType))] == ["gold"]
    store.close()


@root_only
def test_a_new_state_on_a_full_disk_is_refused(small: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small / "ballast").write_bytes(b"x" * 2**21)
    assert "room" in (refused(small / "state.db").hint or "")


def test_a_transaction_that_fails_writes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    with suppress(RuntimeError), store.write() as session:
        session.add(tables.VolumeType(name="gold"))
        session.flush()
        raise RuntimeError
    with store.read() as session:
        assert session.exec(select(tables.VolumeType)).all() == []
