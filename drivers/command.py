"""What is run on a server, as values: argv, never a shell string put together by hand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

_END_OF_TEXT = "END_OF_PROGRAM"


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown: it prints as asterisks, and never goes into argv, only to standard input."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True)
class Command:
    """One program with its arguments, and what it reads.

    stdin is sent as UTF-8; as a Secret it is masked wherever the command is shown. Secrets have no place in argv,
    because every user of the server can read the process list.
    """

    argv: tuple[str, ...]
    stdin: str | Secret = ""
    label: str = ""

    def __post_init__(self) -> None:
        for argument in self.argv:
            if not isinstance(argument, str):
                raise TypeError(f"an argument is text, not {type(argument).__name__}: secrets go to stdin")
            if "\0" in argument:
                raise ValueError("an argument cannot hold a NUL character")

    def to_shell(self) -> str:
        """The only place where arguments become a shell string."""
        return shlex.join(self.argv)

    def shown(self) -> str:
        """One line for --verbose and logs: the label of a script with its parameters, or the quoted argv."""
        return self.label or self.to_shell()

    @property
    def stdin_bytes(self) -> bytes:
        text = self.stdin.value if isinstance(self.stdin, Secret) else self.stdin
        return text.encode()


@dataclass(frozen=True)
class Script:
    """A POSIX shell script kept as a file beside its driver.

    Its values are positional parameters; they are never pasted into its text. What all scripts share
    (`drivers/prelude.sh`) is put in front of it when it is loaded.
    """

    name: str
    text: str

    @classmethod
    def load(cls, package: str, file_name: str) -> Script:
        """Read a script from a package's folder; its name is `<last package part>/<file name>`."""
        from importlib import resources  # noqa: PLC0415 (10 ms that only a command with servers has to pay)

        prelude = resources.files("drivers").joinpath("prelude.sh").read_text()
        own = resources.files(package).joinpath(file_name).read_text()
        return cls(f"{package.rsplit('.', 1)[-1]}/{file_name}", f"{prelude}\n{own}")

    def with_text(self, variable: str, text: str) -> Script:
        """The script with a program of another language in a shell variable: a quoted here-document, sent as it is."""
        return Script(self.name, f"{variable}=$(cat <<'{_END_OF_TEXT}'\n{text}\n{_END_OF_TEXT}\n)\n{self.text}")

    def command(self, *parameters: str, stdin: str | Secret = "") -> Command:
        """The command that runs it with these positional parameters."""
        label = shlex.join((self.name, *parameters))
        return Command(("sh", "-c", self.text, self.name, *parameters), stdin, label)
