"""The click command that understands Cinder's spellings and groups its options in `--help`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from cgctl.cli.argv import Grammar, respell
from cgctl.cli.options import PAIR
from cgctl.cli.typer_costs import convert_only_given


class SpelledCommand(TyperCommand):
    """One command of cgctl."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Respell, then parse as click does."""
        convert_only_given(self.get_params(ctx))
        return super().parse_args(ctx, respell(args, grammar_of(self.get_params(ctx))))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """An example that can be pasted, on one line however long it is."""
        from cgctl.cli.examples import example_of  # noqa: PLC0415 (only who reads it pays for it)

        example = example_of(str(self.name))
        if example:
            with formatter.section("Example"):
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, the command's own options, then those that many commands share, a section each."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                own = "Arguments" if parameter.param_type_name == "argument" else "Options"
                heading = getattr(parameter, "rich_help_panel", None) or own
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def grammar_of(parameters: list[Any]) -> Grammar:
    """What `respell` needs to know, read from the declared parameters."""
    valued: set[str] = set()
    greedy: set[str] = set()
    flags: dict[str, str] = {}
    others: set[str] = set()
    for parameter in parameters:
        if parameter.param_type_name != "option":
            continue
        if not getattr(parameter, "is_flag", False):
            valued.update(parameter.opts)
            greedy.update(parameter.opts if parameter.metavar == PAIR and parameter.multiple else ())
        elif parameter.secondary_opts:
            flags.update(dict.fromkeys(parameter.opts, parameter.secondary_opts[0]))
            others.update(parameter.secondary_opts)
        else:
            others.update(parameter.opts)
    return Grammar(frozenset(valued), frozenset(greedy), flags, frozenset(others))
