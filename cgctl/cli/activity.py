"""`activity-*` and `snapshot-replicate`: long work on servers, and its activities.handles."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli import report
from cgctl.cli.command import command
from cgctl.cli.options import Detach, Name
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.manager import activities

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="ACTIVITY", help="Activity, by its id or the beginning of it.")]
References = Annotated[list[str], typer.Argument(metavar="ACTIVITY...", help="Activities, by id.")]
COLUMNS = (
    Column("ID", "id"),
    Column("Kind", "kind"),
    Column("Subject", "subject_name"),
    Column("State", "state"),
    Column("Percent", "percent"),
    Column("Bytes", "done_bytes"),
    Column("Rate", "rate_bytes"),
    Column("Backend", "host"),
    Column("Error", "error"),
)


@command("activity-list")
def activity_list(
    env: Env,
    running: Annotated[bool, typer.Option("--running", help="Only those that are not over.")] = False,
    all_backends: Annotated[
        bool, typer.Option("--all-backends", help="And what is on the servers that this state does not know.")
    ] = False,
) -> Listing:
    """List the activities: long work on the servers.

    Those that run are looked at; those that are over are settled. Backend `-`: it runs on this machine.
    """
    rows = activities.handles.list_all(env, only_under_way=running, all_backends=all_backends)
    return Listing(rows, COLUMNS, activities.handles.KEYS, "Activity")


@command("activity-show")
def activity_show(env: Env, reference: Reference) -> Show:
    """Show an activity, with its progress."""
    return Show(activities.handles.show(env, reference))


@command("activity-wait")
def activity_wait(
    env: Env,
    references: References,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", min=0, help="How long at most, for all of them; then exit code 9."
        ),
    ] = None,
) -> Several:
    """Wait for the end of activities.

    Exit code 0 when it succeeded, 6 when it failed or was lost, 5 when it was cancelled. Ctrl-C ends the waiting alone.
    """
    give_up_at = None if timeout is None else time.monotonic() + timeout

    def wait(one: str) -> object:
        left = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
        return activities.handles.wait(env, one, left)

    return Several(references, wait, "succeeded")


@command("activity-cancel")
def activity_cancel(env: Env, references: References) -> Several:
    """End activities, and remove what they have made.

    Of one that is over already, nothing is done. One that only its server knows (activity-list --all-backends) is
    ended, too, where this state is its owner.
    """
    return Several(references, lambda one: activities.handles.cancel(env, one), "is over")


@command("activity-log")
def activity_log(
    env: Env,
    reference: Reference,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until it is over.")] = False,
) -> Done:
    """Print what an activity has said.

    The newest 128 KiB or more are kept.
    """
    offset = 0
    while True:
        piece = activities.handles.log(env, reference, offset)
        report.write(piece.text)
        offset = piece.next_offset
        if not follow or (piece.state.is_over and not piece.text):
            return Done()
        time.sleep(0 if piece.text else 0.5)


@command("activity-forget")
def activity_forget(
    env: Env,
    references: References,
    server_is_down: Annotated[
        bool, typer.Option("--server-is-down", help="For good: one that is not over is given up, and nothing removed.")
    ] = False,
) -> Several:
    """Forget activities that are over.

    Their servers do so by themselves after a month. With --server-is-down what an activity was made of is free again:
    what is moved is where it was; or where it has come, if that is all that is left of it."""

    def forget(one: str) -> None:
        activities.handles.forget(env, one, server_is_down=server_is_down)

    return Several(references, forget, "forgotten")


@command("snapshot-replicate", changes=True)
def snapshot_replicate(
    env: Env,
    reference: Annotated[
        str, typer.Argument(metavar="SNAPSHOT|GROUP_SNAPSHOT", help="Snapshot or group snapshot, by name or id.")
    ],
    backend: Annotated[str, typer.Argument(metavar="BACKEND", help="Where it shall be as well: a backend's id.")],
    name: Name = None,
    detach: Detach = False,
) -> Show:
    """Copy a snapshot, or a group snapshot, to another backend.

    Of any driver to any driver; nothing of the volume is touched. An anonymous volume is made of the snapshot, copied,
    snapshotted there, and both are deleted.
    """
    work = manager.snapshot_replication.work.SnapshotReplication(env, reference, backend, name)
    row = activities.launch.launch(env, work, detach=detach)
    if detach:
        return Show(activities.handles.view(row))
    if row.subject_kind == "snapshot":
        return Show(manager.reads.snapshot(env, row.subject_id))
    return Show(manager.reads.group_snapshot(env, row.subject_id))
