"""`group-snapshot-*`, and `cgsnapshot-*`: the same group snapshots under Cinder's older words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import BackendIsGone, Description, Filters, Name, pairs
from cgctl.cli.result import Column, Listing, Several, Show
from cgctl.manager import replication

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Group = Annotated[str, typer.Argument(metavar="GROUP", help="Group, by name or id.")]
Reference = Annotated[str, typer.Argument(metavar="GROUP_SNAPSHOT", help="Group snapshot, by name or id.")]
References = Annotated[list[str], typer.Argument(metavar="GROUP_SNAPSHOT...", help="Group snapshots.")]
Status = Annotated[str | None, typer.Option("--status", help="Only with this status.")]
COLUMNS = (Column("ID", "id"), Column("Status", "status"), Column("Name", "name"))
SHOWN = (
    "created_at",
    "description",
    "group_id",
    "group_type_id",
    "hold",
    "id",
    "name",
    "project_id",
    "snapshots",
    "status",
)
CG_SHOWN = ("consistencygroup_id", "created_at", "description", "hold", "id", "name", "status")


@command("group-snapshot-create", changes=True)
def group_snapshot_create(
    env: Env,
    group: Group,
    name: Name = None,
    description: Description = None,
    replicate: Annotated[
        bool, typer.Option("--replicate", help="On every other backend of a replicated group, too, as NAME@BACKEND.")
    ] = False,
) -> Show:
    """Snapshot a group: all volumes at one point in time.

    Replicas stay, whichever backend serves the group; keep_snapshots of a replication target says how many.
    """
    if replicate:
        row = replication.snapshots.create_replicated(env, group, name, description)
    else:
        row = manager.group_snapshots.create_group_snapshot(env, group, name, description)
    return Show(manager.reads.group_snapshot(env, row.id), SHOWN)


@command("cgsnapshot-create", changes=True)
def cgsnapshot_create(env: Env, group: Group, name: Name = None, description: Description = None) -> Show:
    """Snapshot a group: Cinder's older word."""
    row = manager.group_snapshots.create_group_snapshot(env, group, name, description)
    return Show(manager.reads.group_snapshot(env, row.id), CG_SHOWN)


@command("group-snapshot-delete", "cgsnapshot-delete", changes=True, destructive=True)
def group_snapshot_delete(env: Env, references: References, backend_is_gone: BackendIsGone = False) -> Several:
    """Delete group snapshots."""

    def delete(one: str) -> None:
        manager.group_snapshots.delete_group_snapshot(env, one, backend_is_gone=backend_is_gone)

    return Several(references, delete, "deleted")


@command("group-snapshot-list")
def group_snapshot_list(
    env: Env,
    status: Status = None,
    group_id: Annotated[str | None, typer.Option("--group-id", help="Only of this group, by name or id.")] = None,
    filters: Filters = None,
) -> Listing:
    """List the group snapshots."""
    return _listing(env, {"status": status, "group_id": group_id, **pairs(filters)})


@command("cgsnapshot-list")
def cgsnapshot_list(
    env: Env,
    status: Status = None,
    group_id: Annotated[
        str | None, typer.Option("--consistencygroup-id", help="Only of this group, by name or id.")
    ] = None,
) -> Listing:
    """List the group snapshots: Cinder's older word."""
    return _listing(env, {"status": status, "group_id": group_id})


def _listing(env: Env, filters: Mapping[str, str | None]) -> Listing:
    return Listing(
        lambda keys: manager.reads.group_snapshots(env, filters, keys),
        COLUMNS,
        manager.views.GROUP_SNAPSHOT.keys,
        "Group snapshot",
    )


@command("group-snapshot-show")
def group_snapshot_show(env: Env, reference: Reference) -> Show:
    """Show a group snapshot, with the receipt of its hold."""
    return Show(manager.reads.group_snapshot(env, reference), SHOWN)


@command("cgsnapshot-show")
def cgsnapshot_show(env: Env, reference: Reference) -> Show:
    """Show a group snapshot: Cinder's older word."""
    return Show(manager.reads.group_snapshot(env, reference), CG_SHOWN)


@command("group-revert-to-snapshot", changes=True, destructive=True)
def group_revert_to_snapshot(
    env: Env,
    reference: Reference,
    name: Annotated[str | None, typer.Option("--name", help="Of the group snapshot that keeps what is there.")] = None,
    force_detach: Annotated[bool, typer.Option("--force-detach", help="Detach attached volumes first.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Do not keep what is there now.")] = False,
) -> Show:
    """Take a whole group back to one of its group snapshots.

    All members change at once. What is there now is kept as a group snapshot, before-revert-TIME,
    unless it is discarded. Volumes that were extended since keep their size and end in zeros.

    With --force-detach the attachments end, and have to be made again: a client that logged in by
    itself would write what it has cached over the old data.
    """
    done = manager.group_revert.revert_group(
        env, manager.group_revert.Wanted(reference, name, force_detach=force_detach, discard=discard)
    )
    fields = manager.reads.group(env, done.group.id)
    reverted = {
        "reverted_to": done.source.id,
        "kept_group_snapshot_id": done.kept.row.id if done.kept else None,
        "detached": [one.id for one in done.attachments],
    }
    return Show({**fields, **reverted}, ("id", "name", "status", *reverted))
