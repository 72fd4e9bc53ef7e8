"""The root of the command line and `main`, the only place where an error becomes an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import typer
from typer.main import get_command

from cgctl.cli import options, report
from cgctl.cli.crash import reader_gone, silence_stdout, tell_crash
from cgctl.cli.root import Root, UsageProblem, explain_usage
from cgctl.cli.typer_costs import complete_without_markup
from cgctl.errors import CgctlError
from cgctl.failures import explain
from drivers.errors import DriverError

INTERRUPTED = 130
PIPE_CLOSED = 141

app = typer.Typer(
    cls=Root,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    context: typer.Context,
    config: options.Config = None,
    state: options.State = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    lock_timeout: options.LockTimeout = None,
    version: options.Version = False,  # noqa: ARG001 (its callback prints and leaves)
) -> None:
    """Consistency groups for plain Linux storage servers: many volumes snapshotted, cloned and exported as one."""
    context.obj |= {
        "config": config,
        "state": state,
        "quiet": quiet,
        "verbose": verbose,
        "debug": debug,
        "lock_timeout": lock_timeout,
    }


def entry() -> NoReturn:
    """The installed command: `main`, then out at once: taking the interpreter down costs 45 of 400 ms."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by the caller: `>&-`
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's) and return its exit code; never raises an error of cgctl."""
    words = list(sys.argv[1:] if argv is None else argv)
    _print_anything()
    try:
        return _run(words)
    except CgctlError as error:
        report.tell(error)
        return error.exit_code
    except BrokenPipeError as error:
        if not reader_gone():
            return _crashed(error, words)
        silence_stdout()
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        report.tell(
            CgctlError(
                "cgctl", "interrupted", "what was under way is settled by the next command on it, or: cgctl recover"
            )
        )
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the one place: whatever else it is, it is a bug, and is logged)
        return _crashed(error, words)


def _run(words: list[str]) -> int:
    group = get_command(app)
    if "_CGCTL_COMPLETE" in os.environ:
        complete_without_markup()
        group.main(words, prog_name="cgctl")
    try:
        with group.make_context("cgctl", words.copy(), obj={"words": words}) as context:
            group.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    except UsageProblem as problem:
        raise explain_usage(problem) from problem
    except DriverError as error:
        raise explain(error, f"cgctl {words[0]}") from error
    return 0


def _crashed(error: Exception, words: list[str]) -> int:
    tell_crash(error, words, debug="--debug" in words)
    return 1


def _print_anything() -> None:
    """A character that the terminal's encoding lacks is escaped, not a reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
