"""Spellings of the Cinder client (argparse) that click does not know, rewritten before click reads the words. Pure.

- `--metadata a=1 b=2`: a greedy option takes every following word that holds a `=`
- `--all-tenants 1`, `--list-volume False`, `--is-public true`: a flag may be followed by a boolean word
- `--display-name`, `--group_id`: old spellings
Words after `--`, and words that are the value of another option, stay as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

YES_WORDS = frozenset({"1", "t", "true", "on", "y", "yes"})
NO_WORDS = frozenset({"0", "f", "false", "off", "n", "no"})
ALIASES = {
    "--display-name": "--name",
    "--display-description": "--description",
    "--consistencygroup": "--source-cg",
    "--fields": "--column",
}


@dataclass(frozen=True)
class Grammar:
    """The options of one command. valued: take a value (greedy ones too). flags: with their opposite, `--no-...`."""

    valued: frozenset[str] = frozenset()
    greedy: frozenset[str] = frozenset()
    flags: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()

    def known(self, option: str) -> bool:
        """Whether the command declares this option."""
        return option in self.valued or option in self.flags or option in self.others


def respell(words: list[str], grammar: Grammar) -> list[str]:
    """The same words in click's spelling. Rewriting twice changes nothing more."""
    rest = deque(words)
    done: list[str] = []
    while rest:
        word = rest.popleft()
        if word == "--":
            return [*done, word, *rest]
        done += _respell_option(word, rest, grammar) if word.startswith("--") else _short_option(word, rest, grammar)
    return done


def _short_option(word: str, rest: deque[str], grammar: Grammar) -> list[str]:
    """`-f json`: its value is taken along, whatever it looks like."""
    return [word, rest.popleft()] if word in grammar.valued and rest else [word]


def _respell_option(word: str, rest: deque[str], grammar: Grammar) -> list[str]:
    name, equals, value = word.partition("=")
    option = _present_name(name, grammar)
    if option in grammar.flags:
        return _respell_flag(option, value if equals else None, rest, grammar)
    if equals or option not in grammar.valued or not rest:
        first = [f"{option}{equals}{value}"]
    else:
        first = [option, rest.popleft()]
    if option in grammar.greedy:
        while rest and "=" in rest[0] and not rest[0].startswith("-"):
            first += [option, rest.popleft()]
    return first


def _present_name(name: str, grammar: Grammar) -> str:
    """The declared option that an old spelling means; the word itself where there is none."""
    for candidate in (name, name.replace("_", "-"), ALIASES.get(name.replace("_", "-"))):
        if candidate and grammar.known(candidate):
            return candidate
    return name


def _respell_flag(option: str, value: str | None, rest: deque[str], grammar: Grammar) -> list[str]:
    if value is None and rest and rest[0].casefold() in YES_WORDS | NO_WORDS:
        value = rest.popleft()
    if value is None or value.casefold() in YES_WORDS:
        return [option]
    return [grammar.flags[option]] if value.casefold() in NO_WORDS else [f"{option}={value}"]
