"""What cgctl tells an operator when it does not succeed: one class per exit code of the contract.

`EXIT_CODES` is the one table; `--help`, the README and the tests read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

EXIT_CODES = {
    0: "done",
    1: "unexpected (a bug: the log's path is printed)",
    2: "usage",
    3: "configuration",
    4: "not found",
    5: "wrong state or refused by a rule",
    6: "a server failed the operation",
    7: "failover refused to protect data",
    8: "server unreachable or host key not trusted",
    9: "locked by another operation",
    10: "some of several objects failed",
    130: "interrupted",
}


class Part(NamedTuple):
    """One member of what failed: `volume`, its id, its name, and why."""

    kind: str
    id: str
    name: str | None
    reason: str


class CgctlError(Exception):
    """`error: <subject>: <reason>` and `hint: <what to do>`, with the exit code for scripts.

    subject names the object (`group db1`), reason is lower case, hint is a sentence or a command to paste. parts: the
    members that failed, where some did not; each gets a message of its own.
    """

    exit_code = 1

    def __init__(self, subject: str, reason: str, hint: str | None = None, parts: Sequence[Part] = ()) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason
        self.hint = hint
        self.parts = tuple(parts)


class UsageError(CgctlError):
    """The words of the command are wrong."""

    exit_code = 2


class ConfigurationError(CgctlError):
    """The configuration, or the place of the state, cannot be used."""

    exit_code = 3


class NotFound(CgctlError):
    """No object, or more than one, answers to the name."""

    exit_code = 4


class Refused(CgctlError):
    """A rule or the state of an object forbids it; nothing was changed."""

    exit_code = 5


class NothingToChange(Refused):
    """All of it is so already."""


class ServerFailure(CgctlError):
    """A server failed the operation."""

    exit_code = 6


class FailoverRefused(CgctlError):
    """Going on could lose data that nobody said may be lost."""

    exit_code = 7


class ServerUnreachable(CgctlError):
    """The server cannot be reached, or its host key is not trusted."""

    exit_code = 8


class Locked(CgctlError):
    """Another operation works on the object. detached_id: its journal row, where an activity on a server goes on."""

    exit_code = 9

    def __init__(self, subject: str, reason: str, hint: str | None = None, detached_id: str | None = None) -> None:
        super().__init__(subject, reason, hint)
        self.detached_id = detached_id


class PartlyFailed(CgctlError):
    """Some of several objects failed; each failure has been told."""

    exit_code = 10


class DryRun(Exception):
    """Not a failure: --dry-run has checked everything; steps say what would be done, and on which server.

    failure: why some of several objects would be refused.
    """

    def __init__(self, steps: list[str], failure: CgctlError | None = None) -> None:
        super().__init__("; ".join(steps))
        self.steps = steps
        self.failure = failure
