"""Any text, any words: kept exactly or refused, and never a crash."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cgctl.cli.table import COMMANDS
from cgctl.errors import EXIT_CODES
from tests.hostile import Station, furnished


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
