"""One command's run: logging, confirmation, the call, the printing of what it returns."""

from __future__ import annotations

import gc
import inspect
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from cgctl.cli import report
from cgctl.cli.cells import printable
from cgctl.cli.interrupted import ask_interrupted
from cgctl.cli.invocation import Invocation
from cgctl.cli.logs import configure_logging
from cgctl.cli.render import render_page, render_show
from cgctl.cli.result import Done, Format, Listing, Result, Several, Show
from cgctl.cli.selection import Selection, page_of
from cgctl.errors import CgctlError, DryRun, PartlyFailed, Refused
from cgctl.failures import explain
from cgctl.manager.side_by_side import side_by_side
from drivers.errors import DriverError


@dataclass(frozen=True)
class Call:
    """What the command line came to: the function with its values, and the values of the frame's options."""

    name: str
    function: Callable[..., Any]
    values: Mapping[str, Any]
    frame: Mapping[str, Any]
    root: Mapping[str, Any]
    destructive: bool


def run(call: Call) -> None:
    """Call the function and print its result. Raises CgctlError, and typer.Exit when failures were told already."""
    invocation = Invocation.of(call.root, call.frame, [report.masked(word) for word in call.root.get("words", ())])
    configure_logging(invocation)
    if call.destructive and not (invocation.assume_yes or invocation.dry_run):
        _confirm(invocation)
    with _first_parameter(call.function, invocation) as first:
        if not gc.isenabled():  # the process's first command
            gc.freeze()  # what was imported stays: no collection need look at it
            gc.enable()
        try:
            _present(call.function(**first, **call.values), call, invocation)
        except DryRun as would:
            report.write("".join(f"would: {printable(step)}\n" for step in would.steps))
            if would.failure:
                raise would.failure from None


@contextmanager
def _first_parameter(function: Callable[..., Any], invocation: Invocation) -> Iterator[dict[str, Any]]:
    names = inspect.signature(function).parameters
    if "env" not in names:
        yield {"invocation": invocation} if "invocation" in names else {}
        return
    from cgctl.cli.wiring.env import Env  # noqa: PLC0415 (not every command needs it, and it imports much)

    env = Env(invocation, on_interrupt=ask_interrupted)
    try:
        yield {"env": env}
    finally:
        env.close()


def _confirm(invocation: Invocation) -> None:
    """Ask on a terminal; cron and pipes are never asked. Raises Refused."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    words = shlex.join(["cgctl", *invocation.command_line])
    report.ask(f"{words}: this cannot be undone. Go on? [y/N] ")
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise Refused(words, "not confirmed; nothing was changed", "answer y, or add --yes")


def _present(result: Result, call: Call, invocation: Invocation) -> None:
    form = call.frame.get("format", Format.TABLE)
    columns = call.frame.get("column") or ()
    match result:
        case Show():
            report.write(render_show(result, form, columns))
        case Listing():
            _present_listing(result, form, _selection(call.frame), invocation)
        case Several():
            _try_all(result, call.name, invocation)
        case Done(message) if message:
            report.say(message, invocation)


def _present_listing(listing: Listing, form: Format, selection: Selection, invocation: Invocation) -> None:
    page = page_of(listing, selection, whole=form in {Format.JSON, Format.YAML})
    count = f"{listing.noun} in total: {page.total}"
    counted = selection.with_count and form is Format.TABLE  # other forms are for programs: there it goes to stderr
    silent = listing.when_empty is not None and form is Format.TABLE and not page.total and not counted
    if not silent:
        report.write(render_page(page, form) + (f"{count}\n" if counted else ""))
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    empty = listing.when_empty if silent and on_terminal else None
    for note in (empty, listing.note, count if selection.with_count and not counted else None):
        if note:
            report.say(note, invocation)
    if listing.failure:
        raise listing.failure


def _selection(frame: Mapping[str, Any]) -> Selection:
    return Selection(
        columns=frame.get("column") or (),
        long=frame.get("long", False),
        sort=frame.get("sort"),
        limit=frame.get("limit"),
        marker=frame.get("marker"),
        with_count=frame.get("with_count", False),
    )


def _outcomes(several: Several) -> Iterator[DryRun | CgctlError | None]:
    """Of each subject, in their order."""

    def outcome(subject: str) -> DryRun | CgctlError | None:
        try:
            several.act(subject)
        except (DryRun, CgctlError) as told:
            return told
        except DriverError as error:
            return explain(error, subject)
        return None

    if several.stop is None or len(several.subjects) == 1:
        return map(outcome, several.subjects)
    return side_by_side(outcome, several.subjects, several.stop)


def _try_all(several: Several, name: str, invocation: Invocation) -> None:
    """All subjects are tried. One subject: its own error. Several: each failure told, then the code of the whole."""
    failures: list[tuple[str, CgctlError]] = []
    for subject, outcome in zip(several.subjects, _outcomes(several), strict=True):
        match outcome:
            case None:
                report.say(f"{subject}: {several.done}", invocation)
            case DryRun():
                report.write("".join(f"would: {printable(step)}\n" for step in outcome.steps))
            case _:
                failures.append((subject, outcome))
    if not failures:
        return
    if len(several.subjects) == 1:
        raise failures[0][1]
    for _, failure in failures:
        report.tell(failure)
    codes = {failure.exit_code for _, failure in failures}
    if len(failures) == len(several.subjects) and len(codes) == 1:
        raise typer.Exit(codes.pop())
    again = f"mend what is told above, then the same command for: {shlex.join(subject for subject, _ in failures)}"
    raise PartlyFailed(name, f"{len(failures)} of {len(several.subjects)} failed", again)
