"""What people may write: names, pairs, lists and sizes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.errors import UsageError
from cgctl.model.names import (
    GIB,
    candidates_hint,
    checked_spec_keys,
    checked_text,
    looks_like_prefix,
    parse_pairs,
    parse_size,
    required_name,
    size_gib,
    split_list,
)

BREAKS_LINES = {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(max_size=300))
def test_a_text_is_kept_to_the_letter_or_refused_for_a_reason(text: str) -> None:
    fits = len(text) <= 255 and not {unicodedata.category(character) for character in text} & BREAKS_LINES
    if fits:
        assert checked_text("name", text) == text
    else:
        with pytest.raises(UsageError) as refused:
            checked_text("name", text)
        assert refused.value.reason.isprintable()
        assert refused.value.hint


def test_255_characters_fit_and_256_do_not() -> None:
    assert checked_text("name", "🦀" * 255) == "🦀" * 255
    with pytest.raises(UsageError, match="256"):
        checked_text("name", "🦀" * 256)


@pytest.mark.parametrize("blank", ["", " ", "\u00a0"])
def test_a_required_name_is_not_blank(blank: str) -> None:
    with pytest.raises(UsageError):
        required_name("name", blank)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("10", 10 * GIB), ("512M", GIB // 2), ("512MiB", GIB // 2), ("10G", 10 * GIB), ("2t", 2048 * GIB), (" 1 ", GIB)],
)
def test_a_size_is_gib_or_has_a_unit(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "0", "0M", "-1", "1.5", "1K", "1 G B", "G", "1e3", "0x10", "1048577T", "9" * 13, "1\n2", "inf", "nan"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        size_bytes = parse_size(text)
    except UsageError:
        size_bytes = 1
    assert 0 < size_bytes <= 2**60


@given(st.integers(1, 2**20))
def test_whole_gib_are_shown_as_they_were_written(gib: int) -> None:
    assert size_gib(parse_size(str(gib))) == gib


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.from_regex(r"[ -~]{0,20}", fullmatch=True)))
def test_pairs_come_back_as_they_were_written(pairs: dict[str, str]) -> None:
    assert parse_pairs("metadata", [f"{key}={value}" for key, value in pairs.items()]) == pairs


@pytest.mark.parametrize("word", ["a", "=a", "", "a\n=b", "a=b\n", f"a={'b' * 256}", f"{'a' * 256}=b"])
def test_what_is_no_pair_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        parse_pairs("metadata", [word])


@pytest.mark.parametrize("key", ["a b", "a/b"])
def test_extra_specs_allow_a_little_more_than_group_specs(key: str) -> None:
    checked_spec_keys("type gold", [key], group=False)
    with pytest.raises(UsageError):
        checked_spec_keys("group type gold", [key], group=True)


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("key", ["", "a\n", "a;b", "ä", "a" * 256, "$(a)"])
def test_other_spec_keys_are_refused(key: str, group: bool) -> None:
    with pytest.raises(UsageError):
        checked_spec_keys("type gold", [key], group=group)


def test_a_list_keeps_its_order_and_names_what_is_there_twice() -> None:
    assert split_list("types", " b, a ,,c") == ["b", "a", "c"]
    with pytest.raises(UsageError, match="a is named twice"):
        split_list("types", "a,b,a")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0123abcd", True),
        ("0123-abc", True),
        ("0123abc", False),
        ("0123ABCD", False),
        ("0123abcg", False),
        ("%" * 8, False),
    ],
)
def test_the_beginning_of_an_id_has_eight_characters_of_its_alphabet(text: str, wanted: bool) -> None:
    assert looks_like_prefix(text) is wanted


def test_many_candidates_are_counted() -> None:
    hint = candidates_hint([(f"id-{number}", None) for number in range(7)])
    assert "id-4" in hint
    assert "id-5" not in hint
    assert hint.endswith("and 2 more")
