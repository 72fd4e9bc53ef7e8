"""What an operator, a script or an enemy may type: one clear answer, and nothing changed where it is refused."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cgctl.cli.table import COMMANDS
from cgctl.errors import EXIT_CODES
from tests.hostile import ROOT, Answer, Station, ended, furnished, unchanged

INJECTION = "'; touch ran; $(touch ran) `touch ran` \" | & > x"
GOOD_NAMES = {
    "quote": "a'b",
    "double quote": 'a"b',
    "shell": INJECTION,
    "dash": "-rf",
    "option": "--help",
    "255": "x" * 255,
    "255 emoji": "😀" * 255,
    "rtl": "a\u202eb\u200f",
    "wildcards": "%_*?[a]",
    "sql": "x' OR '1'='1",
    "spaces around": " a ",
    "combining": "e\u0301 é",
    "yaml": "yes: {no}, # null",
    "csv": 'a,"b"',
    "markup": "[red]x[/red]",
    "zero width": "a\u200bb",
    "dots": "../../etc/passwd",
    "a number": "0",
}
BAD_NAMES = {
    "newline": "a\nb",
    "256": "x" * 256,
    "escape": "\x1b[31mred",
    "bell": "a\x07",
    "c1": "a\x9b31m",
    "nul": "a\0b",
    "line separator": "a\u2028b",
    "no utf-8": os.fsdecode(b"a\xffb"),
}
BLANK = {"empty": "", "blanks": "  ", "no-break space": "\u00a0"}


@pytest.fixture
def place(tmp_path: Path) -> Station:
    return furnished(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Station:
    """For what changes nothing, and for what does not care what else is there."""
    return furnished(tmp_path_factory.mktemp("shared"))


NAMING = {
    "group": (("group-create", "gt", "t", "--name={}"), "group-show", "name"),
    "consistency group": (("consisgroup-create", "t", "--name={}"), "consisgroup-show", "name"),
    "volume": (("create", "8M", "--name={}"), "show", "name"),
    "snapshot": (("snapshot-create", "v", "--name={}"), "snapshot-show", "name"),
    "group snapshot": (("group-snapshot-create", "g", "--name={}"), "group-snapshot-show", "name"),
    "type": (("type-create", "--", "{}"), "type-show", "name"),
    "group type": (("group-type-create", "--", "{}"), "group-type-show", "name"),
    "description of a group": (("group-create", "gt", "t", "--description={}"), "group-show", "description"),
    "description of a volume": (("create", "8M", "--description={}"), "show", "description"),
}
METADATA = {
    "volume": (("create", "8M", "--metadata", "k={}"), "show"),
    "hook": (("group-create", "gt", "t", "--metadata", "quiesce_pre={}"), "group-show"),
}


def put(words: tuple[str, ...], text: str) -> list[str]:
    return [word.replace("{}", text) for word in words]


def made(answer: Answer) -> str:
    return str(answer.json()["id"])


# Names


def keeps(place: Station, words: tuple[str, ...], show: str, text: str) -> Answer:
    """Make something with this text; its JSON, after a look that no form of it harms a terminal."""
    one = made(place.run(words[0], "-f", "json", *put(words[1:], text)))
    for form in ("table", "value"):
        shown = place.run(show, one, "-f", form)
        shown.check_form()
        assert shown.out.isprintable() or not set(shown.out) & {"\u202e", "\u200f", "\u200b", "\x1b"}
    return place.run(show, one, "-f", "json")


@pytest.mark.parametrize("text", GOOD_NAMES.values(), ids=GOOD_NAMES)
def test_odd_name_is_kept_exactly_and_shown_harmlessly(shared: Station, text: str) -> None:
    for what in ("type", "group"):
        words, show, key = NAMING[what]
        assert keeps(shared, words, show, text).json()[key] == text
        row = next(row for row in shared.run(LISTS[what], "-f", "json").json() if row["name"] == text)
        assert row[key] == text
        shared.run(LISTS[what]).check_form()


LISTS = {"type": "type-list", "group": "group-list"}


@pytest.mark.parametrize("what", NAMING)
def test_every_name_and_description_takes_what_a_shell_would_run(shared: Station, what: str) -> None:
    words, show, key = NAMING[what]
    for text in (INJECTION + what, "😀\u202e-" + what):
        assert keeps(shared, words, show, text).json()[key] == text
    assert not (ROOT / "ran").exists()
    assert not list(shared.directory.rglob("ran"))


@pytest.mark.parametrize("what", METADATA)
def test_odd_metadata_is_kept_exactly(shared: Station, what: str) -> None:
    words, show = METADATA[what]
    for text in (INJECTION, "", "a=b=c", "x" * 255):
        assert list(keeps(shared, words, show, text).json()["metadata"].values()) == [text]


@pytest.mark.parametrize("what", [*NAMING, *METADATA])
def test_text_that_breaks_lines_or_terminals_is_refused(shared: Station, what: str) -> None:
    words = (NAMING.get(what) or METADATA[what])[0]
    with unchanged(shared, shared.directory / "a"):
        for text in BAD_NAMES.values():
            shared.run(*put(words, text)).error(2)


@pytest.mark.parametrize("what", [what for what in NAMING if NAMING[what][2] == "name"])
def test_blank_name_is_refused(shared: Station, what: str) -> None:
    words = NAMING[what][0]
    with unchanged(shared, shared.directory / "a"):
        for text in BLANK.values():
            shared.run(*put(words, text)).error(2, "is blank")


@pytest.mark.parametrize("words", [["rename", "v"], ["group-update", "g", "--name"], ["type-update", "t", "--name"]])
def test_change_to_a_bad_name_is_refused(shared: Station, words: list[str]) -> None:
    with unchanged(shared):
        for text in (*BAD_NAMES.values(), *BLANK.values()):
            shared.run(*words, text).error(2)


def test_metadata_that_is_no_pair_is_refused(shared: Station) -> None:
    with unchanged(shared):
        for pair in ("a", "=b", "a\nb=c", f"{'k' * 256}=v", "k=" + "v" * 256):
            shared.run("create", "8M", "--metadata", pair).error(2)
        shared.run("group-create", "gt", "t", "--metadata", "quiesce_timeout=soon").error(2, "quiesce_timeout")
        shared.run("group-create", "gt", "t", "--metadata", "quiesce_prae=x").error(2, "quiesce_prae")


# References

REFERRING = (
    "group-show {}", "show {}", "snapshot-show {}", "group-snapshot-show {}", "type-show {}", "group-type-show {}",
    "attachment-show {}", "group-delete {}", "delete {}", "snapshot-delete {}", "group-snapshot-delete {}",
    "type-delete {}", "group-type-delete {}", "attachment-delete {}", "group-update {} --name x",
    "group-update g --add-volumes {}", "group-update g --remove-volumes {}", "rename {} x", "extend {} 9M",
    "snapshot-create {}", "group-snapshot-create {}", "cgsnapshot-create {}", "consisgroup-show {}",
    "group-create gt {}", "group-create {} t", "create 8M --volume-type {}", "create 8M --group-id {}",
    "create --snapshot-id {}", "create --source-volid {}", "group-create-from-src --source-group {}",
    "group-create-from-src --group-snapshot {}", "attachment-create {} --ip 192.0.2.1", "type-key {} set a=b",
    "group-type-key {} unset a", "type-update {} --description x", "list --group-id {}", "snapshot-list --volume-id {}",
    "group-snapshot-list --group-id {}", "attachment-list --volume-id {}", "backend-show {}", "get-capabilities {}",
)  # fmt: skip


@pytest.mark.parametrize("line", REFERRING)
def test_reference_to_nothing_is_an_error_and_nothing_more(shared: Station, line: str) -> None:
    words = line.split()
    at = words.index("{}")
    after_option = at > 0 and words[at - 1].startswith("--")
    with unchanged(shared, shared.directory / "a"):
        for text in ("nope", "'; rm -rf /", "%", "_", "00000000", "\x1b[31m", "--" if after_option else "a\u202eb"):
            answer = shared.run(*put(tuple(words), text))
            answer.error(3 if words[0] in {"backend-show", "get-capabilities"} else 4)
        shared.run(*put(tuple(words), os.fsdecode(b"\xff"))).error(2, "is not UTF-8")


NOT_ASKED = ("list ", "snapshot-list ", "group-snapshot-list ", "attachment-list ")


@pytest.mark.parametrize("line", [line for line in REFERRING if not line.startswith(NOT_ASKED)])
def test_unset_variable_finds_nothing(shared: Station, line: str) -> None:
    with unchanged(shared, shared.directory / "a"):
        answer = shared.run(*(word.replace("{}", "") for word in line.split()))
        assert answer.code in {2, 3, 4}
        answer.error(answer.code)


def test_beginning_of_an_id_is_a_reference_from_eight_characters_on(shared: Station) -> None:
    whole = str(shared.run("show", "v", "-f", "json").json()["id"])
    assert shared.run("show", whole[:8], "-f", "json").json()["id"] == whole
    for text in (whole[:7], whole[:7] + "%", whole[:7] + "_", whole.upper(), whole + "0"):
        shared.run("show", text).error(4, "does not exist")


def test_name_used_twice_is_ambiguous_and_the_candidates_are_told(place: Station) -> None:
    ids = [
        made(place.run("group-create", "--name", "g", "gt", "t", "-f", "json")),
        place.run("group-list", "-f", "json").json()[0]["id"],
    ]
    with unchanged(place, place.directory / "a"):
        for line in (
            "group-show g",
            "group-delete g",
            "group-snapshot-create g",
            "create 8M --group-id g --volume-type t",
        ):
            place.run(*line.split()).error(4, "group g: several groups answer", *ids)
    assert place.run("group-delete", ids[0]).code == 0
    assert place.run("group-show", "g").code == 0


def test_name_of_a_type_is_its_own(shared: Station) -> None:
    with unchanged(shared):
        shared.run("type-create", "t").error(5, "volume type t: exists already")
        shared.run("group-type-create", "gt").error(5, "group type gt: exists already")


def test_id_of_one_object_as_the_name_of_another_misleads_nobody(place: Station) -> None:
    one = str(place.run("show", "v", "-f", "json").json()["id"])
    other = made(place.run("create", "8M", "--name", one, "-f", "json"))
    assert place.run("show", one, "-f", "json").json()["id"] == one
    assert place.run("delete", other).code == 0


def test_wildcards_of_sql_are_letters_in_filters(shared: Station) -> None:
    for text in ("%", "_", "%v%", "' OR 1=1 --"):
        assert shared.run("list", "--name", text, "-f", "json").json() == []
        assert shared.run("list", "--filters", f"name={text}", "-f", "json").json() == []
        assert shared.run("list", "--filters", f"name~={text}", "-f", "json").json() == []


# Sizes, specs, words


@pytest.mark.parametrize(
    "size",
    [
        "0",
        "-1",
        "1.5",
        "1e9",
        "10X",
        "99999999999T",
        "",
        " ",
        "١",
        "1_0",
        "0x10",
        "NaN",
        "inf",
        "1 0",
        "0M",
        "M",
        "1PB",
    ],
)
def test_bad_size_is_refused(shared: Station, size: str) -> None:
    with unchanged(shared, shared.directory / "a"):
        shared.run("create", "--", size).error(2, "size", "512M")
        shared.run("extend", "--", "v", size).error(2, "size", "512M")


def test_size_beside_its_source_or_itself_is_refused(shared: Station) -> None:
    with unchanged(shared, shared.directory / "a"):
        shared.run("extend", "v", "8M").error(5, "volume v")
        shared.run("extend", "v", "1M").error(5, "volume v")
        shared.run("create", "1M", "--snapshot-id", "s").error(5, "smaller than its source")
        shared.run("create", "1M", "--source-volid", "v").error(5, "smaller than its source")


def test_spec_keys_have_a_narrow_alphabet(shared: Station) -> None:
    with unchanged(shared):
        for key in ("a;b", "a\nb", "é", "k\n", "$(x)", "x" * 256, "\x1b"):
            shared.run("type-key", "t", "set", f"{key}=1").error(2)
            shared.run("group-type-key", "gt", "set", f"{key}=1").error(2)
        shared.run("group-type-key", "gt", "set", "a b=1").error(2)
        shared.run("type-key", "t", "set", "nopair").error(2)
        shared.run("group-type-key", "gt", "unset", "nope").error(5, "has no spec nope")


WRONG_LISTINGS = {
    "--limit -1": (2, "--limit"), "--limit x": (2, "--limit"), "--limit 1.5": (2, "--limit"),
    "--marker nonsense": (4, "marker nonsense"), "--sort nonsense": (2, "nonsense"), "--sort name:up": (2, "'up'"),
    "-c nonsense": (2, "nonsense"), "-f nonsense": (2, "'nonsense' is not one of"), "-f": (2, "-f"),
    "--filters nonsense=1": (2, "filter nonsense"), "--filters nonsense": (2, "key=value"), "extra": (2, "extra"),
    "--lock-timeout nan": (2, "--lock-timeout"), "--lock-timeout -1": (2, "--lock-timeout"),
    "--state nonsense": (3, "nonsense"), "--state mysql://x/y": (3, "mysql"),
    "--state sqlite:////proc/no/y.db": (3, "/proc/no/y.db"),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG_LISTINGS)
def test_wrong_words_of_a_listing(shared: Station, words: str) -> None:
    code, told = WRONG_LISTINGS[words]
    for command in ("list", "group-list"):
        answer = shared.run(command, *words.split())
        answer.error(code, told)
        assert "Value error" not in answer.err
        assert "Input should" not in answer.err


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "demo"])
def test_command_without_its_arguments_says_which_is_missing(shared: Station, command: str) -> None:
    with unchanged(shared, shared.directory / "a"):
        answer = shared.run(command)
        answer.check_form()
        assert answer.code in {0, 2, 3, 4}
        if answer.code:
            answer.error(answer.code)


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("group-lsit", "group-list"), ("grop-create", "group-create"), ("snapshot-crate", "snapshot-create"),
        ("list --nmae x", "--name"), ("group-show --list-volumes g", "--list-volume"),
        ("create 1 --volume-typ t", "--volume-type"),
    ],
)  # fmt: skip
def test_misspelt_word_is_answered_with_the_closest(shared: Station, line: str, near: str) -> None:
    assert near in shared.run(*line.split()).error(2).partition("hint: ")[2]


def test_reference_that_looks_like_an_option_is_told_how_to_be_written(shared: Station) -> None:
    assert "--" in shared.run("group-show", "-x").error(2).partition("hint: ")[2]
    shared.run("group-show", "--", "-x").error(4, "group -x")


def test_history_takes_no_number_that_the_database_cannot(shared: Station) -> None:
    shared.run("history", "--newest", "9" * 30).error(2, "--newest")


# Where answers go, and whence settings come


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


# Two at once, interruptions, and clocks


@dataclass
class Slowed:
    """`sync` of the servers' scripts waits while the flag is there: the script stands in the middle of its work."""

    directory: Path

    def __post_init__(self) -> None:
        program = self.directory / "bin/sync"
        program.parent.mkdir()
        program.write_text(SLOW_SYNC)
        program.chmod(0o755)

    @property
    def path(self) -> str:
        return f"{self.directory / 'bin'}:{os.environ['PATH']}"

    def hold(self) -> None:
        (self.directory / "hold").touch()

    def release(self) -> None:
        (self.directory / "hold").unlink(missing_ok=True)

    def wait(self) -> None:
        """Until a script stands."""
        give_up_at = time.monotonic() + 30
        while not (self.directory / "stands").exists():
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        (self.directory / "stands").unlink()


SLOW_SYNC = """#!/bin/sh
here=${0%/*}/..
if [ -e "$here/hold" ]; then
    : >"$here/stands"
    while [ -e "$here/hold" ]; do sleep 0.05; done
fi
exec /usr/bin/env -i PATH=/usr/bin:/bin sync "$@"
"""


@pytest.fixture
def slowed(place: Station, tmp_path: Path) -> Iterator[Slowed]:
    slow = Slowed(tmp_path)
    place.variables["PATH"] = slow.path
    yield slow
    slow.release()


INTERRUPTED = {
    "create --name new 8M": "list",
    "create --name new --group-id g --volume-type t 8M": "list",
    "create --name new --source-volid v": "list",
    "create --name new --snapshot-id s": "list",
    "group-create --name new gt t": "group-list",
    "group-create-from-src --name new --group-snapshot gs": "group-list",
    "group-create-from-src --name new --source-group g": "group-list",
    "snapshot-create --name new v": "snapshot-list",
    "group-snapshot-create --name new g": "group-snapshot-list",
    "extend w 9M": "",
    "delete w": "",
    "group-update g --add-volumes w": "",
    "snapshot-delete s": "",
    "group-snapshot-delete gs": "",
}


@pytest.mark.parametrize("line", INTERRUPTED)
def test_ctrl_c_in_the_middle_is_settled_by_recover(place: Station, slowed: Slowed, line: str) -> None:
    assert place.run("create", "--name", "w", "8M").code == 0
    slowed.hold()
    running = place.start(*line.split())
    slowed.wait()
    running.send_signal(signal.SIGINT)
    answer = ended(running)
    slowed.release()
    answer.error(130, "interrupted", "cgctl recover")
    assert place.run("recover").code == 0
    listing = INTERRUPTED[line]
    if listing:
        assert "new" not in [row["name"] for row in place.run(listing, "-f", "json").json()]
    assert_settled(place)


def assert_settled(place: Station) -> None:
    """Nothing is in between, nothing is half-made, and state and pool hold the same volumes."""
    assert place.run("recover", "-f", "json").json() == []
    volumes = place.run("list", "-f", "json").json()
    others = [row for name in ("group-list", "snapshot-list") for row in place.run(name, "-f", "json").json()]
    assert {row["status"] for row in [*volumes, *others]} <= {"available"}
    for row in volumes:
        (disk,) = (place.directory / "a/live").glob(f"*/cgctl-{row['id']}/disk")
        assert disk.stat().st_size == row["size"] * 2**30 or abs(disk.stat().st_size - row["size"] * 2**30) < 1024
    assert len(list((place.directory / "a/live").glob("*/*/disk"))) == len(volumes)
    checks = place.run("backend-check", "-f", "json")
    assert checks.code == 0, checks.out


def test_next_command_settles_what_ctrl_c_left(place: Station, slowed: Slowed) -> None:
    slowed.hold()
    running = place.start("group-snapshot-create", "--name", "new", "g")
    slowed.wait()
    running.send_signal(signal.SIGINT)
    ended(running).error(130)
    slowed.release()
    answer = place.run("group-snapshot-create", "--name", "again", "g")
    assert answer.code == 0
    assert "interrupted and is settled" in answer.err
    assert_settled(place)


def test_second_terminal_is_told_who_holds_the_group(place: Station, slowed: Slowed) -> None:
    slowed.hold()
    first = place.start("group-snapshot-create", "--name", "first", "g")
    slowed.wait()
    with unchanged(place):
        for line in ("group-snapshot-create g", "group-update g --name x", "create 8M --group-id g --volume-type t"):
            second = place.run(*line.split(), "--lock-timeout", "0")
            second.error(9, "group", "group-snapshot-create --name first g", f"pid {first.pid}", "--lock-timeout")
    slowed.release()
    assert ended(first).code == 0


def test_terminals_that_wait_for_each_other_all_succeed(place: Station) -> None:
    running = [place.start("group-snapshot-create", "--name", f"at-{number}", "g") for number in range(4)]
    running += [
        place.start("create", "--name", f"v-{number}", "--group-id", "g", "--volume-type", "t", "8M")
        for number in range(2)
    ]
    for answer in map(ended, running):
        assert answer.code == 0, answer.err
    assert_settled(place)


def test_clock_that_goes_back_between_operations_changes_no_answer(place: Station) -> None:
    for days in (0, -30, 20_000, -1):
        clock = mock.Mock(wraps=datetime)
        clock.now.side_effect = lambda zone, days=days: datetime.now(zone) + timedelta(days=days)
        with (
            mock.patch("cgctl.model.tables.datetime", clock),
            mock.patch("drivers.backends.directory_pool.driver.datetime", clock),
        ):
            assert place.run("create", "--name", f"v{days}", "--group-id", "g", "--volume-type", "t", "8M").code == 0
            one = made(place.run("group-snapshot-create", "g", "-f", "json"))
            assert place.run("group-create-from-src", "--group-snapshot", one).code == 0
            assert place.run("group-snapshot-delete", one).code == 0
            assert place.run("history").code == 0
    assert_settled(place)


# Anything


def quick(examples: int) -> settings:
    """The same examples in every run."""
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


ARGUMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


@quick(100)
@given(name=ARGUMENT.filter(lambda name: name not in {"t"}), description=ARGUMENT)
@example("\ufeff", "\U000e0001").via("invisible")
def test_any_text_comes_back_exactly_or_is_refused(anything: Station, name: str, description: str) -> None:
    answer = anything.run("type-create", "-f", "json", "--description", description, "--", name)
    answer.check_form()
    if answer.code == 0:
        for shown in (answer.json(), anything.run("type-show", "-f", "json", answer.json()["id"]).json()):
            assert (shown["name"], shown["description"]) == (name, description)
        assert anything.run("type-delete", answer.json()["id"]).code == 0
    else:
        answer.error(2)


@quick(25)
@given(name=ARGUMENT, key=ARGUMENT.filter(lambda key: "=" not in key), value=ARGUMENT)
def test_any_metadata_come_back_exactly_or_are_refused(anything: Station, name: str, key: str, value: str) -> None:
    answer = anything.run("create", "8M", "-f", "json", "--name", name, "--metadata", f"{key}={value}")
    answer.check_form()
    if answer.code == 0:
        shown = anything.run("show", answer.json()["id"], "-f", "json").json()
        assert (shown["name"], shown["metadata"]) == (name, {key: value})
        assert anything.run("delete", answer.json()["id"]).code == 0
    else:
        answer.error(2)


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Station:
    return furnished(tmp_path_factory.mktemp("anything"))


WORDS = st.one_of(
    st.sampled_from([name for name in COMMANDS if name not in {"demo", "config-check"}]),
    st.sampled_from(["g", "m", "v", "s", "gs", "t", "gt", "a", "8M", "0", "-1", "", "--", "-", "set", "unset", "a=b"]),
    st.sampled_from([
        "--name", "--name=", "-f", "json", "-fjson", "-c", "id", "--sort", "name:desc", "--limit", "1", "--marker",
        "--long", "--dry-run", "--yes", "--quiet", "--verbose", "--metadata", "--filters", "--group-id",
        "--volume-type", "--snapshot-id", "--source-volid", "--description", "--add-volumes", "--remove-volumes",
        "--delete-volumes",
        "--source-group", "--group-snapshot", "--lock-timeout", "--is-public", "--ip", "--initiator", "--help", "-h",
        "--version", "--newest", "--status", "--repair", "--all-tenants", "--hint",
        "--availability-zone", "--list-volume",
    ]),
    st.text(max_size=12),
)  # fmt: skip


@quick(300)
@given(command=st.sampled_from([name for name in COMMANDS if name != "demo"]), words=st.lists(WORDS, max_size=7))
def test_no_words_whatever_make_cgctl_fail(anything: Station, command: str, words: list[str]) -> None:
    answer = anything.run(command, *words, "--lock-timeout", "0")
    answer.check_form()


@quick(100)
@given(words=st.lists(WORDS, max_size=4))
def test_no_words_before_the_command_make_cgctl_fail(anything: Station, words: list[str]) -> None:
    anything.run(*words).check_form()


def test_exit_codes_of_the_table_are_all_there_are() -> None:
    assert set(EXIT_CODES) == {*range(11), 130}
