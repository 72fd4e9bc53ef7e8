"""The work of an activity of this machine that is work of cgctl itself. `python -m cgctl.cli.errand <errand`.

As cgctl.cli.relay, a process of its own that outlives who began it. The state's URL comes in its environment, since it
may hold a password.
"""

from __future__ import annotations

import logging
import signal
import sys

from cgctl.cli.invocation import Invocation
from cgctl.cli.passages import read_errand
from cgctl.cli.relay import note
from cgctl.cli.wiring.env import Env
from cgctl.errors import CgctlError
from cgctl.manager.environment import Progress
from cgctl.manager.replication import errands, lone

LOCK_TIMEOUT_SECONDS = 600.0
"""Nobody waits for it at a terminal."""


ERRANDS = {errands.SYNC: errands.sync, errands.MOVE: errands.move, lone.KIND: lone.go_on}


class NotedProgress:
    """`ShowProgress`, for poll.sh."""

    is_shown = True

    def __call__(self, progress: Progress) -> None:
        if not progress.has_ended:
            note(progress.passed_bytes, max(progress.passed_bytes, progress.expected_bytes or 0))


def main() -> int:
    """Do it; 1 when it fails."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    configuration, kind, plan = read_errand(sys.stdin.read())
    invocation = Invocation(config=configuration, lock_timeout_seconds=LOCK_TIMEOUT_SECONDS, command_line=[kind])
    env = Env(invocation, progress=NotedProgress())
    try:
        ERRANDS[kind](env, plan)
    except CgctlError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        env.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
