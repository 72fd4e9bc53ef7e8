"""Commands that exist only to try the frame with, and a table that holds them. `python -m tests.cli.frame_commands`."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from cgctl.cli import table
from cgctl.cli.command import command
from cgctl.cli.invocation import Invocation
from cgctl.cli.options import Filters, Metadata, Name, pairs
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import Locked, NotFound, Refused
from drivers.errors import ConnectionLost, HostKeyChanged, PoolFull

COLUMNS = (Column("ID", "id"), Column("Status", "status"), Column("Name", "name"))
FAILURES = {
    "missing": NotFound("group missing", "there is none", "cgctl group-list"),
    "busy": Locked("group busy", "another operation works on it"),
    "wrong": Refused("group wrong", "its status is creating"),
    "full": PoolFull("Pool /srv/x has no room"),
    "cut": ConnectionLost("stor1 closed the connection"),
    "changed": HostKeyChanged("stor1 shows another key"),
    "bug": ZeroDivisionError("postgresql://me:hunter2@db/x [parameters: ('chap-secret',)]"),
    "pipe": BrokenPipeError(32, "a pipe to a server"),
    "stop": KeyboardInterrupt(),
}


@command("try-show", changes=True)
def try_show(
    invocation: Invocation,
    size: Annotated[int, typer.Argument(help="A size.")],
    name: Name = None,
    metadata: Metadata = None,
    list_volume: Annotated[bool, typer.Option("--list-volume/--no-list-volume")] = False,
) -> Show:
    """Show what was given."""
    return Show(
        {
            "id": "i1",
            "size": size,
            "name": name,
            "metadata": pairs(metadata),
            "list_volume": list_volume,
            "created_at": datetime(2026, 11, 5, 10, tzinfo=UTC),
            "config": invocation.config,
            "state": invocation.state,
            "dry_run": invocation.dry_run,
            "lock_timeout": invocation.lock_timeout_seconds,
            "command_line": invocation.command_line,
        },
        shown=("id", "size", "name", "metadata"),
    )


@command("try-list", "try-list-too")
def try_list(count: Annotated[int, typer.Argument()] = 3, filters: Filters = None) -> Listing:
    """List rows."""
    rows = [{"id": f"i{n}", "status": "available", "name": f"n{n % 2}", "extra": n} for n in range(count)]
    return Listing([row | pairs(filters) for row in rows], COLUMNS)


@command("try-delete", changes=True, destructive=True)
def try_delete(names: Annotated[list[str], typer.Argument()]) -> Several:
    """Delete several."""
    return Several(names, _delete, done="deleted")


def _delete(name: str) -> None:
    if name in FAILURES:
        raise FAILURES[name]


@command("try-failure")
def try_failure(kind: str) -> Done:
    """Fail in a certain way."""
    logging.getLogger("cgctl.test").debug("asked stor1")
    logging.getLogger("cgctl.test").warning("stor1 is slow")
    _delete(kind)
    return Done("request has been accepted")


@command("try-reset")
def try_reset(invocation: Invocation, state: Annotated[str, typer.Option("--state")] = "available") -> Show:
    """Have an option with the word of a common one."""
    return Show({"own": state, "root": invocation.state})


def install() -> None:
    """Put these commands into the table, under the name of a module of cgctl.cli."""
    sys.modules["cgctl.cli.frame_commands"] = sys.modules[__name__]
    found = (try_show, try_list, try_delete, try_failure, try_reset)
    section = {
        name: table.Entry("frame_commands", declared.function.__name__, declared.summary)
        for declared in found
        for name in declared.names
    }
    table.SECTIONS["Trials"] = section
    table.COMMANDS.update(section)


if __name__ == "__main__":
    from cgctl.cli.app import main

    install()
    sys.exit(main())
