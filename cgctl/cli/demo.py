"""`demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from cgctl.cli import report
from cgctl.cli.cells import printable
from cgctl.cli.command import command
from cgctl.cli.invocation import Invocation
from cgctl.demo.place import prepared
from cgctl.errors import CgctlError, UsageError


@command("demo")
def demo(
    invocation: Invocation,
    directory: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="An empty or new directory; default: a temporary one.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave out the clean-up, and leave the directory to look at.")
    ] = False,
) -> None:
    """Show the whole life of a group on this machine, without root.

    Types, a group of three volumes, data, a group snapshot, damage, a clone with the data as it was, clean-up:
    by the real commands, in a directory with a configuration and a state of its own. Exit code 0 only when every
    check held.
    """
    if invocation.config or invocation.state:
        raise UsageError("cgctl demo", "has a configuration and a state of its own", "cgctl demo --dir DIR")
    from cgctl.cli.wiring.env import Env  # noqa: PLC0415 (it imports much; bad usage is told before)
    from cgctl.demo import stage, story  # noqa: PLC0415

    with prepared(directory, keep=keep, say=_tell) as place:
        env = Env(Invocation(config=str(place.configuration), state=place.state))
        try:
            shown = stage.Stage(place, env, _tell)
            story.play(shown, keep=keep)
        finally:
            env.close()
    _verdict(shown.held, shown.failures)


def _tell(text: str) -> None:
    report.write("".join(f"{printable(line)}\n" for line in text.split("\n")))


def _verdict(held: list[str], failures: list[str]) -> None:
    if failures:
        reason = f"{len(failures)} of {len(held) + len(failures)} checks failed: {'; '.join(failures)}"
        raise CgctlError("cgctl demo", reason, "cgctl demo --keep")
    _tell(f"\nThe demo succeeded: all {len(held)} checks held.")
