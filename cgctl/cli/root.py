"""`cgctl` itself: finds commands in the table, loads one only when it is called, prints the overview."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from cgctl.cli.examples import example_of
from cgctl.cli.table import COMMANDS, SECTIONS
from cgctl.cli.typer_costs import convert_only_given
from cgctl.errors import EXIT_CODES, UsageError

UsageProblem: type[Any] = typer.BadParameter.__mro__[1]
"""click's UsageError; Typer does not export it, and keeps it in different places from version to version."""


class Root(TyperGroup):
    """The group of all commands; knows their names and summaries without importing them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click does."""
        convert_only_given(self.get_params(ctx))
        for word in args:
            _refuse_broken(word)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """All names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import the command's module and build it; None for an unknown name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        from cgctl.cli.command import build  # noqa: PLC0415 (the overview does without)

        return build(getattr(import_module(f"cgctl.cli.{entry.module}"), entry.function), cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """`help X` as Cinder has it, and the closest names for an unknown one."""
        if args[0] == "help":
            args = [*args[1:2], "--help"]
        if args[0] == "--help":
            self.parse_args(ctx, args)
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise unknown_command(args[0])
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names from the table; options as Typer does."""
        from typer._click.shell_completion import CompletionItem  # noqa: PLC0415

        names = [CompletionItem(n, help=e.summary) for n, e in COMMANDS.items() if n.startswith(incomplete)]
        return names + super(TyperGroup, self).shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The commands by section, then the exit codes."""
        for heading, entries in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, entry.summary) for name, entry in entries.items()])
        with formatter.section("Example"):
            formatter.write_dl([(example_of("group-snapshot-create"), "one point in time of all volumes of a group")])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def _refuse_broken(word: str) -> None:
    """What is no text can neither be stored nor looked for."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"'{word}'", "is not UTF-8", "write it in UTF-8, and let the terminal's locale be UTF-8"
        ) from None


def unknown_command(name: str) -> UsageError:
    """What to say of a command that is not there."""
    from difflib import get_close_matches  # noqa: PLC0415 (for a wrong word only)

    near = [known for known in COMMANDS if name and known.startswith(name)][:5] or get_close_matches(name, COMMANDS, 5)
    hint = f"did you mean: {', '.join(near)}" if near else "all commands: cgctl --help"
    return UsageError(name or "''", "no such command", hint)


def explain_usage(problem: Any) -> UsageError:
    """click's own complaint about words in cgctl's form."""
    path = problem.ctx.command_path if problem.ctx else "cgctl"
    possible: list[str] = sorted(getattr(problem, "possibilities", None) or ())
    reason = problem.message if possible else problem.format_message()
    reason = _INTERNAL.sub("", " ".join(reason.split())).replace("Input should be", "must be").rstrip(".")
    if possible:
        hint = f"{path} --help; did you mean: {', '.join(possible)}"
    elif reason.startswith("No such option: -") and not reason.startswith("No such option: --"):
        hint = f"{path} --help; a word that begins with - and is no option stands behind --"
    else:
        hint = f"{path} --help"
    return UsageError(path, reason[:1].lower() + reason[1:], hint)


_INTERNAL = re.compile(r"Value error, |, unable to parse string as (a|an) \w+")
"""What Typer lets through of its library's wording."""
