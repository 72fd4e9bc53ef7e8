"""Several programs as one activity.

They travel as a file: as arguments of one command, those of a group of forty volumes are more than a kernel takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from drivers.activities.values import Program
from drivers.command import Command, Script

_UNDO_ALL = """
status=0
for undo in "$CGCTL_ACTIVITY"/part-*/undo; do
    [ ! -s "$undo" ] || sh "$undo" || status=1
done
exit "$status"
"""
"""Of all, also of those that were not reached. None is there: nothing has begun."""


@cache
def _sequence() -> Script:
    return Script.load("drivers.activities", "sequence.sh")


def in_sequence(programs: Sequence[tuple[Program, int]], label: str) -> Program:
    """One after the other; the undo of all, where one fails. With each goes its size in bytes, for the progress.

    None of them may read anything.
    """
    told = "".join(_told(program, size_bytes) for program, size_bytes in programs)
    return Program(_sequence().command(stdin=told), Command(("sh", "-c", _UNDO_ALL, "undo")), label)


def _told(program: Program, size_bytes: int) -> str:
    work, undo = program.work.to_shell(), program.undo.to_shell() if program.undo else ""
    return f"{size_bytes} {len(work.encode())} {len(undo.encode())}\n{work}{undo}"
