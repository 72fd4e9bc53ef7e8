"""Streams, locales, terminals and configurations that are not as they should be."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import ROOT, Answer, Station, furnished, unchanged


@pytest.fixture
def place(tmp_path: Path) -> Station:
    return furnished(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """For what changes nothing."""
    return furnished(tmp_path_factory.mktemp("shared"))


def shell(place: Station, line: str, **variables: str) -> Answer:
    """A line of bash in which $cgctl stands for the program."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=60, stdin=subprocess.DEVNULL,
        env=place.environment(cgctl=shlex.join([sys.executable, "-m", "cgctl"]), **variables),
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def test_reader_that_stops_early_is_no_error(shared: Station) -> None:
    answer = shell(shared, "$cgctl list | head -1")
    assert answer.code in {0, 141}
    assert (answer.out[:1], answer.err) == ("+", "")


@pytest.mark.parametrize("line", ["$cgctl list >&-", "$cgctl list 2>&-", "$cgctl list <&-"])
def test_closed_stream_is_no_error(shared: Station, line: str) -> None:
    answer = shell(shared, line)
    assert (answer.code, answer.err) == (0, "")


def test_full_output_is_told_and_what_was_done_is_done(place: Station) -> None:
    answer = shell(place, "$cgctl create --name kept 8M >/dev/full")
    assert answer.code == 1
    assert answer.err.startswith("error: standard output: no space left on device\nhint: ")
    assert place.run("show", "kept").code == 0


def test_home_need_not_be_set(shared: Station) -> None:
    answer = shell(shared, "unset HOME XDG_STATE_HOME XDG_CONFIG_HOME; $cgctl list -f value -c name")
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LANG": "C", "LC_ALL": ""}])
def test_emoji_pass_through_the_c_locale(place: Station, locale: dict[str, str]) -> None:
    answer = shell(place, "$cgctl create --name '😀 é' 8M -f json && $cgctl list && $cgctl show nope😀", **locale)
    assert answer.code == 4
    assert place.run("list", "--name", "😀 é", "-f", "json").json()[0]["name"] == "😀 é"


def test_locale_without_emoji_is_an_error_or_an_escape(place: Station) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with unchanged(place):
        shell(place, "$cgctl type-create '😀'", **ascii_only).error(2, "UTF-8")
    assert place.run("type-create", "😀").code == 0
    assert "\\U0001f600" in shell(place, "$cgctl type-list", **ascii_only).out


def test_narrow_terminal_cuts_nothing(place: Station) -> None:
    assert place.run("create", "--name", "n" * 100, "8M").code == 0
    assert "n" * 100 in shell(place, "$cgctl list", COLUMNS="40").out
    assert shell(place, "$cgctl list", COLUMNS="40").out == shell(place, "$cgctl list").out


CONFIGURATIONS = {
    "empty": (b"", "is empty"),
    "not yaml": (b"{", "line 1"),
    "unknown key": (b"backends: {a: {driver: file, pool: /srv/x, pol: 1}}", "pol: unknown key; did you mean pool?"),
    "unknown driver": (b"backends: {a: {driver: nfs, pool: /srv/x}}", "backends.a.driver"),
    "no backends": (b"backends: {}", "backends"),
    "not utf-8": (b"\xff", "not UTF-8"),
    "nul": (b"\0", "config.yaml"),
    "a list": (b"[]", "must be keys with values"),
    "relative pool": (b"backends: {a: {driver: file, pool: x}}", "backends.a.pool"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_bad_configuration_is_told_by_file_and_place(shared: Station, tmp_path: Path, name: str) -> None:
    text, told = CONFIGURATIONS[name]
    bad = tmp_path / "config.yaml"
    bad.write_bytes(text)
    with unchanged(shared, shared.directory / "a"):
        for line in (
            "create 8M",
            "group-snapshot-create g",
            "extend v 9M",
            "backend-list",
            "config-check",
            "get-pools",
        ):
            shared.run(*line.split(), "--config", str(bad)).error(3, str(bad), told)


@pytest.mark.parametrize("kind", ["missing", "directory", "unset"])
def test_configuration_that_is_not_there_is_told(shared: Station, tmp_path: Path, kind: str) -> None:
    where = {"missing": str(tmp_path / "no"), "directory": str(tmp_path), "unset": ""}[kind]
    changes = {"CGCTL_CONFIG": where, "XDG_CONFIG_HOME": str(tmp_path / "none")}
    with unchanged(shared, shared.directory / "a"):
        for line in ("create 8M", "extend v 9M", "backend-list", "config-check"):
            answer = shared.run(*line.split(), **changes)
            if kind != "unset" or not Path("/etc/cgctl/config.yaml").exists():
                answer.error(3, "config.example.yaml")


def test_backend_that_left_the_configuration_is_missed_by_name(place: Station) -> None:
    assert place.run("group-create", "--name", "h", "gt", "t").code == 0
    assert place.run("create", "--name", "w", "8M").code == 0
    place.backends = {"b": {"driver": "file", "pool": str(place.directory / "b")}}
    (place.directory / "b").mkdir()
    place.write_config()
    assert place.run("list").code == place.run("group-show", "g").code == place.run("snapshot-list").code == 0
    with unchanged(place, place.directory / "a", place.directory / "b"):
        for line in (
            "delete w", "group-delete h", "group-snapshot-delete gs", "snapshot-delete s", "extend v 9M",
            "group-snapshot-create g", "snapshot-create v", "group-update h --add-volumes v", "create --source-volid v",
            "group-update g --remove-volumes m", "group-create-from-src --group-snapshot gs", "create --snapshot-id s",
            "group-create-from-src --source-group g", "attachment-create v --initiator iqn.2001-01.a:b",
            "create 8M --group-id g --volume-type t",
        ):  # fmt: skip
            for more in ([], ["--dry-run"]):
                place.run(*line.split(), *more).error(3, "backend a", "not configured")
