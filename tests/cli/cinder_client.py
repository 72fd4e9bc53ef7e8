"""What the Cinder client accepts and prints, read from tests/data/cinder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).parents[1] / "data/cinder"
SAMPLES = {"size": "10", "new_size": "20", "limit": "5", "offset": "0", "key:direction": "name:asc"}
"""Words to try for values that are not just any word, by what Cinder calls the value."""


@dataclass(frozen=True)
class Value:
    """What stands for an argument, or behind an option. words: all that it may be; empty where any word may be."""

    name: str
    words: tuple[str, ...] = ()
    several: bool = False
    optional: bool = False

    @classmethod
    def of(cls, text: str) -> Value:
        """`action`, `set|unset`, `volume...`, `size?`."""
        several, optional = text.endswith("..."), text.endswith("?")
        name = text.removesuffix("...").removesuffix("?")
        return cls(name, tuple(name.split("|")) if "|" in name else (), several, optional)

    def samples(self) -> tuple[str, ...]:
        """Words that the client takes here, one at a time."""
        return self.words or (SAMPLES.get(self.name, "k=v" if "=" in self.name else "word"),)


@dataclass(frozen=True)
class Option:
    """`--sort`; value None for a flag."""

    word: str
    value: Value | None
    default: str | None

    def __str__(self) -> str:
        return self.word

    @property
    def greedy(self) -> bool:
        """Whether it takes words until the next option, so that no argument may stand behind it."""
        return self.value is not None and self.value.several

    @property
    def truth(self) -> bool:
        """Whether its value is a boolean word, which may be left out."""
        words = {word.lower() for word in self.value.words} if self.value else set()
        return words in ({"0", "1"}, {"true", "false"})

    def spellings(self, *, bare: bool = True) -> list[list[str]]:
        """The words that the client's users write for it: with each value, joined by `=`, alone."""
        if self.value is None:
            return [[self.word]]
        samples = self.value.samples()
        behind = [[self.word, *[sample] * (2 if self.greedy else 1)] for sample in samples]
        return [*behind, [f"{self.word}={samples[0]}"], *([[self.word]] if bare and self.truth else [])]


@dataclass
class ClientCommand:
    """One command of the client."""

    name: str
    arguments: list[Value]
    options: list[Option] = field(default_factory=list)

    def words(self, *, optional: bool = False) -> list[str]:
        """Words for its arguments: the required ones or all; two where there may be several."""
        words: list[str] = []
        for argument in self.arguments:
            if optional or not argument.optional:
                words += [argument.samples()[0]] * (2 if argument.several else 1)
        return words


def commands() -> dict[str, ClientCommand]:
    """All commands of the client."""
    found: dict[str, ClientCommand] = {}
    command = ClientCommand("", [])
    for line in (DATA / "client-9.10.txt").read_text().splitlines():
        name, *rest = line.split()
        if not line.startswith(" "):
            command = found[name] = ClientCommand(name, [Value.of(word) for word in rest])
            continue
        default = rest[rest.index("=") + 1] if "=" in rest else None
        value = Value.of(rest[0]) if rest and rest[0] != "=" else None
        command.options.append(Option(name, value, default))
    return found


def printed() -> dict[str, list[str]]:
    """Columns of a list or fields of an object, by command; columns in their order."""
    return {name: re.split(r" \| " if "|" in rest else " ", rest) for name, rest in _two_words("printed.txt")}


def left_out() -> dict[str, str]:
    """Commands that cgctl shall not have, with what they are about."""
    return dict(_two_words("left-out.txt"))


def not_yet() -> dict[str, str]:
    """`command` or `command --option`, with the issue that brings it."""
    return {" ".join(line.split()[:-1]): line.split()[-1] for line in (DATA / "not-yet.txt").read_text().splitlines()}


def _two_words(file: str) -> list[tuple[str, str]]:
    split = (line.split(maxsplit=1) for line in (DATA / file).read_text().splitlines())
    return [(first, rest) for first, rest in split]
