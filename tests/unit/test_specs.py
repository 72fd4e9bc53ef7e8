"""Specs against capabilities: every operator of Cinder with its oddities (reference, C.4 and C.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgctl.model.specs import capability, is_true, matches, parse_bool, unmet

TABLE: list[tuple[object, str | None, bool]] = [
    # `=` means at least
    (5, "= 4", True), (4, "= 4", True), (3, "= 4", False), ("x", "= 4", False), (5, "= x", False),
    # numbers
    (2, "== 2", True), (2.0, "== 2", True), (2, "== 3", False), ("x", "== 2", False), ("2", "== 2.0", True),
    (2, "!= 3", True), (2, "!= 2", False), ("x", "!= 2", False),
    (2, ">= 2", True), (1, ">= 2", False), ("x", ">= 2", False), (2, ">= x", False),
    (2, "<= 2", True), (3, "<= 2", False), ("x", "<= 2", False),
    # where Cinder reads the first word behind the operator, all of them count here: two are no number
    (2, "== 2 3", False), ("a b", "s== a b", True),
    # text
    ("a", "s== a", True), ("a", "s== b", False), ("a", "s!= b", True), ("a", "s!= a", False),
    ("b", "s> a", True), ("a", "s> a", False), ("a", "s>= a", True), ("a", "s>= b", False),
    ("a", "s< b", True), ("b", "s< b", False), ("b", "s<= b", True), ("c", "s<= b", False),
    ("10", "s< 9", True), (10, "s== 10", True),
    # a part of it
    ("12311321", "<in> 11", True), ("12310321", "<in> 11", False), (["a", "b"], "<in> b", True),
    # one of several
    ("x", "<or> x <or> y", True), ("y", "<or> x <or> y", True), ("z", "<or> x <or> y", False),
    ("12", "<or> 11 <or> 12", True), (12, "<or> 11 <or> 12", True), ("xy", "<or> x <or> y", False),
    # yes and no
    (True, "<is> True", True), (True, "<is> yes", True), (True, "<is> 1", True), (True, "<is> on", True),
    ("yes", "<is> true", True), (1, "<is> True", True), (True, "<is> False", False), (False, "<is> False", True),
    (False, "<is> no", True), (False, "<is> True", False), (None, "<is> False", False), (None, "<is> True", False),
    ("odd", "<is> True", False), ("odd", "<is> False", False), (True, "<is> odd", False), (True, "<is>", False),
    # no operator: the whole text; a boolean capability meets the word (better than Cinder, where it did not)
    (True, "True", True), (True, "true", True), (False, "False", True), (True, "False", False), ("True", "True", True),
    ("gold", "gold", True), ("gold", "silver", False), ("gold rush", "gold rush", True), ("gold", "gold rush", False),
    (12, "12", True), ("a", "=~ a", False), ("> 2", "> 2", True), (3, "> 2", False),
    # nothing
    (None, None, True), ("x", None, False), (None, "x", False), (None, "s!= x", False), (0, "<= 0", True),
    # lists: any element
    (["a", "b"], "b", True), (["a", "b"], "c", False), ([1, 5], ">= 4", True), ([], "x", False),
    (("a",), "s== a", True),
]  # fmt: skip


@pytest.mark.parametrize(("value", "requirement", "wanted"), TABLE)
def test_operator(value: object, requirement: str | None, wanted: bool) -> None:
    assert matches(value, requirement) is wanted


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), requirement=st.text())
def test_any_requirement_is_answered(value: object, requirement: str) -> None:
    assert matches(value, requirement) in {True, False}


@given(st.sampled_from(["=", "==", "!=", ">=", "<="]), st.integers(-9, 9), st.integers(-9, 9))
def test_numbers_compare_as_numbers(word: str, value: int, operand: int) -> None:
    python = {"=": value >= operand, "==": value == operand, "!=": value != operand, ">=": value >= operand}
    assert matches(value, f"{word} {operand}") is python.get(word, value <= operand)


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("tier", (True, "gold")),
        ("capabilities:tier", (True, "gold")),
        ("capabilities:nested:deep", (True, 1)),
        ("capabilities:nested:none", (True, None)),
        ("capabilities:tier:deeper", (True, None)),
        ("missing", (True, None)),
        ("vendor:tier", (False, None)),
        ("provisioning:type", (False, None)),
    ],
)
def test_scope_of_a_key(key: str, wanted: tuple[bool, object]) -> None:
    assert capability({"tier": "gold", "nested": {"deep": 1}}, key) == wanted


def test_every_unmet_spec_is_told_with_what_the_backend_has() -> None:
    specs = {"tier": "gold", "size": ">= 5", "vendor:x": "y", "good": "<is> True"}
    assert unmet(specs, {"size": 3, "good": True}) == ["size >= 5 (has 3)", "tier gold (has nothing)"]


@pytest.mark.parametrize(
    ("requirement", "wanted"),
    [("<is> True", True), ("<is> true", True), ("True", True), ("yes", True), ("<is> False", False), ("x", False)],
)
def test_a_spec_that_says_yes(requirement: str, wanted: bool) -> None:
    assert is_true({"key": requirement}, "key") is wanted
    assert is_true({}, "key") is False


@given(st.sampled_from(["yes", "true", "on", "1", "y", "t"]), st.sampled_from([str.upper, str.title, " {} ".format]))
def test_yes_in_any_spelling(word: str, spell: object) -> None:
    assert callable(spell)
    assert parse_bool(spell(word)) is True


# The matcher against a model that has nothing in common with it but the document's table

_PYTHON = {
    "=": "float({0}) >= float({1})", "==": "float({0}) == float({1})", "!=": "float({0}) != float({1})",
    ">=": "float({0}) >= float({1})", "<=": "float({0}) <= float({1})",
    "s==": "{0} == {1}", "s!=": "{0} != {1}", "s>": "{0} > {1}", "s>=": "{0} >= {1}", "s<": "{0} < {1}",
    "s<=": "{0} <= {1}", "<in>": "{1} in {0}",
}  # fmt: skip
WORD = st.text("abz019.-", min_size=1, max_size=4)


def naive(value: str, word: str, operand: str) -> bool:
    try:
        return bool(eval(_PYTHON[word].format(repr(value), repr(operand))))
    except ValueError:
        return False


@given(value=WORD, word=st.sampled_from(sorted(_PYTHON)), operand=WORD)
def test_every_operator_agrees_with_the_naive_model(value: str, word: str, operand: str) -> None:
    assert matches(value, f"{word} {operand}") is naive(value, word, operand)


@given(value=WORD, operands=st.lists(WORD, min_size=1, max_size=4))
def test_or_is_any_of_its_words(value: str, operands: list[str]) -> None:
    assert matches(value, " ".join(f"<or> {one}" for one in operands)) is (value in operands)


@given(values=st.lists(WORD, max_size=4), word=st.sampled_from(sorted(_PYTHON)), operand=WORD)
def test_a_list_satisfies_what_one_of_its_elements_does(values: list[str], word: str, operand: str) -> None:
    assert matches(values, f"{word} {operand}") is any(naive(one, word, operand) for one in values)


@given(value=WORD, requirement=WORD)
def test_without_an_operator_the_whole_text_is_compared(value: str, requirement: str) -> None:
    assert matches(value, requirement) is (value == requirement)
    assert matches(value, f"{requirement} {requirement}") is False


@given(
    st.recursive(WORD, lambda inner: st.dictionaries(WORD, inner, max_size=3), max_leaves=6), st.lists(WORD, max_size=3)
)
def test_a_nested_key_is_found_step_by_step(tree: object, path: list[str]) -> None:
    found: object = {"top": tree}
    for step in ["top", *path]:
        found = found.get(step) if isinstance(found, dict) else None
    assert capability({"top": tree}, ":".join(["capabilities", "top", *path])) == (True, found)


@given(scope=WORD, key=WORD)
def test_a_vendors_key_never_takes_part(scope: str, key: str) -> None:
    assert unmet({f"{scope}:{key}": "<is> True"}, {}) == []
