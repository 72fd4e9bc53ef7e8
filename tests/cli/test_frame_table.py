"""The table of commands and the modules say the same; looking at the table costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

from cgctl.cli.command import Declared
from cgctl.cli.table import COMMANDS, SECTIONS
from tests.cli.frame_run import ROOT, environment

HEAVY = ("rich", "yaml", "pydantic", "sqlmodel", "sqlalchemy", "paramiko", "cgctl.cli.command", "cgctl.cli.wiring")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_of_the_table_is_declared_in_its_module(name: str) -> None:
    entry = COMMANDS[name]
    declared = getattr(import_module(f"cgctl.cli.{entry.module}"), entry.function)
    assert isinstance(declared, Declared)
    assert name in declared.names
    assert declared.summary == entry.summary


def test_no_declared_command_is_missing_from_the_table() -> None:
    for module in {entry.module for entry in COMMANDS.values()}:
        for declared in vars(import_module(f"cgctl.cli.{module}")).values():
            if isinstance(declared, Declared):
                assert set(declared.names) <= set(COMMANDS)


def test_no_command_stands_in_two_sections() -> None:
    assert sum(map(len, SECTIONS.values())) == len(COMMANDS)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["wrong"]])
def test_the_overview_imports_nothing_heavy(words: list[str]) -> None:
    assert not _imported(words) & set(HEAVY)


def test_completion_of_command_names_imports_nothing_heavy() -> None:
    variables = {"_CGCTL_COMPLETE": "complete_bash", "COMP_WORDS": "cgctl config", "COMP_CWORD": "1"}
    assert not _imported([], **variables) & set(HEAVY)


def test_completion_names_commands() -> None:
    variables = {"_CGCTL_COMPLETE": "complete_bash", "COMP_WORDS": "cgctl config-", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "cgctl"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**variables),
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["config-check"]


def _imported(words: list[str], **variables: str) -> set[str]:
    """The modules that a run of the real cgctl imports."""
    script = (
        "import atexit, json, sys; from cgctl.cli.app import main;"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr)); main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**variables),
        check=False,
        timeout=60,
    )
    modules: list[str] = json.loads(done.stderr.splitlines()[-1])
    assert "cgctl.cli.table" in modules
    return set(modules)
