"""What differs on a terminal: the question before something is destroyed, and colour."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tests.cli.frame_run import ROOT, environment, program


def on_terminal(*words: str, answer: str = "", **variables: str) -> tuple[int, str]:
    """Exit code and everything that the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        program(*words),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=environment(TERM="xterm", **variables),
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return process.wait(60), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 5), ("\n", 5)])
def test_destructive_commands_ask(answer: str, code: int) -> None:
    found, shown = on_terminal("try-delete", "g1", answer=answer)
    assert found == code
    assert "cgctl try-delete g1: this cannot be undone. Go on? [y/N]" in shown
    assert ("g1: deleted" in shown) == (code == 0)


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_nothing_is_asked_with_yes_or_dry_run(option: str) -> None:
    found, shown = on_terminal("try-delete", "g1", option)
    assert found == 0
    assert "[y/N]" not in shown


def test_errors_are_coloured_unless_no_color() -> None:
    assert "\x1b[31merror:\x1b[0m group missing" in on_terminal("try-failure", "missing")[1]
    assert "\x1b" not in on_terminal("try-failure", "missing", NO_COLOR="1")[1]


def test_hostile_words_reach_the_terminal_escaped() -> None:
    shown = on_terminal("try-show", "1", "--name", "\x1b]0;owned\x07[red]x\nrow2")[1]
    assert "\x1b" not in shown
    assert r"| name     | \x1b]0;owned\x07[red]x\nrow2" in shown
