"""Cinder's spellings, rewritten to click's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cgctl.cli.argv import ALIASES, NO_WORDS, YES_WORDS, Grammar, respell

GRAMMAR = Grammar(
    valued=frozenset({"--name", "--metadata", "--group-id", "-f", "--format"}),
    greedy=frozenset({"--metadata"}),
    flags={"--all-tenants": "--no-all-tenants", "--is-public": "--no-is-public"},
    others=frozenset({"--no-all-tenants", "--no-is-public", "--force"}),
)
PLAIN_WORD = st.text(alphabet="abcxyz019-_./:", min_size=1).filter(
    lambda word: not word.startswith("-") and word.casefold() not in YES_WORDS | NO_WORDS
)
TRICKY = ["--", "--metadata", "--metadata=a=1", "--all-tenants", "--all_tenants=maybe", "--is-public=no", "--name"]
TRICKY += ["--name=-x", "--display-name", "-f", "--group_id", "--force", "a=1", "b=", "1", "False", "-"]
ANY_WORD = st.one_of(st.text(max_size=8), st.sampled_from(TRICKY))


def rewritten(line: str) -> list[str]:
    return respell(line.split(), GRAMMAR)


def test_greedy_option_takes_following_pairs_only() -> None:
    assert rewritten("--metadata a=1 b=2 vol1") == ["--metadata", "a=1", "--metadata", "b=2", "vol1"]
    assert rewritten("--metadata=a=1 b=2 --force c=3") == ["--metadata=a=1", "--metadata", "b=2", "--force", "c=3"]


def test_greedy_option_without_a_pair_keeps_its_next_word() -> None:
    assert rewritten("--metadata key vol1") == ["--metadata", "key", "vol1"]


def test_pairs_after_other_words_stay() -> None:
    assert rewritten("type1 set a=1 b=2") == ["type1", "set", "a=1", "b=2"]


def test_flag_takes_a_boolean_word_and_no_other() -> None:
    assert rewritten("--all-tenants 1 x") == ["--all-tenants", "x"]
    assert rewritten("--all-tenants 0 x") == ["--no-all-tenants", "x"]
    assert rewritten("--all-tenants x") == ["--all-tenants", "x"]
    assert rewritten("--is-public=FALSE") == ["--no-is-public"]
    assert rewritten("--is-public=maybe") == ["--is-public=maybe"]


def test_flag_without_opposite_takes_no_word() -> None:
    assert rewritten("--force 1") == ["--force", "1"]


def test_old_names_are_replaced_only_where_the_new_one_is_declared() -> None:
    assert rewritten("--group_id 5 --display_name=x") == ["--group-id", "5", "--name=x"]
    assert rewritten("--display-description x") == ["--display-description", "x"]


def test_values_of_options_are_never_rewritten() -> None:
    assert rewritten("--name --all-tenants 1") == ["--name", "--all-tenants", "1"]
    assert rewritten("-f --metadata a=1 b=2") == ["-f", "--metadata", "a=1", "b=2"]
    assert rewritten("--name=-1 --name -- --all-tenants") == ["--name=-1", "--name", "--", "--all-tenants"]


@given(st.lists(ANY_WORD))
def test_words_after_a_double_dash_stay_as_they_are(words: list[str]) -> None:
    assert respell(["x", "--", *words], GRAMMAR) == ["x", "--", *words]


@given(st.lists(ANY_WORD))
def test_rewriting_is_stable_once_done(words: list[str]) -> None:
    once = respell(words, GRAMMAR)
    assert respell(once, GRAMMAR) == once


@given(st.lists(PLAIN_WORD))
def test_positional_arguments_are_kept_in_order(words: list[str]) -> None:
    assert respell(words, GRAMMAR) == words


@given(st.lists(ANY_WORD))
def test_without_declared_options_nothing_changes(words: list[str]) -> None:
    assert respell(words, Grammar()) == words


def test_no_alias_is_also_a_target() -> None:
    assert not set(ALIASES) & set(ALIASES.values())
