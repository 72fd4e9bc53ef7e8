"""The state store: one database, its transactions and its identity.

SQLite: WAL, full synchronous (an acknowledged command survives a power loss), BEGIN IMMEDIATE for writers, so that two
commands never both read and then both write. PostgreSQL: the same order by one advisory lock that writers take first.

Decided 2026-11-21: not SERIALIZABLE transactions on PostgreSQL. They end in serialization failures, and the one that
writes an operation's result has nobody who could try it again. Writers are short and wait for each other instead.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError
from sqlmodel import Session, create_engine

from cgctl.errors import ConfigurationError, Locked
from cgctl.store import clock
from cgctl.store.schema import bring_up_to_date

_log = logging.getLogger(__name__)
BUSY_TIMEOUT_SECONDS = 30
WRITERS = 721067
"""The number of the advisory lock on PostgreSQL."""
LEAST_ROOM_BYTES = 64 * 1024
"""SQLite's shared memory is half of it."""


class Store:
    """The state behind a URL; opening it makes what is missing."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)
        try:
            self.owner = self._open()
        except BaseException:
            self.engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; nothing is written."""
        with self._told(), Session(self.engine, expire_on_commit=False) as session:
            yield session  # closing it ends the transaction and leaves the rows readable

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: all of it is committed at the end of the block, or nothing.

        Raises ConfigurationError where this machine's clock is too wrong to share the state with other hosts.
        """
        clock.refuse(self.url.render_as_string(hide_password=True), self._ahead)
        writing = self.engine.execution_options(cgctl_write=True)
        with self._told(), Session(writing, expire_on_commit=False) as session:
            yield session
            session.commit()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def _open(self) -> str:
        with self._told(), self.engine.connect() as connection:
            owner = bring_up_to_date(connection)
            self._ahead = clock.seconds_ahead(connection)
        if warning := clock.told(self._ahead):
            _log.warning(warning)
        return owner

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if type(error) not in {OperationalError, DatabaseError}:
                raise  # a constraint, a wrong statement: a bug, and not the place's fault
            raise _explained(self.url, error) from error


def _explained(url: URL, error: SQLAlchemyError) -> ConfigurationError | Locked:
    reason = str(getattr(error, "orig", error)).strip().splitlines()[0].lower()
    if "database is locked" in reason or "lock timeout" in reason:
        return Locked("state", f"busy for more than {BUSY_TIMEOUT_SECONDS} s", "try again")
    shown = url.render_as_string(hide_password=True)
    if "readonly" in reason:
        reason = "is read-only: it can be looked at, not changed"
    if "full" in reason or _disk_is_full(url):
        return ConfigurationError(
            f"state {shown}", "its disk is full", "make room on the disk that holds the state, then try again"
        )
    return ConfigurationError(
        f"state {shown}", reason, "look at the file's place and rights, or name another: --state URL"
    )


def _disk_is_full(url: URL) -> bool:
    """SQLite says `disk I/O error` when there is no room for its shared memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return False
    room = os.statvfs(Path(url.database).parent)
    return room.f_bavail * room.f_frsize < LEAST_ROOM_BYTES


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
        if url.get_backend_name() == "sqlite" and url.host:
            raise ArgumentError
    except ArgumentError:
        raise ConfigurationError(
            f"state '{text}'", "is not a database URL", "for example: --state sqlite:////var/lib/cgctl/state.db"
        ) from None
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigurationError(
            f"state {url.get_backend_name()}", "is not supported", "use sqlite:///FILE or postgresql+psycopg://…"
        )
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return _postgresql(url)
    if url.database and url.database != ":memory:":
        place = Path(url.database)
        if _only_readable(place):
            return create_engine(_read_only(url, place), hide_parameters=True)
        _private_file(place)
        return _of_file(url, os.getpid())
    return _sqlite(url)


@lru_cache(maxsize=4)
def _of_file(url: URL, _pid: int) -> Engine:
    """Once for a process that opens a state again and again: its statements are put together once (a third of the CPU
    of such a process). `close` leaves no connection in it; a child that was forked has its own."""
    return _sqlite(url)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _sqlite_defaults)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(url, isolation_level="REPEATABLE READ", hide_parameters=True)
    except ModuleNotFoundError:
        raise ConfigurationError(
            "state", "the PostgreSQL client is missing", "pip install 'cgctl[postgresql]'"
        ) from None
    event.listen(engine, "begin", _postgresql_begin)
    return engine


def _only_readable(path: Path) -> bool:
    """A state that can be looked at and not changed: other rights, or a file system mounted read-only."""
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _read_only(url: URL, path: Path) -> URL:
    """SQLite reads such a file when it need not look for changes (`immutable`), unless some wait in the log."""
    log = path.with_name(f"{path.name}-wal")
    waiting = log.exists() and log.stat().st_size > 0
    query = {"mode": "ro", "uri": "true"} | ({} if waiting else {"immutable": "1"})
    return url.set(database=f"file:{quote(str(path.absolute()))}", query=query)


def _private_file(path: Path) -> None:
    """The directory 0700 where it is made here, the file 0600 always: it holds CHAP secrets."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise ConfigurationError(
            f"state {path}", (error.strerror or str(error)).lower(), "name a place that you can write: --state URL"
        ) from None


def _sqlite_defaults(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # transactions are begun below, not by the module
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("cgctl_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_begin(connection: Connection) -> None:
    """One writer at a time. He sees what the one before him wrote: READ COMMITTED, since a snapshot would be older."""
    if connection.get_execution_options().get("cgctl_write"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
