"""What the configuration has this machine run: the hooks of groups."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager

from cgctl.manager.environment import QuiesceHooks, RanHere
from drivers.errors import DriverError


def quiesced(
    hooks: QuiesceHooks, bound_seconds: float, environment: Mapping[str, str]
) -> AbstractContextManager[object]:
    """As `Environment.quiesced`."""
    from cgctl.remote.hooks import HookRunner, Hooks  # noqa: PLC0415 (only groups with hooks need it)

    return HookRunner().quiesced(Hooks(hooks.pre, hooks.post, hooks.timeout_seconds), bound_seconds, environment)


_HERE = 'eval "$(cat)"; exec </dev/null; eval "$1"'
"""The environment comes by standard input, not as arguments: those show in the process list."""


def run_here(shell_line: str, environment: Mapping[str, str], timeout_seconds: float) -> RanHere:
    """As `Environment.run_here`."""
    from cgctl.remote.local import LocalRunner  # noqa: PLC0415
    from drivers.command import Command, Secret  # noqa: PLC0415

    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in environment.items())
    try:
        command = Command(("sh", "-c", _HERE, "hook", shell_line), Secret(exports), shell_line)
        completed = LocalRunner().run(command, timeout_seconds)
    except DriverError as error:
        return RanHere("", error.message)
    output = completed.stdout + completed.stderr
    if completed.exit_status == 0:
        return RanHere(output)
    said = [line for line in output.splitlines() if line.strip()]
    return RanHere(output, (said or [f"exit status {completed.exit_status}"])[-1])
