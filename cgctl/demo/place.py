"""Where the demo plays: a directory with two pools, a configuration and a state of its own; nothing else is touched."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cgctl.errors import UsageError

BACKENDS = ("alpha", "beta")

_CONFIGURATION = """\
state: sqlite:///{directory}/state.db
backends:
  alpha:
    driver: file
    pool: {directory}/alpha
    replication_targets:
      - {{backend_id: dr1, backend: beta, rpo: 15m}}
  beta:
    driver: file
    pool: {directory}/beta
"""
_PLAIN_PATH = re.compile(r"/[\w./+=@,~-]*", re.ASCII)
"""What can stand in a URL, in YAML and in a shell line as it is."""


@dataclass(frozen=True)
class Place:
    """The demo's directory, absolute, with its configuration written."""

    directory: Path

    @property
    def configuration(self) -> Path:
        """The file that `$CGCTL_CONFIG` names."""
        return self.directory / "config.yaml"

    @property
    def state(self) -> str:
        """The state's URL, as in the configuration."""
        return f"sqlite:///{self.directory}/state.db"


@contextmanager
def prepared(given: str | None, *, keep: bool, say: Callable[[str], None]) -> Iterator[Place]:
    """A place for one demo, gone afterwards however the demo ended, unless `keep`.

    given: a directory that is empty or missing; None makes a temporary one. Raises UsageError, and says on leaving
    where a kept place is.
    """
    directory, was_there = _directory(given)
    place = Place(directory)
    try:
        for backend in BACKENDS:
            (directory / backend).mkdir()
        place.configuration.write_text(_CONFIGURATION.format(directory=directory))
        yield place
    finally:
        if keep:
            say(f"kept: export CGCTL_CONFIG={place.configuration}; when done: rm -r {directory}")
        else:
            _remove(directory, itself=not was_there)


def _directory(given: str | None) -> tuple[Path, bool]:
    """The directory, and whether it was there before."""
    wanted = Path(given).expanduser().absolute() if given is not None else Path(tempfile.gettempdir()).resolve()
    if not _PLAIN_PATH.fullmatch(str(wanted)):
        reason = "has characters that cannot stand in a URL as they are"
        raise UsageError(f"directory {wanted}", reason, "cgctl demo --dir /tmp/cgctl-demo")
    try:
        if given is None:
            return Path(tempfile.mkdtemp(prefix="cgctl-demo-", dir=wanted)), False
        was_there = wanted.is_dir()
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        occupied = any(wanted.iterdir())
    except OSError as error:
        reason = (error.strerror or "cannot be used").lower()
        raise UsageError(f"directory {wanted}", reason, "cgctl demo --dir /tmp/cgctl-demo") from error
    if occupied:
        raise UsageError(f"directory {wanted}", "is not empty", "name an empty or a new directory")
    return wanted, was_there


def _remove(directory: Path, *, itself: bool) -> None:
    if itself:
        shutil.rmtree(directory)
        return
    for entry in list(directory.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
