"""`manage unmanage manageable-list` and their `snapshot-` twins: what is in a pool and not cgctl's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import AvailabilityZone, Cluster, Description, Metadata, Name, refuse_cluster
from cgctl.cli.result import Column, Done, Listing, Show
from cgctl.cli.volume import SHOWN, Reference
from cgctl.errors import NotFound, UsageError
from cgctl.model.names import parse_pairs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Host = Annotated[str | None, typer.Argument(help="Backend.")]
Identifier = Annotated[str, typer.Argument(help="Reference, as the manageable list shows it.")]


SOURCE_NAME = "source-name"
IdType = Annotated[str, typer.Option("--id-type", metavar=SOURCE_NAME, help="What the identifier is.")]
Detailed = Annotated[
    bool,
    typer.Option("--detailed/--no-detailed", help="With reasons; True or False may follow."),
]
After = Annotated[str | None, typer.Option("--marker", metavar="REFERENCE", help="Only rows after this reference.")]
Offset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Leave out the first N rows.")]
PLAIN = (Column("reference", "reference"), Column("size", "size"), Column("safe_to_manage", "safe_to_manage"))
SOURCE = (Column("source_reference", "source_reference"),)
DETAILS = (
    Column("reason_not_safe", "reason_not_safe"),
    Column("cinder_id", "cinder_id"),
    Column("extra_info", "extra_info"),
)
KEYS = tuple(column.key for column in (*PLAIN, *SOURCE, *DETAILS))


@command("manage", changes=True)
def manage(
    env: Env,
    host: Annotated[str, typer.Argument(help="Backend.")],
    identifier: Identifier,
    id_type: IdType = SOURCE_NAME,
    name: Name = None,
    description: Description = None,
    volume_type: Annotated[str | None, typer.Option("--volume-type", metavar="TYPE", help="Volume type.")] = None,
    availability_zone: AvailabilityZone = None,
    metadata: Metadata = None,
    bootable: Annotated[bool, typer.Option("--bootable", hidden=True)] = False,  # noqa: ARG001
    group_id: Annotated[
        str | None, typer.Option("--group-id", metavar="GROUP", help="Make it a member of this group.")
    ] = None,
    cluster: Cluster = None,
) -> Show:
    """Make a volume of what is in a pool and not cgctl's.

    Its data are not copied; it is gone from its old place."""
    refuse_cluster(cluster)
    _check_id_type(id_type)
    if availability_zone and env.backends.get(host).availability_zone != availability_zone:
        zone = env.backends.get(host).availability_zone
        raise UsageError(f"backend {host}", f"is in zone {zone}, not {availability_zone}", "leave the zone out")
    words = manager.manageable.taking.Words(name, description, parse_pairs("metadata", metadata or ()))
    made = manager.manageable.taking.manage_volume(env, host, identifier, words, volume_type, group_id)
    return Show(manager.reads.volume(env, made.id), SHOWN)


@command("unmanage", changes=True)
def unmanage(env: Env, reference: Reference) -> Done:
    """Give a volume back: cgctl forgets it, its data stay.

    They are told under which name they are in the pool."""
    done = manager.manageable.leaving.unmanage_volume(env, reference)
    return Done(f"volume {reference}: is now {done.reference} in the pool of {done.row.host}")


@command("manageable-list")
def manageable_list(
    env: Env,
    host: Host = None,
    detailed: Detailed = True,
    marker: After = None,
    offset: Offset = 0,
    cluster: Cluster = None,
) -> Listing:
    """List what is in a pool, and whether it could be managed."""
    rows = manager.manageable.listing.list_manageable(env, _named(host, cluster))
    return _listing(_rest(rows, marker, offset), PLAIN, detailed=detailed)


@command("snapshot-manage", changes=True)
def snapshot_manage(
    env: Env,
    reference: Reference,
    identifier: Identifier,
    id_type: IdType = SOURCE_NAME,
    name: Name = None,
    description: Description = None,
    metadata: Metadata = None,
) -> Show:
    """Make a snapshot of a volume of what is in its pool.

    That it once was the volume's data is your word."""
    _check_id_type(id_type)
    words = manager.manageable.taking.Words(name, description, parse_pairs("metadata", metadata or ()))
    return Show(
        manager.reads.snapshot(env, manager.manageable.taking.manage_snapshot(env, reference, identifier, words).id)
    )


@command("snapshot-unmanage", changes=True)
def snapshot_unmanage(env: Env, snapshot: Annotated[str, typer.Argument(help="Snapshot, by name or id.")]) -> Done:
    """Give a snapshot back: cgctl forgets it, its data stay."""
    done = manager.manageable.leaving.unmanage_snapshot(env, snapshot)
    return Done(f"snapshot {snapshot}: is now {done.reference} in the pool of {done.row.host}")


@command("snapshot-manageable-list")
def snapshot_manageable_list(
    env: Env,
    host: Host = None,
    detailed: Detailed = True,
    marker: After = None,
    offset: Offset = 0,
    cluster: Cluster = None,
) -> Listing:
    """List what is in a pool, and whether it could be managed as a snapshot."""
    rows = manager.manageable.listing.list_manageable(env, _named(host, cluster), snapshots=True)
    return _listing(_rest(rows, marker, offset), (*PLAIN, *SOURCE), detailed=detailed)


def _listing(rows: list[dict[str, object]], columns: tuple[Column, ...], *, detailed: bool) -> Listing:
    return Listing(rows, (*columns, *DETAILS) if detailed else columns, KEYS)


def _check_id_type(word: str) -> None:
    if word != SOURCE_NAME:
        raise UsageError(f"id type {word}", "is unknown", f"leave it out: it is {SOURCE_NAME}")


def _named(host: str | None, cluster: str | None) -> str:
    refuse_cluster(cluster)
    if host is None:
        raise UsageError("manageable-list", "names no backend", "see what is there: cgctl backend-list")
    return host


def _rest(rows: list[dict[str, object]], marker: str | None, offset: int) -> list[dict[str, object]]:
    """What comes behind the marker and the offset."""
    if marker is not None:
        references = [row["reference"] for row in rows]
        if marker not in references:
            raise NotFound(f"marker {marker}", "is no reference of this list", "leave --marker out")
        rows = rows[references.index(marker) + 1 :]
    return rows[offset:]
