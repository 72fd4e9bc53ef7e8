"""What Typer 0.29 spends and cgctl need not: 60 ms for pydantic and 50 ms for rich, at each press of the Tab key.

Both reach into Typer's insides; should a later Typer not know the names, cgctl is slower and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any


class _OnlyGiven:
    """Stands in for a parameter's converter until there is a value."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if ctx is not None and ctx.resilient_parsing:
            return value  # a completion: nothing is run with it
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def convert_only_given(parameters: Iterable[Any]) -> None:
    """Let the parameters of a command be converted when they have a value; Typer prepares for each, given or not."""
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", parameter) is None:
            parameter._runtime_param = _OnlyGiven()


def complete_without_markup() -> None:
    """Let zsh and fish have the summaries as they are: they hold no markup that rich would have to remove."""
    with suppress(ImportError, AttributeError):
        from typer import _completion_classes as classes  # noqa: PLC0415 (for completion only)

        classes._sanitize_help_text = lambda text: text
