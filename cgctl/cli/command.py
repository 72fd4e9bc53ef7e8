"""`@command`: what every command has in common, so that none repeats it.

    @command("group-create", changes=True)
    def group_create(
        env: Env,
        group_type: Annotated[str, typer.Argument(help="Group type, by name or id.")],
        volume_types: Annotated[str, typer.Argument(help="Volume types, with commas between.")],
        name: Name = None,
    ) -> Show:
        \"\"\"Create a consistency group.\"\"\"
        return Show(groups.create(env, ...).as_json())

The first parameter may be `env: Env` (cgctl/cli/wiring/env.py) or `invocation: Invocation`; the others are Typer's.
From the return annotation (Show, Listing, Done, Several, or a union of them) follow the options that the frame adds:
-f -c for what prints, --sort --limit --marker --long for listings, --dry-run for `changes`, --yes for `destructive`
(asked for on a terminal only), and the options of the root. A parameter of the function's own with the same name, or
an option of its own with the same word, takes their place.
A function may serve several commands: `@command("cgsnapshot-list", "group-snapshot-list")`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_type_hints

import typer
from typer.main import get_command

from cgctl.cli import options
from cgctl.cli.completion import complete_objects
from cgctl.cli.invocation import Invocation
from cgctl.cli.result import Listing, Result, Show
from cgctl.cli.spelling import SpelledCommand

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Declared(Generic[P, R]):
    """A decorated function; calling it calls the function, without the frame."""

    names: tuple[str, ...]
    function: Callable[P, R]
    changes: bool
    destructive: bool

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def command(
    *names: str, changes: bool = False, destructive: bool = False
) -> Callable[[Callable[P, R]], Declared[P, R]]:
    """Declare a command. changes: it writes to state or servers. destructive: data is gone afterwards."""

    def declare(function: Callable[P, R]) -> Declared[P, R]:
        return Declared(names, function, changes, destructive)

    return declare


def build(declared: Declared[..., Any], name: str) -> Any:
    """The click command that Typer makes of the function, with everything that the frame adds."""
    own, added = _parameters(declared)

    def call(context: typer.Context, **values: Any) -> None:
        mine = {parameter.name: values[parameter.name] for parameter in own}
        frame = {key: value for key, value in values.items() if key not in mine}
        from cgctl.cli.run import Call, run  # noqa: PLC0415 (the Tab key and --help run nothing)

        run(Call(name, declared.function, mine, frame, context.obj or {}, declared.destructive))

    first = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    call.__signature__ = inspect.Signature([first, *own, *added])  # type: ignore[attr-defined]
    call.__annotations__ = {}
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=SpelledCommand, help=inspect.getdoc(declared.function))(call)
    built = get_command(app)
    complete_objects(built.params)
    return built


def _parameters(declared: Declared[..., Any]) -> tuple[list[inspect.Parameter], list[inspect.Parameter]]:
    """The function's own parameters with resolved annotations, and those that the frame adds."""
    hints = get_type_hints(declared.function, localns={"Env": object, "Invocation": Invocation}, include_extras=True)
    signature = inspect.signature(declared.function)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
        if parameter.name not in {"env", "invocation"}
    ]
    taken = {parameter.name for parameter in own} | _option_names(own)
    added = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for key, (annotation, default) in _added(declared, hints.get("return")).items()
        if key not in taken
    ]
    return own, added


def _option_names(parameters: list[inspect.Parameter]) -> set[str]:
    """Names of the options that the parameters declare explicitly: `--state` as `state`."""
    declared: set[str] = set()
    for parameter in parameters:
        for setting in get_args(parameter.annotation)[1:] if _is_annotated(parameter.annotation) else ():
            words = (getattr(setting, "default", None), *(getattr(setting, "param_decls", None) or ()))
            declared |= {w.strip("-").replace("-", "_") for w in words if isinstance(w, str) and w.startswith("--")}
    return declared


def _is_annotated(annotation: Any) -> bool:
    return hasattr(annotation, "__metadata__")


def _added(declared: Declared[..., Any], returned: Any) -> options.Added:
    results = set(get_args(returned)) or {returned}
    added: options.Added = {}
    if results & {Show, Listing}:
        added |= options.PRINTING
    if Listing in results:
        added |= options.LISTING
    if declared.changes:
        added |= options.DRY_RUN
    if declared.destructive:
        added |= options.YES
    return added | options.ROOT
