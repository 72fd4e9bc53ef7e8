"""What an operator, a script or an enemy may type: one clear answer, and nothing changed where it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cgctl.cli.table import COMMANDS
from tests.hostile import ROOT, Answer, Station, furnished, unchanged

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
    "force-delete {}", "retype {} t", "migrate {} a", "unmanage {}", "metadata {} set a=b",
    "metadata-show {}", "revert-to-snapshot {}", "snapshot-unmanage {}", "snapshot-metadata-show {}",
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
