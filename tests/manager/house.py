"""A whole cgctl on `file` backends in a temporary directory: configuration, state, pools, and its command line.

Commands run in this process; `forked` runs one in a child that may be killed. `tests.manager.faulty` is between cgctl
and the real driver wherever a test wants the server to misbehave.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from cgctl.cli.app import main
from cgctl.remote.local import LocalRunner
from drivers.backends.file.driver import FileDriver
from drivers.contract import Context, ServerObject

Json = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def last(self) -> str:
        """The bare value of `-f value -c id`."""
        return self.out.strip()


@dataclass
class House:
    """root holds `config.yaml`, `state.db` and a pool for each backend: alpha in zone nova, beta elsewhere."""

    root: Path
    configuration: Json = field(default_factory=dict)
    state: str = ""

    def __post_init__(self) -> None:
        self.state = self.state or f"sqlite:///{self.root / 'state.db'}"
        self.configuration = {"backends": {}, **self.configuration}
        self.add_backend("alpha")
        self.add_backend("beta", availability_zone="elsewhere")

    def add_backend(self, backend_id: str, **settings: object) -> Path:
        """A `file` backend with a pool of its own."""
        pool = self.root / backend_id
        pool.mkdir(exist_ok=True)
        self.configure(backends={backend_id: {"driver": "file", "pool": str(pool), **settings}})
        return pool

    def configure(self, **sections: object) -> None:
        """Merge these sections into the configuration file."""
        for name, section in sections.items():
            if isinstance(section, dict):
                self.configuration.setdefault(name, {}).update(section)
            else:
                self.configuration[name] = section
        (self.root / "config.yaml").write_text(yaml.safe_dump(self.configuration))

    @property
    def words(self) -> list[str]:
        """The options that every command gets."""
        return ["--config", str(self.root / "config.yaml"), "--state", self.state]

    def run(self, *words: str) -> Ran:
        """A command, whatever its exit code; never a traceback."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            code = main(self._line(words))
        out.flush()
        err.flush()
        ran = Ran(words, code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
        assert "Traceback" not in ran.err, ran.err
        return ran

    def _line(self, words: tuple[str, ...]) -> list[str]:
        """`reset-state` has a `--state` of its own: the state store is named before it."""
        if words[0].endswith("reset-state"):
            return [*self.words, *words]
        return [*words[:1], *self.words, *words[1:]]

    def ok(self, *words: str) -> Ran:
        """A command that must succeed."""
        ran = self.run(*words)
        assert ran.code == 0, ran
        return ran

    def make(self, *words: str) -> str:
        """The id of what a create command made."""
        return self.ok(*words, "-f", "value", "-c", "id").last

    def show(self, *words: str) -> Any:
        """The JSON of a show or a list."""
        return self.ok(*words, "-f", "json").json

    def types(self) -> None:
        """Volume types `gold` and `silver`, group type `consistent`."""
        self.ok("type-create", "gold")
        self.ok("type-create", "silver")
        self.ok("group-type-create", "consistent")
        self.ok("group-type-key", "consistent", "set", "consistent_group_snapshot_enabled=<is> True")

    def group(self, name: str = "db", members: int = 2) -> str:
        """A group with members `name-0`, `name-1` and so on, of 1 MiB each."""
        group_id = self.make("group-create", "consistent", "gold,silver", "--name", name, "--availability-zone", "nova")
        for number in range(members):
            self.ok("create", "1M", "--group-id", group_id, "--volume-type", "gold", "--name", f"{name}-{number}")
        return group_id

    def status(self, *words: str) -> str:
        """`show`, `group-show` and so on: the status alone."""
        return self.ok(*words, "-f", "value", "-c", "status").last

    def members(self, group: str) -> list[str]:
        """The ids of a group's volumes, oldest first."""
        return list(self.show("group-show", group)["volumes"])

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Straight from the state's file."""
        with closing(sqlite3.connect(self.root / "state.db")) as connection:
            return connection.execute(query, parameters).fetchall()

    def execute(self, script: str) -> None:
        """Change the state's file for good: what time, or an older cgctl, would have left."""
        with closing(sqlite3.connect(self.root / "state.db", timeout=30)) as connection:
            connection.executescript(script)

    @contextmanager
    def forced(self, script: str) -> Iterator[None]:
        """The state as this SQL makes it, for the time of this block: what no command would leave."""
        with closing(sqlite3.connect(self.root / "state.db")) as state, closing(sqlite3.connect(":memory:")) as kept:
            state.backup(kept)
            state.executescript(script)
            state.commit()
            try:
                yield
            finally:
                kept.backup(state)

    def dump(self) -> str:
        """Every row of the state, as SQL."""
        with closing(sqlite3.connect(self.root / "state.db")) as connection:
            return "\n".join(connection.iterdump())

    def objects(self) -> list[ServerObject]:
        """Everything of cgctl's on all servers."""
        used = (name for name in ("alpha", "beta") if (self.root / name / ".cgctl").exists())
        return [one for name in used for one in self.driver(name).list_objects(self.context())]

    def context(self) -> Context:
        """What accompanies a call to a driver beside cgctl."""
        owner = str(self.rows("SELECT value FROM settings WHERE key = 'owner'")[0][0])
        return Context("look", owner, datetime.now(UTC) + timedelta(seconds=60))

    def driver(self, backend_id: str) -> FileDriver:
        """The real driver, beside cgctl."""
        return FileDriver(backend_id, str(self.root / backend_id), LocalRunner())

    def files(self) -> dict[str, bytes]:
        """Every file of the pools with its content."""
        paths = (path for name in ("alpha", "beta") for path in (self.root / name).rglob("*"))
        return {str(path): path.read_bytes() for path in paths if path.is_file() and "/locks/" not in str(path)}

    def disk(self, volume: str) -> Path:
        """The file behind a volume, found by its id on the server that serves it."""
        volume_id, backend_id = self._served(volume)
        found = list(self.root.glob(f"{backend_id}/live/*/cgctl-{volume_id}/disk"))
        assert len(found) == 1, found
        return found[0]

    def _served(self, volume: str) -> tuple[str, str]:
        """A volume's id and its backend's; from the state's file where it is one: tests ask thousands of times."""
        if self.state != f"sqlite:///{self.root / 'state.db'}":
            shown = self.show("show", volume)
            return shown["id"], shown["host"]
        found = self.rows("SELECT id, host FROM volumes WHERE id = ? OR name = ?", volume, volume)
        assert len(found) == 1, found
        return found[0][0], found[0][1]

    def write(self, volume: str, data: bytes) -> None:
        """Put data at the beginning of a volume, as a client that is done would."""
        with self.disk(volume).open("r+b") as disk:
            disk.write(data)

    def read(self, volume: str, count: int) -> bytes:
        """The beginning of a volume."""
        with self.disk(volume).open("rb") as disk:
            return disk.read(count)

    def forked(self, *words: str, prepare: Callable[[], None] = lambda: None) -> int:
        """Run a command in a child; its exit code, or minus the signal that killed it."""
        child = os.fork()
        if child == 0:
            _child(self, words, prepare)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Neither the state nor any pool may change in this block."""
        before = self.dump(), self.files()
        yield
        after = self.dump(), self.files()
        assert after == before


def built_once(root: Path, name: str, make: Callable[[House], None]) -> House:
    """A copy, in `root`, of a house that `make` has furnished: once in each process of tests, beside the tests' own."""
    origin = root.parent / f"origin-{name}"
    if not origin.exists():
        making = root.parent / f"making-{name}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        make(House(making))
        making.rename(origin)
    subprocess.run(["cp", "-a", f"{origin}/.", str(root)], check=True)
    return House(root)


def _child(house: House, words: tuple[str, ...], prepare: Callable[[], None]) -> None:
    code = 99
    try:
        prepare()
        code = house.run(*words).code
    except BaseException:  # noqa: BLE001 - the child must never come back into pytest
        traceback.print_exc()
    finally:
        os._exit(code)
