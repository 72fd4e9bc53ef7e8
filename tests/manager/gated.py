"""Activities that wait: a `file` driver whose copies begin only when a gate is open, and that publishes what a test
wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drivers import catalog
from drivers.activities import place
from drivers.activities.values import Program
from drivers.backends.file.driver import FileDriver
from drivers.command import Command
from drivers.contract import ActivityAttributes, Context, HandleScope, Volume
from tests.manager.house import House

_WAITS = 'while [ ! -e "$1" ]; do sleep 0.05; done; [ ! -s "$1" ] || { cat "$1" >&2; exit 3; }; shift; exec "$@"'


@dataclass(frozen=True)
class GatedDriver:
    """gate: a file; its content, where it has any, is what the copy says, and fails with."""

    real: FileDriver
    gate: Path
    attributes: ActivityAttributes

    @property
    def images(self) -> GatedDriver:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @property
    def activities(self) -> ActivityAttributes:
        return self.attributes

    def copy_program(self, context: Context, volume: Volume, source: str, *, is_stable: bool = False) -> Program:
        program = self.real.copy_program(context, volume, source, is_stable=is_stable)
        argv = ("sh", "-c", _WAITS, "gated", str(self.gate), *program.work.argv)
        return replace(program, work=Command(argv))


def install(
    monkeypatch: pytest.MonkeyPatch,
    house: House,
    *,
    scope: HandleScope = HandleScope.USER,
    without: str = "",
    own_way: bool = True,
) -> Path:
    """Make every `file` driver such a one; returns the gate. without: the method that is not published as stateless."""
    gate = house.root / "gate"

    def make(*words: Any) -> GatedDriver:
        real = FileDriver(*words)
        stateless = real.activities.stateless_activities - {without}
        published = replace(
            real.activities, handle_scope=scope, stateless_activities=stateless, snapshot_replication=own_way
        )
        return GatedDriver(real, gate, published)

    monkeypatch.setitem(catalog.DRIVERS, "file", make)
    return gate


def wrap(monkeypatch: pytest.MonkeyPatch, script: str, *words: str) -> None:
    """From now on work of every kind is run by this shell script, as what follows these words."""
    files = place._files

    def wrapped(program: Program) -> str:
        argv = ("sh", "-c", script, "wrapped", *words, *program.work.argv)
        return files(replace(program, work=replace(program.work, argv=argv)))

    monkeypatch.setattr(place, "_files", wrapped)


def close_for_all(monkeypatch: pytest.MonkeyPatch, house: House) -> Path:
    """From now on work of every kind waits at its beginning; returns the gate."""
    gate = house.root / "gate"
    wrap(monkeypatch, _WAITS, str(gate))
    return gate
