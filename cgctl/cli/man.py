"""`man`: the manual page, made of what `--help` is made of. `cgctl man | man -l -`

Decided 2026-11-21: a command and not a file of the wheel. A page below a virtual environment is found by no `man`, and
a file made at build time would be a second source; the README says how to put the page where `man` looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer

from cgctl import __version__
from cgctl.cli import report
from cgctl.cli.command import build, command
from cgctl.cli.examples import example_of
from cgctl.cli.options import COMMON, OUTPUT
from cgctl.cli.table import SECTIONS
from cgctl.errors import EXIT_CODES

_VARIABLES = {
    "CGCTL_CONFIG": "The configuration file, unless --config names one.",
    "CGCTL_STATE": "The state store, unless --state names one.",
    "CGCTL_CHAP_SECRET": "The secret of the next attachment-create; 12 to 16 letters and digits.",
    "XDG_CONFIG_HOME": "Where the configuration is looked for first: cgctl/config.yaml in it.",
    "XDG_STATE_HOME": "Where the state is kept: cgctl/state.db in it.",
    "NO_COLOR": "No colours on the terminal.",
}
_FILES = {
    "~/.config/cgctl/config.yaml": "The user's configuration.",
    "/etc/cgctl/config.yaml": "The machine's configuration.",
    "/var/lib/cgctl/state.db": "The state of root.",
    "~/.local/state/cgctl/state.db": "The state of others.",
}
_OUTPUT = (
    "Lists and objects are printed as tables, or with -f as json, yaml, csv or bare values. Nothing but the result is "
    "on standard output; messages, warnings and errors are on standard error."
)


@command("man")
def man() -> None:
    """Print the manual page."""
    report.write(page())


def page() -> str:
    """The whole page, as roff with the man macros."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH CGCTL 1 "" "cgctl {_text(__version__)}" "User Commands"'
    yield from (".SH NAME", r"cgctl \- consistency groups for plain Linux storage servers")
    yield from (".SH SYNOPSIS", ".B cgctl", r"[\fIoptions\fR] \fIcommand\fR [\fIoptions\fR] [\fIarguments\fR]")
    yield from (".SH DESCRIPTION", _text(_summary()), ".PP", _text(_OUTPUT))
    shared: dict[str, Any] = {}
    for heading, entries in SECTIONS.items():
        yield f".SH {_text(heading.upper())}"
        for name, entry in entries.items():
            built = build(getattr(import_module(f"cgctl.cli.{entry.module}"), entry.function), name)
            yield from _command(name, built, shared)
    yield ".SH OPTIONS OF MANY COMMANDS"
    for parameter in shared.values():
        yield from _parameter(parameter)
    yield from _table("EXIT STATUS", {str(code): meaning for code, meaning in EXIT_CODES.items()})
    yield from _table("ENVIRONMENT", _VARIABLES)
    yield from _table("FILES", _FILES)


def _summary() -> str:
    from cgctl.cli.app import root  # noqa: PLC0415 (it is what runs this command)

    return " ".join((root.__doc__ or "").split())


def _command(name: str, built: Any, shared: dict[str, Any]) -> Iterator[str]:
    """What it does, its own arguments and options, an example; what many have goes to `shared`."""
    context = typer.Context(built, info_name=f"cgctl {name}")
    arguments = " ".join(piece for piece in built.collect_usage_pieces(context) if piece != "[OPTIONS]")
    yield from (f".SS {_text(name)}", r".nh", rf"\fBcgctl {_text(name)}\fR [\fIoptions\fR] {_text(arguments)}", ".hy")
    for paragraph in re.split(r"\n\s*\n", built.help or ""):
        yield from (".PP", _text(" ".join(paragraph.split())))
    for parameter in built.get_params(context):
        if getattr(parameter, "rich_help_panel", None) in {OUTPUT, COMMON}:
            shared.setdefault(parameter.name, parameter)
        elif "--help" not in parameter.opts:
            yield from _parameter(parameter)
    example = example_of(name)
    if example:
        yield from (".PP", "Example:", ".PP", ".nf", f"    {_text(example)}", ".fi")


def _parameter(parameter: Any) -> Iterator[str]:
    record = parameter.get_help_record(typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None))))
    if record is not None:
        yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _table(heading: str, rows: dict[str, str]) -> Iterator[str]:
    yield f".SH {heading}"
    for word, meaning in rows.items():
        yield from (".TP", rf"\fB{_text(word)}\fR", _text(meaning))


def _text(text: str) -> str:
    """Text that roff takes as it is."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("~", r"\(ti")
    escaped = escaped.replace("^", r"\(ha").replace("`", r"\(ga")
    return rf"\&{escaped}" if escaped.startswith(".") else escaped
