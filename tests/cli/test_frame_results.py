"""What a command prints, where, and how it ends."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cli.frame_run import ROOT, cgctl, environment, program


def test_show_and_list_print_the_same_objects() -> None:
    row = json.loads(cgctl("try-list", "-f", "json").stdout)[1]
    assert row == {"id": "i1", "status": "available", "name": "n1", "extra": 1}


def test_yaml_is_the_same_document_as_json() -> None:
    assert yaml.safe_load(cgctl("try-show", "1", "-f", "yaml").stdout)["created_at"] == "2026-11-05T10:00:00.000000Z"
    assert yaml.safe_load(cgctl("try-list", "-f", "yaml").stdout) == json.loads(cgctl("try-list", "-f", "json").stdout)


def test_value_is_fit_for_command_substitution() -> None:
    assert cgctl("try-show", "1", "--name", "a b", "-f", "value", "-c", "id", "-c", "name").stdout == "i1\na b\n"


def test_csv_has_the_keys_as_header() -> None:
    rows = list(csv.DictReader(cgctl("try-list", "2", "-f", "csv").stdout.splitlines()))
    assert rows[0] == {"id": "i0", "status": "available", "name": "n0"}


def test_list_is_sorted_cut_and_continued() -> None:
    done = cgctl(
        "try-list", "6", "--sort", "Name:desc,extra", "--marker", "i1", "--limit", "3", "-f", "value", "-c", "id"
    )
    assert done.stdout.split() == ["i3", "i5", "i0"]


def test_unknown_marker_is_not_found() -> None:
    done = cgctl("try-list", "--marker", "nope")
    assert done.returncode == 4
    assert done.stderr.startswith("error: marker nope: no row has this id\nhint: ")


def test_long_prints_all_columns_and_empty_list_only_a_header() -> None:
    assert (
        cgctl("try-list", "0").stdout
        == "+----+--------+------+\n| ID | Status | Name |\n" * 1 + "+----+--------+------+\n" * 2
    )
    assert "| extra |" in cgctl("try-list", "--long").stdout.splitlines()[1]
    assert cgctl("try-list", "0", "-c", "extra", "-f", "value").returncode == 0


def test_messages_go_to_stderr_and_quiet_silences_them() -> None:
    loud, quiet = cgctl("try-failure", "none"), cgctl("try-failure", "none", "--quiet")
    assert (loud.stdout, loud.stderr) == ("", "warning: stor1 is slow\nrequest has been accepted\n")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_verbose_tells_each_remote_command() -> None:
    assert "asked stor1\n" in cgctl("--verbose", "try-failure", "none").stderr
    assert "asked stor1" not in cgctl("try-failure", "none").stderr


@pytest.mark.parametrize(
    ("kind", "code", "error", "hint"),
    [
        ("missing", 4, "error: group missing: there is none", "hint: cgctl group-list"),
        ("full", 6, "error: cgctl try-failure: pool /srv/x has no room", "hint: free room"),
        ("cut", 6, "error: cgctl try-failure: stor1 closed the connection; the operation may", "hint: cgctl recover"),
        ("changed", 8, "error: cgctl try-failure: stor1 shows another key", "hint: find out why"),
    ],
)
def test_failures_have_their_exit_code_and_hint(kind: str, code: int, error: str, hint: str) -> None:
    done = cgctl("try-failure", kind, "--quiet")
    first, second = done.stderr.splitlines()
    assert done.returncode == code
    assert first.startswith(error)
    assert second.startswith(hint)


def test_interruption_is_one_line_and_130() -> None:
    done = cgctl("try-failure", "stop", "--quiet")
    first, hint = done.stderr.splitlines()
    assert (done.returncode, first) == (130, "error: cgctl: interrupted")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("kind", ["bug", "pipe"])
def test_a_bug_leaves_a_private_log_without_secrets(kind: str, tmp_path: Path) -> None:
    done = cgctl("try-failure", kind, "--quiet", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    (log,) = (tmp_path / "cgctl").iterdir()
    assert str(log) in done.stderr
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700
    text = log.read_text()
    assert "Traceback" in text
    assert "hunter2" not in text + done.stderr
    assert "chap-secret" not in text + done.stderr


def test_a_bug_is_told_even_where_no_log_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = cgctl("try-failure", "bug", XDG_STATE_HOME=str(tmp_path / "file"))
    assert done.returncode == 1
    assert "unexpected ZeroDivisionError; no log" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = cgctl("try-failure", "bug", "--debug", XDG_STATE_HOME=str(tmp_path))
    assert "Traceback (most recent call last)" in done.stderr
    assert "hunter2" not in done.stderr


def test_several_tries_all_and_tells_each() -> None:
    done = cgctl("try-delete", "g1", "missing", "g2")
    assert done.returncode == 10
    assert done.stderr.splitlines() == [
        "g1: deleted",
        "g2: deleted",
        "error: group missing: there is none",
        "hint: cgctl group-list",
        "error: try-delete: 1 of 3 failed",
        "hint: mend what is told above, then the same command for: missing",
    ]


@pytest.mark.parametrize(
    ("names", "code"),
    [(["missing"], 4), (["busy", "busy"], 9), (["busy", "missing"], 10), (["full", "cut"], 6), (["a", "b"], 0)],
)
def test_several_ends_with_the_common_code(names: list[str], code: int) -> None:
    assert cgctl("try-delete", *names).returncode == code


def test_no_one_is_asked_without_a_terminal() -> None:
    assert cgctl("try-delete", "g1", stdin="n\n").returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_leaves_ends_quietly(unbuffered: str) -> None:
    line = f"{' '.join(program('try-list', '20000', '-f', 'value'))} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(PYTHONUNBUFFERED=unbuffered),
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("i0 available n0\n141\n", "")


def test_full_disk_is_told() -> None:
    full = subprocess.run(
        ["bash", "-c", f"{' '.join(program('try-list'))} >/dev/full"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        check=False,
        timeout=60,
    )
    first, hint = full.stderr.splitlines()
    assert (full.returncode, first) == (1, "error: standard output: no space left on device")
    assert hint.startswith("hint: ")


def test_a_terminal_without_utf8_gets_escapes() -> None:
    done = cgctl("try-show", "1", "--name", "größe", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert r"gr\xf6\xdfe" in done.stdout
