"""What Ctrl-C means while an activity is waited for."""

from __future__ import annotations

import sys

from cgctl.cli import report

ANSWERS = {"d": "detach", "c": "cancel", "w": "wait"}


def ask_interrupted(subject: str, activity_id: str) -> str:
    """`detach`, `cancel` or `wait`; where nobody can be asked, the activity goes on. What goes on is named."""
    on_terminal = sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()
    answer = _asked(subject) if on_terminal else "detach"
    if answer == "detach":
        report.note(f"{subject}: activity {activity_id} goes on; cgctl activity-wait {activity_id}")
    return answer


def _asked(subject: str) -> str:
    while True:
        report.ask(f"\n{subject}: leave it running (d), cancel it (c), or wait on (w)? [d] ")
        try:
            word = sys.stdin.readline()
        except KeyboardInterrupt:
            return "detach"
        answer = (word.strip().casefold() or "d")[:1]
        if not word or answer in ANSWERS:
            return ANSWERS.get(answer, "detach")
