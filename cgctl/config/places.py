"""Where configuration and state are, when nobody says so. Imports nothing that costs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from cgctl.errors import ConfigurationError

SYSTEM_FILE = Path("/etc/cgctl/config.yaml")
_STATE_URL = re.compile(r"(sqlite(\+pysqlite)?:///[^\s]+|postgresql(\+psycopg)?://[^\s]+)")


def configuration_file(given: str | None) -> Path | None:
    """`--config`, else `$CGCTL_CONFIG`, else the user's or the system's file, else None.

    A file that was named is returned whether or not it is there; the usual places only when it is.
    """
    named = given or os.environ.get("CGCTL_CONFIG")
    if named:
        return Path(named).expanduser()
    return next((place for place in usual_files() if place.is_file()), None)


def usual_files() -> tuple[Path, Path]:
    """The places that are looked at without being named."""
    user = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(user).expanduser() / "cgctl" / "config.yaml", SYSTEM_FILE


def state_directory() -> Path:
    """`$XDG_STATE_HOME/cgctl`; without the variable `/var/lib/cgctl` for root, else `~/.local/state/cgctl`."""
    named = os.environ.get("XDG_STATE_HOME")
    if named:
        return Path(named).expanduser() / "cgctl"
    return Path("/var/lib/cgctl") if os.geteuid() == 0 else Path("~/.local/state/cgctl").expanduser()


def state_url(given: str | None, configured: Callable[[], str | None]) -> str:
    """`--state`, else `$CGCTL_STATE`, else what `configured` returns, else SQLite in the state directory.

    configured is called only when it is needed, so that `--state` works without a configuration. Raises
    ConfigurationError for what is no URL of SQLite or PostgreSQL.
    """
    for source, url in (("--state", given), ("CGCTL_STATE", os.environ.get("CGCTL_STATE"))):
        if url:
            return checked_state_url(url, source)
    return configured() or f"sqlite:///{state_directory() / 'state.db'}"


def checked_state_url(url: str, source: str) -> str:
    """The URL, with `~` expanded. Raises ConfigurationError that names the source."""
    if not _STATE_URL.fullmatch(url):
        hint = "sqlite:////var/lib/cgctl/state.db or postgresql+psycopg://user@host/database"
        raise ConfigurationError(source, f"not a URL of SQLite or PostgreSQL: {url}", hint)
    return url.replace("sqlite:///~", f"sqlite:///{Path('~').expanduser()}", 1)


def absolute_state_url(url: str) -> str:
    """The same database, for a process that stands in another directory."""
    place = url.removeprefix("sqlite:///")
    if place in (url, "", ":memory:"):
        return url
    return f"sqlite:///{Path(place).absolute()}"
