"""The work of an activity of this machine: streams from backend to backend. `python -m cgctl.cli.relay <passages`.

It is a process of its own beside the command that began it, and outlives it. Its progress goes to the activity's
directory, its errors to stderr, which is the activity's log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from cgctl.cli.invocation import Invocation
from cgctl.cli.passages import read_passages
from cgctl.cli.wiring.carrying import Carrying
from cgctl.cli.wiring.configured import Configured
from cgctl.errors import CgctlError
from cgctl.manager.environment import Delivery
from drivers.errors import DriverError


def main() -> int:
    """Carry all passages, one after the other; 1 when one fails."""
    configuration, passages = read_passages(sys.stdin.read())
    configured = Configured(Invocation(config=configuration))
    try:
        # relayed: a direct way belongs to a state store, which is not known here
        carry, way, before = Carrying(configured), replace(configured.settings().way, path="relay"), 0
        total = sum(one.stream_bytes for one in passages)
        for one in passages:
            delivery = Delivery("", str(uuid4()), one.source, one.send, one.destination, one.receive)
            carry(delivery, way, _noting(before, total))
            before += one.stream_bytes
            note(before, total)
    except (DriverError, CgctlError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        configured.close()
    return 0


def _noting(before: int, total: int) -> Callable[[int], None]:
    return lambda passed: note(min(before + passed, total), total)


def note(done: int, total: int) -> None:
    """How far it is, for poll.sh."""
    keep("progress", f"{done} {total}\n")


def keep(name: str, text: str) -> None:
    """A file of the activity, in one step."""
    place = Path(os.environ["CGCTL_ACTIVITY"])
    new = place / f"{name}.new"
    new.write_text(text)
    new.rename(place / name)


if __name__ == "__main__":
    sys.exit(main())
