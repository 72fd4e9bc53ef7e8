"""What a process of this machine reads on several servers at once, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cgctl import errors
from cgctl.errors import CgctlError, ServerFailure
from drivers.command import Command

RESULT = "readings"
"""The file in the activity's directory; it is there when all readings have ended, and then it is whole."""


@dataclass(frozen=True)
class Reading:
    """A command of a backend's server that reads, and prints; lines `read DONE TOTAL` tell how far it is, in bytes.

    key: what is read. subject: whom a failure is told of. size_bytes: an estimate, until the first such line.
    """

    host: str
    key: str
    command: Command
    subject: str
    size_bytes: int


@dataclass(frozen=True)
class Answer:
    """What a reading has printed, without those lines; or why there is nothing of it."""

    host: str
    key: str
    printed: str = ""
    error: CgctlError | None = None


def told(error: CgctlError) -> dict[str, Any]:
    """An error as JSON."""
    return {"kind": type(error).__name__, "subject": error.subject, "reason": error.reason, "hint": error.hint}


def error_told(words: dict[str, Any]) -> CgctlError:
    """The error that `told` has written."""
    kind = getattr(errors, words["kind"], ServerFailure)
    found = kind(words["subject"], words["reason"], words["hint"])
    assert isinstance(found, CgctlError)
    return found


def answer_told(answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    error = told(answer.error) if answer.error else None
    return {"host": answer.host, "key": answer.key, "printed": answer.printed, "error": error}


def told_answer(words: dict[str, Any]) -> Answer:
    """The answer that `answer_told` has written."""
    error = error_told(words["error"]) if words["error"] else None
    return Answer(words["host"], words["key"], words["printed"], error)
