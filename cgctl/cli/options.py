"""Options that more than one command takes, as types: `name: Name = None`.

The first half is for the commands' own signatures, the second is what the frame adds to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cgctl import __version__
from cgctl.cli.report import write
from cgctl.cli.result import Format
from cgctl.errors import UsageError

PAIR = "KEY=VALUE"
"""The metavar that makes a list option greedy: `--metadata a=1 b=2` (cgctl/cli/argv.py)."""


def refuse_blank(name: str | None) -> str | None:
    """A name of nothing would be what `cgctl delete "$UNSET"` finds."""
    if name is not None and not name.strip():
        raise UsageError("name", "is blank", "give a name, or leave the option out")
    return name


Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", callback=refuse_blank, help="Name, for people; need not be unique."),
]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="Description, for people.")]
AvailabilityZone = Annotated[
    str | None, typer.Option("--availability-zone", metavar="ZONE", help="Only backends of this zone.")
]
Metadata = Annotated[list[str] | None, typer.Option("--metadata", metavar=PAIR, help="Metadata; several may follow.")]
MetadataFilter = Annotated[
    list[str] | None, typer.Option("--metadata", metavar=PAIR, help="Only with this metadata; several may follow.")
]
Image = Annotated[str | None, typer.Option("--image", "--image-id", hidden=True)]
ImageMetadata = Annotated[
    list[str] | None, typer.Option("--image-metadata", "--image_metadata", metavar=PAIR, hidden=True)
]
Filters = Annotated[
    list[str] | None, typer.Option("--filters", metavar=PAIR, help="Only what has these values; several may follow.")
]
Hint = Annotated[
    list[str] | None,
    typer.Option("--hint", metavar=PAIR, help="same_host=VOLUME, different_host=VOLUME."),
]


Detach = Annotated[
    bool, typer.Option("--detach", help="Do not wait: print the activity, to be watched by activity-show and -wait.")
]
AllowAttached = Annotated[
    bool, typer.Option("--allow-attached-volume/--no-allow-attached-volume", help="Volumes may be attached.")
]
BackendIsGone = Annotated[
    bool, typer.Option("--backend-is-gone", help="For good: where it does not answer, the snapshot is forgotten.")
]
Cluster = Annotated[str | None, typer.Option("--cluster", hidden=True)]
ListVolume = Annotated[
    bool,
    typer.Option("--list-volume/--no-list-volume", help="Print the members' ids as well; True or False may follow."),
]
IsPublic = Annotated[
    bool | None,
    typer.Option("--is-public/--no-is-public", help="Kept as Cinder's word (one tenant); True or False may follow."),
]
"""Flags with their opposite take a boolean word, as in Cinder (cgctl/cli/argv.py); a bare `--is-public` would not."""


def refuse_cluster(cluster: str | None) -> None:
    """Cinder's clusters of services do not exist here. Raises UsageError."""
    if cluster is not None:
        raise UsageError(f"cluster {cluster}", "there are no clusters", "name a backend: cgctl backend-list")


def refuse_images(command: str, *images: str) -> None:
    """There is no image service that volumes could come from. Raises UsageError."""
    if images:
        raise UsageError(command, "knows no images", "create the volume, then copy the image to where it is attached")


def pairs(words: Sequence[str] | None) -> dict[str, str]:
    """`["a=1", "b="]` as a dict. Raises UsageError for a word without `=` or without a key."""
    found: dict[str, str] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(word, "is not a key=value pair", "write key=value, without spaces around the =")
        found[key.strip()] = value
    return found


# --- what the frame adds: parameter name -> (annotated type, default)
Added = dict[str, tuple[Any, Any]]
OUTPUT = "Output options"
COMMON = "Common options"


def print_version(wanted: bool) -> None:
    """The callback of `--version`."""
    if wanted:
        write(f"cgctl {__version__}\n")
        raise typer.Exit


Config = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Configuration file.", rich_help_panel=COMMON)
]
State = Annotated[
    str | None, typer.Option("--state", metavar="URL", help="State store, as SQLAlchemy URL.", rich_help_panel=COMMON)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors.", rich_help_panel=COMMON)]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Tell each remote command, secrets masked.", rich_help_panel=COMMON)
]
Debug = Annotated[bool, typer.Option("--debug", help="As --verbose, and tracebacks.", rich_help_panel=COMMON)]
LockTimeout = Annotated[
    float | None,
    typer.Option(
        "--lock-timeout",
        metavar="SECONDS",
        min=0,
        help="How long to wait for another operation (10).",
        rich_help_panel=COMMON,
    ),
]
Version = Annotated[bool, typer.Option("--version", is_eager=True, callback=print_version, help="Print the version.")]
ROOT: Added = {
    "config": (Config, None),
    "state": (State, None),
    "quiet": (Quiet, False),
    "verbose": (Verbose, False),
    "debug": (Debug, False),
    "lock_timeout": (LockTimeout, None),
}

PrintAs = Annotated[Format, typer.Option("-f", "--format", help="How the result is printed.", rich_help_panel=OUTPUT)]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "-c",
        "--column",
        metavar="NAME",
        help="Only this column, by heading or key; repeat for more.",
        rich_help_panel=OUTPUT,
    ),
]
PRINTING: Added = {"format": (PrintAs, Format.TABLE), "column": (Columns, None)}

Long = Annotated[bool, typer.Option("--long", help="All columns.", rich_help_panel=OUTPUT)]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort", metavar="COLUMN[:asc|desc]", help="Order; several with a comma between.", rich_help_panel=OUTPUT
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=0, help="At most N rows.", rich_help_panel=OUTPUT)
]
Marker = Annotated[
    str | None, typer.Option("--marker", metavar="ID", help="Only rows after this id.", rich_help_panel=OUTPUT)
]
WithCount = Annotated[
    bool,
    typer.Option(
        "--with-count/--no-with-count",
        help="The number of rows as well; True or False may follow.",
        rich_help_panel=OUTPUT,
    ),
]
AllTenants = Annotated[
    bool, typer.Option("--all-tenants/--no-all-tenants", hidden=True, help="Accepted and ignored: there is one tenant.")
]
Tenant = Annotated[str | None, typer.Option("--tenant", hidden=True, help="Accepted and ignored: there is one tenant.")]
LISTING: Added = {
    "long": (Long, False),
    "sort": (Sort, None),
    "limit": (Limit, None),
    "marker": (Marker, None),
    "with_count": (WithCount, False),
    "all_tenants": (AllTenants, False),
    "tenant": (Tenant, None),
}

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done; touch nothing.", rich_help_panel=COMMON)
]
DRY_RUN: Added = {"dry_run": (DryRun, False)}

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.", rich_help_panel=COMMON)]
YES: Added = {"yes": (Yes, False)}
