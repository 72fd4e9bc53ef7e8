"""An export server that is a script: every call of the contract is one execution of it on the server.

Its actions are `ensure`, `remove` and `check`; what is wanted, and the secrets, come to it over standard input; what it
finds wrong it prints, one line each. Each server has the words of its own in a module `request`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import ClassVar, Protocol

from drivers import errors, refusals
from drivers.command import Command, Script, Secret
from drivers.contract import Connection, Context, Exported, Finding, SourceForm
from drivers.runner import Runner

REPAIR = "cgctl backend-check --repair"


class Request(Protocol):
    """What the script reads, and what its check answers; pure. DAEMON: how findings call what offers the volumes."""

    DAEMON: str

    def wanted(self, exports: Sequence[Exported]) -> str | Secret:
        """These exports, exactly. Raises ServerRefused for what the server cannot offer."""
        ...

    def unwanted(self, volume_ids: Sequence[str]) -> str | Secret:
        """The volumes that nobody may use."""
        ...

    def findings(self, answer: str) -> list[Finding]:
        """One for the daemon, one per wrong volume, one per export that nobody asked for."""
        ...


@dataclass(frozen=True)
class ScriptedExports(ABC):
    """The exports of one server. portal: where clients reach it, with its port."""

    backend_id: str
    portal: str
    runner: Runner = field(repr=False, compare=False)
    protocol: ClassVar[str]
    serves: ClassVar[frozenset[SourceForm]]
    grows_online: ClassVar[bool]
    request: ClassVar[Request]
    errors: ClassVar[refusals.Table] = ()

    @abstractmethod
    def connection(self, volume_id: str, form: SourceForm = SourceForm.FILE) -> Connection:
        """Where clients find the volume (pure)."""

    @abstractmethod
    def command(self, action: str, stdin: str | Secret) -> Command:
        """The script with its parameters."""

    def ensure_exports(self, context: Context, exports: Sequence[Exported]) -> None:
        self._run(context, "ensure", self.request.wanted(exports))

    def remove_exports(self, context: Context, volume_ids: Sequence[str]) -> None:
        self._run(context, "remove", self.request.unwanted(volume_ids))

    def check_exports(self, context: Context, exports: Sequence[Exported]) -> list[Finding]:
        try:
            return self.request.findings(self._run(context, "check", self.request.wanted(exports)))
        except errors.ToolMissing as error:
            return [Finding(self.request.DAEMON, False, error.message, error.hint)]

    def _run(self, context: Context, action: str, stdin: str | Secret) -> str:
        seconds = max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
        completed = self.runner.run(self.command(action, stdin), seconds)
        return refusals.result(completed, self.runner.server, self.errors)


def perl_script(package: str, *files: str) -> Script:
    """A package's exports.sh, with the text of one program in $exports_pl: server.pl and these files behind it."""
    first = resources.files("drivers.exports").joinpath("server.pl")
    texts = [first.read_text(), *(resources.files(package).joinpath(name).read_text() for name in files)]
    return Script.load(package, "exports.sh").with_text("exports_pl", "".join(texts))


def findings(
    answer: str, daemon: Finding, of_daemon: Mapping[str, Callable[..., Finding]], unknown: Callable[..., Finding]
) -> list[Finding]:
    """The lines of a check. daemon: its finding when nothing is wrong with it; of_daemon: else, by the line's word."""
    result = [daemon]
    for line in answer.splitlines():
        kind, *values = line.split("\t")
        if kind == "wrong":
            result.append(Finding(f"export of volume {values[0]}", False, values[1], REPAIR))
        elif kind == "unknown":
            result.append(unknown(*values))
        else:
            result[0] = of_daemon[kind](*values)
    return result
