"""What the Cinder client accepts is accepted here: each command, argument, option, choice and default of the families
that cgctl has (cli.md). Words only: that they mean something is for the tests of each command.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from cgctl.cli.command import build
from cgctl.cli.root import UsageProblem
from cgctl.cli.table import COMMANDS
from tests.cli.cinder_client import Option, commands, left_out, not_yet

CLIENT = commands()
WAITING = not_yet()
OURS = sorted(name for name in CLIENT if name not in left_out() and name != "help")
THERE = [name for name in OURS if name not in WAITING]
OPTIONS = [(name, option) for name in THERE for option in CLIENT[name].options]


def parsed(name: str, *words: str) -> dict[str, Any]:
    """The values that cgctl reads from the words. Raises UsageProblem."""
    entry = COMMANDS[name]
    declared = getattr(import_module(f"cgctl.cli.{entry.module}"), entry.function)
    values: dict[str, Any] = build(declared, name).make_context(name, list(words), obj={}).params
    return values


def accepts(name: str, *words: str) -> bool:
    try:
        parsed(name, *words)
    except UsageProblem:
        return False
    return True


@pytest.mark.parametrize("name", THERE)
def test_a_command_of_the_client_is_there_with_its_arguments(name: str) -> None:
    assert accepts(name, *CLIENT[name].words())
    assert accepts(name, *CLIENT[name].words(optional=True))


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[f"{name} {option.word}" for name, option in OPTIONS])
def test_an_option_of_the_client_is_accepted_in_all_its_spellings(name: str, option: Option) -> None:
    least = CLIENT[name].words()
    lines = [[*least, *spelling] for spelling in option.spellings()]
    if not option.greedy:
        lines += [[*spelling, *least] for spelling in option.spellings(bare=False)]
    refused = [line for line in lines if not accepts(name, *line)]
    if f"{name} {option.word}" in WAITING:
        assert refused, f"{name} {option.word} is there: take it out of not-yet.txt"
    else:
        assert not refused


@pytest.mark.parametrize("name", THERE)
def test_all_options_of_a_command_may_stand_together(name: str) -> None:
    options = [option for option in CLIENT[name].options if f"{name} {option.word}" not in WAITING]
    assert accepts(name, *CLIENT[name].words(), *(word for option in options for word in option.spellings()[0]))


@pytest.mark.parametrize(
    ("name", "option"), [(n, o) for n, o in OPTIONS if o.default and f"{n} {o.word}" not in WAITING], ids=str
)
def test_an_option_that_is_left_out_has_the_clients_value(name: str, option: Option) -> None:
    least = CLIENT[name].words()
    assert parsed(name, *least) == parsed(name, *least, option.word, option.default or "")


def test_what_is_still_to_come_is_not_there_and_an_issue_brings_it() -> None:
    assert not set(WAITING) & set(COMMANDS), "take them out of not-yet.txt"
    assert set(WAITING) <= {*OURS, *(f"{name} {option.word}" for name, option in OPTIONS)}
    assert set(WAITING.values()) <= {"4", "5", "6"}


def test_what_is_left_out_is_not_there() -> None:
    assert set(left_out()) <= set(CLIENT)
    assert not set(left_out()) & set(COMMANDS)
