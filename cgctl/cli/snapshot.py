"""`snapshot-*`: snapshots of one volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import BackendIsGone, Description, Filters, Metadata, MetadataFilter, Name, pairs, refuse_blank
from cgctl.cli.reset_state import Kind, State, resetting
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.model.names import parse_pairs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

References = Annotated[list[str], typer.Argument(metavar="SNAPSHOT...", help="Snapshots, by name or id.")]
COLUMNS = (
    Column("ID", "id"),
    Column("Volume ID", "volume_id"),
    Column("Status", "status"),
    Column("Name", "name"),
    Column("Size", "size"),
    Column("Consumes Quota", "consumes_quota"),
    Column("User ID", "user_id"),
)


@command("snapshot-create", changes=True)
def snapshot_create(
    env: Env,
    volume: Annotated[str, typer.Argument(help="Volume, by name or id.")],
    name: Name = None,
    description: Description = None,
    metadata: Metadata = None,
    force: Annotated[str | None, typer.Option("--force", hidden=True)] = None,  # noqa: ARG001
) -> Show:
    """Snapshot one volume."""
    row = manager.snapshots.create_snapshot(env, volume, name, description, parse_pairs("metadata", metadata or ()))
    return Show(manager.reads.snapshot(env, row.id))


@command("snapshot-delete", changes=True, destructive=True)
def snapshot_delete(
    env: Env,
    references: References,
    force: Annotated[bool, typer.Option("--force", help="Accepted: no status protects a snapshot.")] = False,  # noqa: ARG001
    backend_is_gone: BackendIsGone = False,
) -> Several:
    """Delete snapshots of single volumes."""

    def delete(one: str) -> None:
        manager.snapshots.delete_snapshot(env, one, backend_is_gone=backend_is_gone)

    return Several(references, delete, "deleted")


@command("snapshot-list")
def snapshot_list(
    env: Env,
    volume_id: Annotated[str | None, typer.Option("--volume-id", help="Only of this volume, by name or id.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Only with this name.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only with this status.")] = None,
    metadata: MetadataFilter = None,
    filters: Filters = None,
) -> Listing:
    """List the snapshots, those of groups among them."""
    wanted = {"volume_id": volume_id, "name": name, "status": status, **pairs(filters)}
    entries = parse_pairs("metadata", metadata or ())
    return Listing(
        lambda keys: manager.reads.snapshots(env, wanted, entries, keys),
        COLUMNS,
        manager.views.SNAPSHOT.keys,
        "Snapshot",
    )


@command("snapshot-show")
def snapshot_show(
    env: Env, reference: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Snapshot, by name or id.")]
) -> Show:
    """Show a snapshot."""
    return Show(manager.reads.snapshot(env, reference))


@command("snapshot-rename", changes=True)
def snapshot_rename(
    env: Env,
    reference: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Snapshot, by name or id.")],
    name: Annotated[str | None, typer.Argument(callback=refuse_blank, help="New name.")] = None,
    description: Description = None,
) -> Done:
    """Change a snapshot's name or description."""
    manager.volume_changes.rename_snapshot(env, reference, name, description)
    return Done(f"snapshot {reference}: renamed")


@command("snapshot-reset-state", changes=True)
def snapshot_reset_state(
    env: Env,
    references: References,
    state: State = "available",
) -> Several:
    """Set the status of snapshots by hand; only the state is changed."""
    return resetting(env, Kind.SNAPSHOT, references, state)
