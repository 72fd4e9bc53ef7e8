"""Marks around an answer, through real shells; and what is done without them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.remote.framing import Frame
from cgctl.remote.settings import SshSettings
from cgctl.remote.sudo import refused
from drivers.command import Command

CAPTURED = Path(__file__).parent.parent / "data/remote/sudo-1.9.13p3.txt"
SETTINGS = SshSettings("stor1", "alice", Path("known_hosts"), sudo=True)


def answered(frame: Frame, shell: list[str], profile: str = "") -> Frame:
    """Run a frame's line as the login shell of a user with this profile would."""
    process = subprocess.run([*shell, "-c", f"{profile}\n{frame.line}"], capture_output=True, check=False)
    frame.stdout.feed(process.stdout)
    frame.stderr.feed(process.stderr)
    return frame


def both(text: str = "out", exit_status: int = 0) -> Command:
    return Command(("sh", "-c", 'printf %s "$1"; printf %s "$1" >&2; exit "$2"', "sh", text, str(exit_status)))


@pytest.mark.parametrize("text", ["", "\n", "out", "out\n", "\n\nout\n\n"])
def test_outputs_come_back_byte_for_byte(text: str) -> None:
    completed = answered(Frame(both(text, 3), sudo=False), ["sh"]).completed()
    assert completed is not None
    assert (completed.exit_status, completed.stdout, completed.stderr) == (3, text, text)


@pytest.mark.parametrize("profile", ["echo hello; echo oops >&2", "printf no-newline; printf none >&2", "set -xv"])
def test_noise_of_a_profile_is_dropped(profile: str) -> None:
    completed = answered(Frame(both(), sudo=False), ["bash"], profile).completed()
    assert completed is not None
    assert (completed.stdout, completed.stderr) == ("out", "out")


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "ksh", "tcsh", "fish"])
def test_every_login_shell_passes_arguments_on_byte_for_byte(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    nasty = (
        "-n",
        "it's",
        'a "b"',
        "$(id) `id` $HOME",
        "a\n\nb\n",
        "\\\\ \\' \\n \\0041",
        "!! !x",
        "*~{a,b}[c]",
        "",
        "é🎉",
        "%s",
    )
    frame = answered(Frame(Command(("printf", "%s\\0", *nasty)), sudo=False), [shell])
    completed = frame.completed()
    assert completed is not None
    assert completed.stdout == "".join(f"{argument}\0" for argument in nasty)


def test_shell_that_shows_every_command_cannot_fake_a_mark() -> None:
    completed = answered(Frame(both(), sudo=False), ["bash", "-xv"]).completed()
    assert completed is not None
    assert (completed.stdout, completed.stderr) == ("out", "out")


def test_profile_that_exits_means_that_nothing_began() -> None:
    frame = answered(Frame(both(), sudo=False), ["sh"], "echo go away; exit 1")
    assert not frame.entered()
    assert frame.completed() is None
    assert frame.stdout.noise() == "go away"


def test_answer_without_its_end_is_no_answer() -> None:
    frame = Frame(both(), sudo=False)
    answer = subprocess.run(["sh", "-c", frame.line], capture_output=True, check=True)
    for size in range(len(answer.stdout)):
        cut = Frame(both(), sudo=False)
        cut._nonce = frame._nonce
        cut.stdout, cut.stderr = (type(cut.stdout)(frame._nonce, "begin") for _ in range(2))
        assert not cut.stdout.feed(answer.stdout[:size])
        cut.stderr.feed(answer.stderr)
        assert cut.completed() is None


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_end_mark_is_found_however_the_answer_is_cut_into_pieces(sizes: list[int]) -> None:
    output = Frame(both(), sudo=False).stdout
    answer = f"noise{output._nonce}-begin\nout\n{output._nonce}-end 12\n".encode()
    found = False
    while answer and not found:
        size = sizes[len(answer) % len(sizes)]
        found = output.feed(answer[:size])
        answer = answer[size:]
    assert found
    assert answer == b""
    assert (output.text(), output.end_status()) == ("out", 12)


def test_text_after_the_end_mark_is_dropped() -> None:
    frame = Frame(both(), sudo=False)
    answered(frame, ["sh"])
    frame.stdout.feed(b"a daemon speaks")
    completed = frame.completed()
    assert completed is not None
    assert completed.stdout == "out"


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_login_shell_gets_plain_words_only(text: str) -> None:
    line = Frame(both(text), sudo=False).line
    assert re.fullmatch(r"[\x20-\x7e]+", line)
    assert "!" not in line
    assert "''" not in line
    assert re.findall(r"\\[^0]", line) == []


def test_every_captured_refusal_of_sudo_has_a_hint_and_keeps_its_words() -> None:
    for said in CAPTURED.read_text().split("#")[1:]:
        text = said.split("\n", 1)[1]
        error = refused(SETTINGS, text)
        assert error.message.removeprefix("alice@stor1:22: ") in text.splitlines()
        assert error.hint


def test_missing_sudoers_entry_gets_the_line_that_is_missing() -> None:
    hint = refused(SETTINGS, "sudo: unable to resolve host x\nsudo: a password is required\n").hint
    assert hint is not None
    assert "echo 'alice ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/cgctl-alice) && visudo -c" in hint


def test_missing_sudo_is_not_mended_by_a_sudoers_line() -> None:
    for said in ("sh: 1: sudo: not found", "bash: line 1: sudo: command not found"):
        hint = refused(SETTINGS, said).hint
        assert hint is not None
        assert hint.startswith("install sudo")
