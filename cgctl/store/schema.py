"""The state's schema version: looked at in one statement, brought up by Alembic only when it is behind."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cgctl.errors import ConfigurationError

HEAD = "0005"
"""The newest revision in migrations/versions; a test compares. Alembic costs 0.3 s to import, so it is asked last."""


def bring_up_to_date(connection: Connection) -> str:
    """Migrate where needed; returns the state's id (`owner`)."""
    if _version(connection) != HEAD:
        connection.rollback()
        _migrate(connection)
    owner = connection.execute(text("SELECT value FROM settings WHERE key = 'owner'")).scalar_one()
    connection.rollback()
    return str(owner)


def _version(connection: Connection) -> str | None:
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except DBAPIError as error:
        if "alembic_version" not in str(error.orig):
            raise  # not "no such table": a file that is no database, a disk that fails
        return None


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    writing = connection.execution_options(cgctl_write=True)
    with writing.begin():
        config.attributes["connection"] = writing
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                "state", f"was written by a newer cgctl ({error})", "use the newer cgctl, or another state: --state URL"
            ) from None
        _name_owner(writing)


def _name_owner(connection: Connection) -> None:
    if connection.execute(text("SELECT 1 FROM settings WHERE key = 'owner'")).first() is None:
        connection.execute(text("INSERT INTO settings (key, value) VALUES ('owner', :id)"), {"id": str(uuid4())})
