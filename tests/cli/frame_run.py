"""Run a command line of the frame's trial commands: in a process of its own, as scripts do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def program(*words: str) -> list[str]:
    """The argv of cgctl with the trial commands."""
    return [sys.executable, "-m", "tests.cli.frame_commands", *words]


def environment(**variables: str) -> dict[str, str]:
    """The process environment, without what would change cgctl's answers."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CGCTL_", "XDG_")) and k != "NO_COLOR"}
    return kept | variables


def cgctl(*words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it with pipes, in the checkout; what it says must never be a traceback unless --debug asks for it."""
    done = subprocess.run(
        program(*words),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**variables),
        check=False,
        input=stdin,
        timeout=60,
    )
    assert "--debug" in words or "Traceback" not in done.stderr
    return done
