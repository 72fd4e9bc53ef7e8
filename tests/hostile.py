"""What the tests of bad input share: cgctl called in this process or its own, one clear error, and nothing changed."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from cgctl.cli.app import main
from cgctl.errors import EXIT_CODES

ROOT = Path(__file__).parents[1]
HISTORY = ("events", "messages", "operations")
_ERROR = re.compile(r"error: (?P<subject>[^\n]+?): (?P<reason>[^\n]+)\n")
_HINT = re.compile(r"hint: (?P<hint>[^\n]+)\n")
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Answer:
    """What one command line came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def error(self, code: int, *words: str) -> str:
        """Exactly one error with a hint, this exit code, nothing on stdout, each word told; returns both lines."""
        assert self.code == code, (self.code, self.err, self.out)
        self.check_form()
        assert self.out == ""
        assert self.err.count("error: ") == self.err.count("hint: ") == 1, self.err
        found = _ERROR.search(self.err)
        hint = _HINT.search(self.err)
        assert found, self.err
        assert hint, self.err
        assert found["reason"][:1] == found["reason"][:1].lower(), self.err
        for word in words:
            assert word in self.err, (word, self.err)
        return f"{found[0]}{hint[0]}"

    def check_form(self) -> None:
        """No traceback, an exit code of the table, nothing that steers a terminal, each failure with an error line."""
        assert "Traceback" not in self.err, self.err
        assert self.code in EXIT_CODES, (self.code, self.err)
        assert self.code != 1, self.err
        assert not _UNSAFE.search(self.err), self.err
        assert self.code == 0 or "error: " in self.err, (self.code, self.err)


@dataclass
class Station:
    """One operator's place: a configuration, a state store, and pools of this machine."""

    directory: Path
    backends: dict[str, dict[str, object]] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.directory / "config.yaml"

    @property
    def database(self) -> Path:
        return self.directory / "state/state.db"

    def write_config(self) -> None:
        self.config.write_text(json.dumps({"backends": self.backends, **self.extra}))

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CGCTL_", "XDG_"))}
        own = {
            "CGCTL_CONFIG": str(self.config),
            "CGCTL_STATE": f"sqlite:///{self.database}",
            "XDG_STATE_HOME": str(self.directory / "home"),
        }
        return kept | own | self.variables | changes

    def run(self, *words: str, **variables: str) -> Answer:
        """In this process: fast, for many."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        environment = mock.patch.dict(os.environ, self.environment(**variables), clear=True)
        with environment, mock.patch.object(sys, "stdout", out), mock.patch.object(sys, "stderr", err):
            code = main(list(words))
        return Answer(code, _text(out), _text(err))

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """As a process of its own, with pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "cgctl", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=ROOT, env=self.environment(**variables), start_new_session=True,
        )  # fmt: skip

    def process(self, *words: str, **variables: str) -> Answer:
        """As a process of its own, to its end."""
        return ended(self.start(*words, **variables))

    def dump(self, *, history: bool = True) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the state; history=False: without what a failure may leave (events, journal, `updated_at` …)."""
        with closing(sqlite3.connect(self.database)) as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
            kept = [name for name in names if history or name not in HISTORY]
            return {name: _rows(db, name, () if history else ("updated_at",)) for name in kept}


def _rows(db: sqlite3.Connection, table: str, without: tuple[str, ...]) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")') if row[1] not in without]
    names = ", ".join(f'"{column}"' for column in columns)
    return sorted(db.execute(f'SELECT {names} FROM "{table}"'), key=repr)


def furnished(directory: Path, *pools: str) -> Station:
    """A station with types `t` and `gt`, group `g` with volume `m`, volume `v`, snapshots `s` and `gs`."""
    station = Station(directory, {}, {"default_volume_type": "t"})
    for name in pools or ("a",):
        (directory / name).mkdir(parents=True)
        station.backends[name] = {"driver": "file", "pool": str(directory / name)}
    station.write_config()
    for line in FURNITURE:
        answer = station.run(*line.split())
        assert answer.code == 0, answer.err
    return station


FURNITURE = (
    "type-create t",
    "group-type-create gt",
    "group-create --name g gt t",
    "create --name m --group-id g 8M",
    "create --name v 8M",
    "snapshot-create --name s v",
    "group-snapshot-create --name gs g",
)


def ended(process: subprocess.Popen[str], timeout_seconds: float = 60) -> Answer:
    """Its answer, when it has ended."""
    out, err = process.communicate(timeout=timeout_seconds)
    return Answer(process.returncode, out, err)


def tree(directory: Path) -> list[tuple[str, int, int]]:
    """Every object below a directory with mode and size; locks and cgctl's own marks of first use are no objects."""
    return sorted(
        (str(path.relative_to(directory)), path.lstat().st_mode, path.lstat().st_size if path.is_file() else 0)
        for path in directory.rglob("*")
        if ".cgctl/locks" not in str(path)
    )


@contextmanager
def unchanged(station: Station, *pools: Path, history: bool = True) -> Iterator[None]:
    """Neither the state nor these pools differ afterwards."""
    rows, trees = station.dump(history=history), [tree(pool) for pool in pools]
    yield
    for table, after in station.dump(history=history).items():
        assert after == rows[table], table
    for pool, objects in zip(pools, trees, strict=True):
        assert tree(pool) == objects, pool


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "surrogateescape")
