"""Several programs as one activity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from drivers.activities.values import Program
from drivers.command import Command, Script

_UNDO_ALL = 'status=0; for line do sh -c "$line" || status=1; done; exit "$status"'


@cache
def _sequence() -> Script:
    return Script.load("drivers.activities", "sequence.sh")


def in_sequence(programs: Sequence[tuple[Program, int]], label: str) -> Program:
    """One after the other; the undo of all, where one fails. With each goes its size in bytes, for the progress.

    None of them may read anything.
    """
    words = [word for program, size_bytes in programs for word in (str(size_bytes), program.work.to_shell())]
    back = [program.undo.to_shell() for program, _ in programs if program.undo]
    return Program(_sequence().command(*words), Command(("sh", "-c", _UNDO_ALL, "undo", *back)), label)
