"""Replication of groups: enable, disable, sync, and how replicas are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl.cli.command import command
from cgctl.cli.live import follow, transfer_words
from cgctl.cli.options import AllowAttached, Detach
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import UsageError
from cgctl.manager import activities, replication

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env


SourceIsDown = Annotated[
    bool, typer.Option("--source-is-down", help="Your word that the source serves nobody: go on without it.")
]
AcceptLoss = Annotated[bool, typer.Option("--accept-data-loss", help="Go on although more than the RPO would be lost.")]
DeleteReplicas = Annotated[
    bool,
    typer.Option(
        "--delete-replicas", help="Remove what an earlier replication has left; what served is kept as group snapshot."
    ),
]
LeaveReplicas = Annotated[
    bool,
    typer.Option(
        "--leave-replicas",
        help="Leave copies where a backend is silent or has own writes; a group that failed over stays there.",
    ),
]
Reference = Annotated[str, typer.Argument(metavar="GROUP", help="Group, by name or id.")]


@command("group-enable-replication", changes=True)
def group_enable_replication(
    env: Env, reference: Reference, delete_replicas: DeleteReplicas = False, detach: Detach = False
) -> Done | Show:
    """Replicate a group to the replication targets of its backend.

    A whole copy is made at once; later, `group-sync-replication` ships what has changed.
    """
    if detach:
        return Show(
            activities.handles.view(replication.errands.begin_enabling(env, reference, delete_replicas=delete_replicas))
        )
    replication.switch.enable_replication(env, reference, delete_replicas=delete_replicas)
    return Done(f"group {reference}: replication enabled")


@command("group-disable-replication", changes=True, destructive=True)
def group_disable_replication(env: Env, reference: Reference, leave_replicas: LeaveReplicas = False) -> Done:
    """End the replication of a group and remove its replicas.

    The group goes on where it is served; recovery points are gone, on all backends.
    """
    replication.switch.disable_replication(env, reference, leave_replicas=leave_replicas)
    return Done(f"group {reference}: replication disabled")


@command("group-sync-replication", changes=True)
def group_sync_replication(
    env: Env,
    reference: Annotated[str | None, typer.Argument(metavar="[GROUP]", help="Group, by name or id.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All groups that are replicated.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Of --all, those whose RPO asks for it by now.")] = False,
    new_pool: Annotated[
        bool, typer.Option("--new-pool", help="A far pool without its mark is a new one, not one that is not mounted.")
    ] = False,
    detach: Detach = False,
) -> Several | Show:
    """Take a recovery point and ship what has changed to all replicas.

    For cron: `group-sync-replication --all --due`. A group is due when half of its RPO is over.
    """
    if bool(reference) == every or (due and not every):
        raise UsageError("group-sync-replication", "takes either a GROUP or --all", "--due goes with --all")
    if (detach or new_pool) and reference is None:
        option = "--new-pool" if new_pool else "--detach"
        raise UsageError("group-sync-replication", f"{option} takes a GROUP", "one command for each group")
    if detach and new_pool:
        raise UsageError("group-sync-replication", "--new-pool waits for its end", "leave --detach out")
    if detach and reference:
        return Show(activities.handles.view(replication.errands.begin_sync(env, reference)))
    references = [reference] if reference else replication.sync.due_groups(env, only_due=due)

    def sync(one: str) -> None:
        with env.beside() as own:
            replication.sync.sync_group(own, one, is_new_pool=new_pool)

    return Several(references, sync, "synced", env.interrupt)


@command("group-failover-replication", changes=True)
def group_failover_replication(
    env: Env,
    reference: Reference,
    allow_attached_volume: AllowAttached = False,
    secondary_backend_id: Annotated[
        str | None,
        typer.Option(
            "--secondary-backend-id",
            metavar="ID",
            help="Replication target; `default` fails back. Default: the first configured one.",
        ),
    ] = None,
    source_is_down: SourceIsDown = False,
    accept_data_loss: AcceptLoss = False,
) -> Show:
    """Serve a group from another of its backends, or fail it back.

    While the source answers, nothing is lost: it is fenced, and the last writes are shipped.
    When it does not, the newest recovery point is served; what was lost is told and kept in the result.
    Interrupted anywhere, the same command goes on.
    """
    wishes = replication.failover.Wishes(secondary_backend_id, allow_attached_volume, source_is_down, accept_data_loss)
    return Show(replication.views.generation_view(replication.failover.fail_over(env, reference, wishes)))


@command("failover-host", changes=True)
def failover_host_command(
    env: Env,
    host: Annotated[str, typer.Argument(metavar="HOSTNAME", help="Backend, by its id.")],
    backend_id: Annotated[
        str | None,
        typer.Option("--backend-id", "--backend_id", metavar="ID", help="Replication target; `default` fails back."),
    ] = None,
    source_is_down: SourceIsDown = False,
    accept_data_loss: AcceptLoss = False,
) -> Listing:
    """Fail over every replicated group that a backend serves.

    Attached volumes go along. What is not replicated is named and stays.
    """
    wishes = replication.failover.Wishes(backend_id, True, source_is_down, accept_data_loss)
    rows, failure = replication.failover_host.fail_over_host(env, host, wishes)
    columns = (Column("Kind", "kind"), Column("Name", "name"), Column("Result", "result"))
    return Listing(rows, columns, ("kind", "id", "name", "result"), failure=failure)


@command("group-undo-failover", changes=True, destructive=True)
def group_undo_failover(
    env: Env,
    reference: Reference,
    allow_attached_volume: AllowAttached = False,
    source_is_down: Annotated[
        bool, typer.Option("--source-is-down", help="Your word that the backend that serves now serves nobody.")
    ] = False,
) -> Show:
    """Take the last failover back, with what was there before it.

    What was written since the failover is not taken along: it is kept as a group snapshot where it is.
    To take it along, fail back: group-failover-replication --secondary-backend-id default.
    """
    row = replication.undo.undo_failover(
        env, reference, allow_attached_volume=allow_attached_volume, source_is_down=source_is_down
    )
    return Show(replication.views.generation_view(row))


@command("group-verify-replica", changes=True)
def group_verify_replica(
    env: Env,
    reference: Reference,
    secondary_backend_id: Annotated[
        str | None, typer.Option("--secondary-backend-id", metavar="ID", help="Only this replication target.")
    ] = None,
    detach: Detach = False,
) -> Listing | Show:
    """Compare the data of a replica with those of the backend that serves.

    Both servers read the newest common recovery point and tell checksums of its blocks; nothing is carried, and syncs
    and failovers do not wait. Exit code 6 when something differs: volume and range of bytes are named.
    An activity of this machine.
    """
    if detach:
        begun = replication.verify.begin(env, reference, secondary_backend_id)
        return Show(activities.handles.view(begun))
    rows, failure = replication.verify.verify_replica(env, reference, secondary_backend_id)
    keys = ("name", "volume_id", "host", "point_id", "size", "chunk_bytes", "result", "ranges")
    columns = (Column("Volume", "name"), Column("Replica", "host"), Column("Bytes", "size"), Column("Result", "result"))
    return Listing(rows, columns, keys, failure=failure)


@command("group-list-replication-targets")
def group_list_replication_targets(env: Env, reference: Reference) -> Listing:
    """List where a group can be replicated to."""
    keys = ("backend_id", "host", "rpo_seconds", "bandwidth_limit_bytes", "is_active")
    columns = (Column("Backend ID", "backend_id"), Column("Host", "host"), Column("RPO", "rpo_seconds"))
    return Listing(replication.views.replication_targets(env, reference), columns, keys)


LIVE_COLUMNS = (
    Column("Group", "group"),
    Column("Status", "replication_status"),
    Column("Replica", "host"),
    Column("Last point", "taken_at"),
    Column("Lag", "lag_seconds"),
    Column("RPO", "rpo_seconds"),
    Column("Transfer", "transfer"),
    Column("Error", "error"),
)


def _live_rows(env: Env, reference: str | None) -> list[dict[str, object]]:
    rows = replication.views.replication_status(env, reference)
    return [{**row, "transfer": transfer_words(row)} for row in rows]


@command("group-replication-status")
def group_replication_status(
    env: Env,
    reference: Annotated[str | None, typer.Argument(metavar="[GROUP]", help="Group, by name or id.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every second, until Ctrl-C.")] = False,
) -> Listing | None:
    """Show how far replicas are behind, of one group or all.

    lag_seconds: what would be lost if the active backend were gone now. No server is asked.
    """
    if watch:
        follow("group-replication-status", lambda: _live_rows(env, reference), LIVE_COLUMNS)
        return None
    columns = (
        Column("Group", "group"),
        Column("Status", "replication_status"),
        Column("Active", "active_host"),
        Column("Replica", "host"),
        Column("Last point", "taken_at"),
        Column("Lag", "lag_seconds"),
        Column("RPO", "rpo_seconds"),
        Column("Bytes", "stream_bytes"),
        Column("Seconds", "seconds"),
        Column("Path", "path"),
        Column("Error", "error"),
    )
    return Listing(replication.views.replication_status(env, reference), columns)
