"""Drills: tests of a failover that disturb nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl.cli.command import command
from cgctl.cli.drill_page import write_page
from cgctl.cli.result import Column, Listing, Several, Show
from cgctl.manager import replication

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

KEYS = (
    "id",
    "group_id",
    "group",
    "host",
    "check",
    "point_id",
    "taken_at",
    "started_at",
    "ended_at",
    "rto_seconds",
    "rpo_seconds",
    "verdict",
    "reason",
    "is_kept",
    "connections",
    "timeline",
    "log",
)
SHOWN = tuple(key for key in KEYS if key not in {"connections", "timeline"})
DrillId = Annotated[str, typer.Argument(metavar="DRILL", help="Drill, by its id.")]


@command("group-test-failover", changes=True)
def group_test_failover(
    env: Env,
    reference: Annotated[str, typer.Argument(metavar="GROUP", help="Group, by name or id.")],
    check: Annotated[
        str | None, typer.Option("--check", metavar="CMD", help="Shell command of this machine that tries the clone.")
    ] = None,
    secondary_backend_id: Annotated[
        str | None, typer.Option("--secondary-backend-id", metavar="ID", help="Replication target to test.")
    ] = None,
    initiator: Annotated[
        str | None, typer.Option("--initiator", metavar="IQN", help="Who may use the clone, by iSCSI.")
    ] = None,
    ip: Annotated[str | None, typer.Option("--ip", metavar="ADDRESS", help="Who may use the clone, by NFS.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the clone there, until drill-end.")] = False,
) -> Show:
    """Test a failover on a clone, beside the running replication.

    The newest recovery point is cloned where it is and offered under names of its own; the check finds
    CGCTL_CONNECTIONS (lines `NAME PORTAL IQN LUN USER` or `NAME PORTAL PATH`), CGCTL_INITIATOR, CGCTL_SECRET and
    CGCTL_SOURCES (`NAME PATH` on the server) in its environment. NAME is the id where a name is not one word, or
    another member's, too.
    Afterwards the clone is removed, whatever happened. Exit code 6 when the check fails.

    With --keep it stays, also when the check fails; the result has CGCTL_SECRET, once, as JSON has `connections`.
    """
    wanted = replication.drill.checked_test(secondary_backend_id, check, initiator, ip, keep=keep)
    drill_id, told = replication.drill.test_failover(env, reference, wanted)
    if not keep:
        return Show(replication.views.drill(env, drill_id), SHOWN)
    return Show({**replication.views.drill(env, drill_id), **told}, (*SHOWN, "connections", *told))


@command("drill-end", changes=True)
def drill_end(
    env: Env, references: Annotated[list[str], typer.Argument(metavar="DRILL...", help="Drills, by their ids.")]
) -> Several:
    """Remove the clones that drills have kept.

    What the drills came to stays to be read: drill-show.
    """
    return Several(references, lambda one: replication.drill_end.end_drill(env, one), "clone removed")


@command("drill-list")
def drill_list(
    env: Env,
    reference: Annotated[str | None, typer.Argument(metavar="[GROUP]", help="Group, by name or id.")] = None,
) -> Listing:
    """List the tests of failovers."""
    columns = (
        Column("ID", "id"),
        Column("Group", "group"),
        Column("Started", "started_at"),
        Column("RTO", "rto_seconds"),
        Column("RPO", "rpo_seconds"),
        Column("Verdict", "verdict"),
        Column("Kept", "is_kept"),
    )
    return Listing(replication.views.drills(env, reference), columns, KEYS)


@command("drill-show")
def drill_show(
    env: Env,
    drill_id: DrillId,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write it as a page with its timeline, too.")
    ] = None,
) -> Show:
    """Show a test of a failover with its log."""
    found = replication.views.drill(env, drill_id)
    if html is not None:
        write_page(html, found)
    return Show(found, SHOWN)
