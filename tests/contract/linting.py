"""Scripts as they are sent, seen by shellcheck: the one beside this Python, whatever else is on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def complaints(script: str, *but: str) -> str:
    """What shellcheck says of a POSIX shell script; `but` are the codes that are left out."""
    left_out = ["-e", ",".join(but)] if but else []
    argv = [str(SHELLCHECK), "-s", "sh", *left_out, "-"]
    return subprocess.run(argv, input=script, text=True, capture_output=True, check=False).stdout
