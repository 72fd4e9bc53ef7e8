"""`--help`, the manual page and the shell's completion: made from one source, true, and quick to come."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cgctl.cli import man
from cgctl.cli.examples import EXAMPLES, example_of, words_of
from cgctl.cli.table import COMMANDS
from tests.cli.frame_run import ROOT, environment
from tests.cli.test_cinder_words import parsed
from tests.manager.house import House

HEAVY = ("rich", "yaml", "pydantic", "sqlmodel", "sqlalchemy", "paramiko", "cgctl.cli.wiring")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_an_example_that_it_accepts(name: str) -> None:
    assert name in EXAMPLES
    parsed(name, *words_of(name))


def test_the_example_stands_in_help_on_one_line(capsys: pytest.CaptureFixture[str], house: House) -> None:
    for name in ("group-type-key", "cgsnapshot-delete", "create"):
        out = house.ok(name, "--help").out
        assert out.endswith(f"\nExample:\n  {example_of(name)}\n")
    assert "cgctl group-snapshot-create" in house.ok("--help").out


def test_the_manual_page_has_every_command_and_no_warning() -> None:
    page = man.page()
    assert {line.removeprefix(".SS ").replace(r"\-", "-") for line in page.splitlines() if line[:3] == ".SS"} == set(
        COMMANDS
    )
    assert shutil.which("groff"), "groff-base is missing: apt-get install groff-base"
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=200n"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GROFF_NO_SGR": "1"},
    )
    assert done.stderr == ""
    plain = "".join(c for i, c in enumerate(done.stdout) if c != "\b" and done.stdout[i + 1 : i + 2] != "\b")
    for name in EXAMPLES.keys() & COMMANDS.keys():
        assert str(example_of(name)) in plain


def completed(words: str, shell: str = "bash", **variables: str) -> list[str]:
    """What a shell would offer behind these words."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_TYPER_COMPLETE_ARGS": words}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_CGCTL_COMPLETE": f"complete_{shell}"}
    done = subprocess.run(
        [sys.executable, "-m", "cgctl"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**asked, **variables),
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_options_and_choices_are_completed() -> None:
    assert completed("cgctl group-create --availab") == ["--availability-zone"]
    assert completed("cgctl type-key gold ") == ["set", "unset"]
    assert completed("cgctl list -f js") == ["json"]


def test_objects_are_completed_by_what_an_argument_is(db: House) -> None:
    db.ok("create", "1M", "--volume-type", "gold", "--name", "db 2; rm")
    db.ok("snapshot-create", "db-0", "--name", "snap")
    taken = db.make("group-snapshot-create", "db", "--name", "taken")
    odd = db.show("list", "--name", "db 2; rm")[0]["id"]
    state = {"CGCTL_STATE": db.state}
    assert completed("cgctl group-show d", **state) == ["db"]
    assert set(completed("cgctl delete db", **state)) == {"db-0", "db-1", odd}
    assert completed("cgctl group-update db --add-volumes db-0,db-1", **state) == ["db-0,db-1"]
    assert completed("cgctl group-create consistent gold,si", **state) == ["gold,silver"]
    assert completed("cgctl list --group-id ", **state) == ["db"]
    assert completed("cgctl snapshot-show s", **state) == ["snap"]
    assert completed(f"cgctl group-snapshot-show {taken[:6]}", **state) == [taken]
    assert completed("cgctl reset-state --type group ", **state) == ["db"]
    assert completed("cgctl get-capabilities ", CGCTL_CONFIG=str(db.root / "config.yaml")) == ["alpha", "beta"]
    assert completed("cgctl group-show d", "fish", **state) == ["db\tavailable"]
    assert '"db":"available"' in completed("cgctl group-show d", "zsh", **state)[0]
    assert completed(f"cgctl --state {db.state} group-show d") == ["db"]


ASK = {
    "bash": 'eval "$(cgctl --show-completion)"; COMP_WORDS=(cgctl group-show d); COMP_CWORD=2;'
    ' _cgctl_completion cgctl; echo "${COMPREPLY[@]}"',
    "fish": 'cgctl --show-completion | source; complete -C "cgctl group-show d"',
}


@pytest.mark.parametrize("shell", ASK)
def test_a_real_shell_completes_names(db: House, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing: apt-get install {shell}")
    program = tmp_path / "cgctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cgctl "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [shell, "-c", ASK[shell]],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(CGCTL_STATE=db.state, PATH=f"{tmp_path}:{os.environ['PATH']}", HOME=str(tmp_path)),
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == {"bash": ["db"], "fish": ["db", "available"]}[shell]


def test_the_state_may_stand_in_the_configuration(db: House, tmp_path: Path) -> None:
    db.configure(state=db.state)
    assert completed("cgctl group-show d", CGCTL_CONFIG=str(db.root / "config.yaml")) == ["db"]


def test_completion_never_makes_a_state_and_never_complains(tmp_path: Path) -> None:
    missing = tmp_path / "state.db"
    assert completed("cgctl group-show d", CGCTL_STATE=f"sqlite:///{missing}") == []
    assert not missing.exists()
    broken = tmp_path / "config.yaml"
    broken.write_text("{")
    assert completed("cgctl group-show d", CGCTL_CONFIG=str(broken)) == []
    missing.write_text("no database" * 100)
    assert completed("cgctl group-show d", CGCTL_STATE=f"sqlite:///{missing}") == []


def test_help_and_completion_of_any_command_import_nothing_heavy() -> None:
    script = (
        "import json, sys; from importlib import import_module; from cgctl.cli.table import COMMANDS;"
        "from cgctl.cli.command import build; heavy = set(sys.argv[1:]);"
        "found = {n: sorted(heavy & set(sys.modules)) for n, e in COMMANDS.items()"
        " if build(getattr(import_module('cgctl.cli.' + e.module), e.function), n)};"
        "print(json.dumps({n: f for n, f in found.items() if f}))"
    )
    done = subprocess.run([sys.executable, "-c", script, *HEAVY], capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) == {}
