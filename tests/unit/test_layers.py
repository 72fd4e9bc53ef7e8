"""Who may import whom, and how long things may be: read from the sources, nothing is imported.

The house is described in the README's words "drivers/ knows storage and never imports cgctl/"; this is the whole of it.
A new room gets a row here before it gets a module.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_STORAGE = {
    "drivers.activities",
    "drivers.command",
    "drivers.contract",
    "drivers.errors",
    "drivers.refusals",
    "drivers.replication",
    "drivers.runner",
}

_ISCSI = {"drivers.exports", "drivers.exports.iscsi", "drivers.exports.iscsi_identity", "drivers.exports.scripted"}
_NFS = {"drivers.exports", "drivers.exports.nfs", "drivers.exports.scripted"}

KNOWS: Mapping[str, set[str]] = {
    # cli → policies → manager → activity → store → model; wiring alone joins everything
    "cgctl": set(),
    "cgctl.__main__": {"cgctl.cli"},
    "cgctl.cli": {
        "cgctl",
        "cgctl.cli.invocation",
        "cgctl.cli.wiring",
        "cgctl.config",
        "cgctl.demo",
        "cgctl.errors",
        "cgctl.failures",
        "cgctl.manager",
        "cgctl.model",
        "cgctl.policies",
        "cgctl.store.names",
        "drivers.errors",
    },
    "cgctl.store.names": set(),
    "cgctl.cli.invocation": set(),
    # processes of their own, which carry streams from backend to backend, or read on several
    "cgctl.cli.passages": {"cgctl.manager", "drivers.command"},
    "cgctl.cli.progress": {"cgctl.manager"},
    "cgctl.cli.errand": {
        "cgctl.cli.invocation",
        "cgctl.cli.passages",
        "cgctl.cli.relay",
        "cgctl.cli.wiring",
        "cgctl.errors",
        "cgctl.manager",
    },
    "cgctl.cli.reader": {
        "cgctl.manager",
        "cgctl.cli.invocation",
        "cgctl.cli.passages",
        "cgctl.cli.relay",
        "cgctl.cli.wiring",
        "cgctl.errors",
        "cgctl.failures",
        "cgctl.remote",
        "drivers.errors",
        "drivers.refusals",
        "drivers.runner",
    },
    "cgctl.cli.relay": {
        "cgctl.manager",
        "cgctl.cli.invocation",
        "cgctl.cli.passages",
        "cgctl.cli.wiring",
        "cgctl.errors",
        "drivers.errors",
    },
    "cgctl.cli.wiring": {
        "cgctl.cli.invocation",
        "cgctl.cli.passages",
        "cgctl.cli.progress",
        "cgctl.config",
        "cgctl.errors",
        "cgctl.manager",
        "cgctl.remote",
        "cgctl.store",
        "drivers.activities",
        "drivers.backups",
        "drivers.catalog",
        "drivers.command",
        "drivers.errors",
        "drivers.replication",
        "drivers.contract",
        "drivers.runner",
    },
    "cgctl.demo": {"cgctl.errors", "cgctl.manager", "cgctl.manager.objects", "cgctl.model", "cgctl.store"},
    "cgctl.policies": {"cgctl.errors", "cgctl.manager", "cgctl.model", "cgctl.store"},
    "cgctl.manager": {
        "cgctl",
        "cgctl.activity",
        "cgctl.errors",
        "cgctl.failures",
        "cgctl.model",
        "cgctl.scheduler",
        "cgctl.store",
        "drivers.activities",
        "drivers.backups",
        "drivers.command",
        "drivers.contract",
        "drivers.errors",
        "drivers.replication",
        "cgctl.manager.objects",
        "cgctl.manager.rules",
    },
    # who asks for an operation asks for its rules through it; rules know rows, no state store, no server
    "cgctl.manager.rules": {"cgctl.errors", "cgctl.manager.objects", "cgctl.model"},
    "cgctl.manager.objects": {"cgctl.model", "drivers.contract"},
    "cgctl.scheduler": {"cgctl.errors", "cgctl.model"},
    "cgctl.activity": {"cgctl.errors", "cgctl.model", "cgctl.store", "drivers.command", "drivers.contract"},
    "cgctl.store": {"cgctl.errors", "cgctl.model"},
    "cgctl.model": {"cgctl.errors"},
    "cgctl.config": {"cgctl.errors"},
    "cgctl.remote": {"drivers", "drivers.command", "drivers.errors", "drivers.refusals", "drivers.runner"},
    "cgctl.failures": {"cgctl.errors", "drivers.errors"},
    "cgctl.errors": set(),
    # drivers: never cgctl; one backend or export server does not know another
    "drivers": set(),
    "drivers.command": set(),
    "drivers.errors": set(),
    "drivers.runner": {"drivers.command"},
    "drivers.values": {"drivers.command"},
    "drivers.activities": {"drivers", "drivers.command", "drivers.errors", "drivers.refusals", "drivers.runner"},
    "drivers.backups": {"drivers", "drivers.command", "drivers.errors", "drivers.refusals", "drivers.runner"},
    "drivers.contract": {"drivers.activities", "drivers.backups", "drivers.replication", "drivers.values"},
    "drivers.refusals": {"drivers.errors", "drivers.runner"},
    "drivers.replication": {"drivers.command", "drivers.values"},
    "drivers.backends": set(),
    "drivers.backends.scripted": {"drivers", *_STORAGE},
    "drivers.backends.directory_pool": {"drivers", "drivers.backends.scripted", *_STORAGE},
    "drivers.backends.file": {"drivers", "drivers.backends.directory_pool", *_STORAGE},
    "drivers.backends.btrfs": {"drivers", "drivers.backends.directory_pool", *_STORAGE},
    "drivers.backends.lvm": {"drivers", "drivers.backends.scripted", *_STORAGE},
    "drivers.exports": set(),
    "drivers.exports.iscsi_identity": set(),
    "drivers.exports.scripted": {"drivers", *_STORAGE},
    "drivers.exports.iscsi": {"drivers.exports.iscsi_identity", "drivers.exports.scripted", *_STORAGE},
    "drivers.exports.iscsi_tgt": {"drivers", *_ISCSI, *_STORAGE},
    "drivers.exports.iscsi_lio": {"drivers", *_ISCSI, *_STORAGE},
    "drivers.exports.nfs": {"drivers.exports.scripted", *_STORAGE},
    "drivers.exports.nfs_ganesha": {"drivers", *_NFS, *_STORAGE},
    "drivers.exports.nfs_kernel": {"drivers", *_NFS, *_STORAGE},
    # sent to the server as text: nothing of the program is there
    "drivers.exports.iscsi_lio.on_server": set(),
    "drivers.catalog": {
        "drivers.backends.btrfs",
        "drivers.backends.directory_pool",
        "drivers.backends.file",
        "drivers.backends.lvm",
        "drivers.exports.iscsi_lio",
        "drivers.exports.iscsi_tgt",
        "drivers.exports.nfs_ganesha",
        "drivers.exports.nfs_kernel",
        *_STORAGE,
    },
}
"""Which rooms a room may import from, besides itself. A module is in the room with the longest matching name."""

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "typer": ("cgctl.cli",),
    "rich": ("cgctl.cli",),
    "paramiko": ("cgctl.remote.ssh", "cgctl.remote.ssh_stream"),
    "yaml": ("cgctl.config",),
    "pydantic": ("cgctl.config",),
    "pydantic_core": ("cgctl.config",),
    "sqlalchemy": ("cgctl.model", "cgctl.store"),
    "alembic": ("cgctl.store",),
    "rtslib_fb": ("drivers.exports.iscsi_lio.on_server",),
    # the manager writes its own queries: `select`, `col`, `Session`
    "sqlmodel": ("cgctl.model", "cgctl.store", "cgctl.manager"),
}
"""Where a library may be imported: in these modules and below them. Others may not be imported at all."""

MODULE_LINES = 400
FUNCTION_LINES = 60
DUMPING_GROUNDS = {"utils", "util", "helpers", "helper", "common", "base", "types", "misc"}
CLASS_ENDINGS = ("Manager", "Helper", "Impl")

Rule = Callable[[str, str], Iterator[str]]
"""(module, its source) -> what is wrong with it, a line each."""


def room_of(module: str) -> str:
    """The room of a module; raises AssertionError where the table has none."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    room = next((name for name in names if name in KNOWS), None)
    assert room is not None, f"{module} is in no room of the table"
    return room


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, inside functions and TYPE_CHECKING, too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def knows_only_its_rooms(module: str, source: str) -> Iterator[str]:
    if module.count(".") == 1 and module not in KNOWS and module.startswith("cgctl."):
        yield f"{module}: a new room, without a row in the table"
    room = room_of(module)
    for line, name in imported(source):
        if name.startswith("."):
            yield f"{module}:{line}: {name}: write the import in full"
        elif name.partition(".")[0] in {"cgctl", "drivers"} and room_of(name) not in {room, *KNOWS[room]}:
            yield f"{module}:{line}: {room} may not import {name}"


def imports_libraries_where_they_live(module: str, source: str) -> Iterator[str]:
    for line, name in imported(source):
        library = name.partition(".")[0]
        if library in {"cgctl", "drivers", ""} or library in sys.stdlib_module_names:
            continue
        places = LIBRARIES.get(library, ())
        if not any(module == place or module.startswith(f"{place}.") for place in places):
            yield f"{module}:{line}: {library} may not be imported here"


def is_short(module: str, source: str) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines > MODULE_LINES:
        yield f"{module}: {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{module}:{node.lineno}: {node.name} has {length} lines"


def has_names_that_say_something(module: str, source: str) -> Iterator[str]:
    dumps = DUMPING_GROUNDS & set(module.split("."))
    if dumps:
        yield f"{module}: {', '.join(dumps)} says nothing"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name.endswith(CLASS_ENDINGS):
            yield f"{module}:{node.lineno}: class {node.name} says nothing"


RULES: tuple[Rule, ...] = (
    knows_only_its_rooms,
    imports_libraries_where_they_live,
    is_short,
    has_names_that_say_something,
)


def modules(*folders: str) -> dict[str, str]:
    """Sources by module name."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_program_keeps_the_rule(rule: Rule) -> None:
    sources = modules("cgctl", "drivers")
    assert len(sources) > 100
    assert [problem for module, source in sources.items() for problem in rule(module, source)] == []


def test_tests_have_names_that_say_something() -> None:
    sources = modules("tests")
    wrong = [problem for name, source in sources.items() for problem in has_names_that_say_something(name, source)]
    assert wrong == []


def test_no_row_of_the_table_names_a_room_that_is_not_in_it() -> None:
    assert set().union(*KNOWS.values()) <= set(KNOWS)


def test_cgctl_has_one_direction() -> None:
    """The table itself has no circle, so that no room can reach back to one that stands above it."""

    def reachable(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, f"a circle: {' → '.join((*path, room))}"
        for known in KNOWS[room]:
            reachable(known, (*path, room))

    for room in KNOWS:
        reachable(room, ())


FORBIDDEN = (
    (knows_only_its_rooms, "cgctl.model.names", "from cgctl.store.database import Store"),
    (knows_only_its_rooms, "cgctl.store.queries", "from cgctl.manager import groups"),
    (knows_only_its_rooms, "cgctl.scheduler.choose", "import cgctl.store.database"),
    (knows_only_its_rooms, "cgctl.manager.groups", "from cgctl.cli import report"),
    (knows_only_its_rooms, "cgctl.manager.groups", "from drivers.backends.btrfs.driver import BtrfsDriver"),
    (knows_only_its_rooms, "cgctl.manager.groups", "from drivers import catalog"),
    (knows_only_its_rooms, "cgctl.manager.groups", "from drivers.runner import Runner"),
    (knows_only_its_rooms, "cgctl.manager.groups", "def f():\n    from cgctl.remote import ssh"),
    (knows_only_its_rooms, "cgctl.cli.group", "from cgctl.remote.ssh import Ssh"),
    (knows_only_its_rooms, "cgctl.cli.group", "from cgctl.store.database import Store"),
    (knows_only_its_rooms, "cgctl.cli.group", "from drivers.catalog import DRIVERS"),
    (knows_only_its_rooms, "cgctl.cli.group", "from .table import COMMANDS"),
    (knows_only_its_rooms, "cgctl.cli.wiring", "from cgctl.cli import report"),
    (knows_only_its_rooms, "cgctl.brandnew", "pass"),
    (knows_only_its_rooms, "drivers.backends.file.driver", "from cgctl.errors import CgctlError"),
    (knows_only_its_rooms, "drivers.backends.file.driver", "from drivers.backends.btrfs import driver"),
    (knows_only_its_rooms, "drivers.contract", "import cgctl"),
    (knows_only_its_rooms, "drivers.exports.iscsi_lio.on_server.lio", "from drivers.errors import Busy"),
    (imports_libraries_where_they_live, "cgctl.manager.groups", "import typer"),
    (imports_libraries_where_they_live, "cgctl.manager.groups", "from rich.table import Table"),
    (imports_libraries_where_they_live, "cgctl.remote.local", "import paramiko"),
    (imports_libraries_where_they_live, "cgctl.remote.ssh_runner", "import paramiko"),
    (imports_libraries_where_they_live, "cgctl.cli.render", "import yaml"),
    (imports_libraries_where_they_live, "cgctl.model.specs", "from pydantic import BaseModel"),
    (imports_libraries_where_they_live, "cgctl.cli.volume", "from sqlmodel import select"),
    (imports_libraries_where_they_live, "cgctl.manager.groups", "from sqlalchemy import text"),
    (imports_libraries_where_they_live, "cgctl.store.database", "import requests"),
    (is_short, "cgctl.cli.group", "\n" * (MODULE_LINES + 1)),
    (is_short, "cgctl.cli.group", "def f():\n" + "    pass\n" * FUNCTION_LINES),
    (has_names_that_say_something, "cgctl.manager.utils", "pass"),
    (has_names_that_say_something, "cgctl.common.things", "pass"),
    (has_names_that_say_something, "cgctl.manager.groups", "class GroupManager: ..."),
)


@pytest.mark.parametrize(("rule", "module", "source"), FORBIDDEN)
def test_what_is_forbidden_is_told(rule: Rule, module: str, source: str) -> None:
    assert len(list(rule(module, source))) == 1
