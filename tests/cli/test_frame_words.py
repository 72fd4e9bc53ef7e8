"""The words of a command line: help, options anywhere, old spellings, wrong words."""

from __future__ import annotations

import json

import pytest

from cgctl.errors import EXIT_CODES
from tests.cli.frame_run import cgctl


def shown(*words: str, **variables: str) -> dict[str, object]:
    done = cgctl(*words, "-f", "json", **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_help_lists_commands_by_section_and_exit_codes() -> None:
    done = cgctl("--help")
    assert done.returncode == 0
    assert done.stdout.index("State and configuration:") < done.stdout.index("  config-check")
    assert done.stdout.index("Trials:") < done.stdout.index("  try-list-too")
    for code, meaning in EXIT_CODES.items():
        assert f"  {code:<3}  {meaning}" in done.stdout


@pytest.mark.parametrize("words", [("try-show", "--help"), ("help", "try-show"), ("try-show", "3", "-h")])
def test_help_of_a_command_groups_its_options(words: tuple[str, ...]) -> None:
    done = cgctl(*words)
    assert done.returncode == 0
    headings = [line for line in done.stdout.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Arguments:", "Options:", "Output options:", "Common options:"]
    assert "--dry-run" in done.stdout
    assert "--yes" not in done.stdout
    assert "--sort" not in done.stdout


def test_version_is_printed() -> None:
    assert cgctl("--version").stdout == "cgctl 0.1.0\n"


def test_options_may_stand_before_and_after_positional_arguments() -> None:
    before = shown("try-show", "--name", "x", "7")
    after = shown("try-show", "7", "--name=x")
    assert before["name"] == after["name"] == "x"
    assert before["size"] == after["size"] == 7


def test_common_options_are_taken_before_and_after_the_command() -> None:
    found = shown("--config", "a", "--lock-timeout", "2.5", "try-show", "1", "--state", "b")
    assert (found["config"], found["state"], found["lock_timeout"]) == ("a", "b", 2.5)
    assert shown("--config", "a", "try-show", "1", "--config", "b")["config"] == "b"
    assert shown("try-show", "1")["lock_timeout"] == 10.0


def test_an_option_of_the_command_itself_takes_the_place_of_a_common_one() -> None:
    assert shown("--state", "sqlite:///x", "try-reset", "--state", "error") == {"own": "error", "root": "sqlite:///x"}


def test_dry_run_reaches_the_command() -> None:
    assert shown("try-show", "1", "--dry-run")["dry_run"] is True


def test_command_line_is_kept_without_passwords() -> None:
    found = shown("try-show", "1", "--state", "postgresql+psycopg://me:hunter2@db/x")
    words = found["command_line"]
    assert words == ["try-show", "1", "--state", "postgresql+psycopg://me:***@db/x", "-f", "json"]


def test_greedy_metadata_leaves_positional_arguments() -> None:
    found = shown("try-show", "--metadata", "a=1", "b=2=3", "5", "--name", "n")
    assert (found["metadata"], found["size"], found["name"]) == ({"a": "1", "b": "2=3"}, 5, "n")


def test_old_spellings_of_option_names() -> None:
    assert shown("try-show", "1", "--display-name", "x")["name"] == "x"
    assert shown("try-show", "1", "--display_name=x")["name"] == "x"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--list-volume"], True),
        (["--list-volume", "True"], True),
        (["--list-volume", "0"], False),
        (["--list-volume=false"], False),
        (["--list_volume=1"], True),
        (["--no-list-volume"], False),
    ],
)
def test_flags_take_a_boolean_word(words: list[str], expected: bool) -> None:
    assert shown("try-show", *words, "4")["list_volume"] is expected


def test_all_tenants_is_accepted_and_hidden() -> None:
    assert cgctl("try-list", "--all-tenants", "1").returncode == 0
    assert cgctl("try-list", "--all-tenants").returncode == 0
    assert "tenants" not in cgctl("try-list", "--help").stdout


def test_filters_reach_the_command() -> None:
    rows = json.loads(cgctl("try-list", "--filters", "status=x", "name=y", "-f", "json").stdout)
    assert {(row["status"], row["name"]) for row in rows} == {("x", "y")}


WRONG = [
    (["try-shwo"], "error: try-shwo: no such command", "hint: did you mean: try-show"),
    (["zzzzz"], "error: zzzzz: no such command", "hint: all commands: cgctl --help"),
    (["\x1b[31m"], r"error: \x1b[31m: no such command", "hint: all commands: cgctl --help"),
    ([], "error: cgctl: missing command", "hint: cgctl --help"),
    (["--wrong", "try-show"], "error: cgctl: no such option: --wrong", "hint: cgctl --help"),
    (["try-show"], "error: cgctl try-show: missing argument 'size'", "hint: cgctl try-show --help"),
    (["try-show", "1", "2"], "error: cgctl try-show: got unexpected extra argument", "hint: cgctl try-show --help"),
    (["try-show", "x"], "error: cgctl try-show: invalid value for 'size'", "hint: cgctl try-show --help"),
    (["try-show", "1", "-f", "xml"], "error: cgctl try-show: invalid value for '-f'", "hint: cgctl try-show --help"),
    (["try-show", "1", "--lock-timeout", "-1"], "error: cgctl try-show: invalid value", "hint: cgctl try-show --help"),
    (["try-show", "1", "--metadata", "a"], "error: a: is not a key=value pair", "hint: write key=value"),
    (["try-show", "1", "-c", "nmae"], "error: column 'nmae': there is none", "hint: columns: id, size, name"),
    (["try-list", "--sort", "name:down"], "error: --sort name:down: unknown direction 'down'", "hint: COLUMN"),
    (["try-list", "--limit", "-1"], "error: cgctl try-list: invalid value", "hint: cgctl try-list --help"),
]


@pytest.mark.parametrize(("words", "error", "hint"), WRONG, ids=[" ".join(w[0]).replace("\x1b", "ESC") for w in WRONG])
def test_wrong_words_are_usage_errors_with_a_hint(words: list[str], error: str, hint: str) -> None:
    done = cgctl(*words)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(error)
    assert second.startswith(hint)
