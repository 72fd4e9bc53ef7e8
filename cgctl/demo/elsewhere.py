"""The story's second half: the group is replicated to the other pool, goes there, is written to, and comes back."""

from __future__ import annotations

import os

from cgctl.demo.stage import Stage, checksums


def replicate(stage: Stage, group: str) -> None:
    """From enabling to disabling; the checks compare every byte."""
    stage.tell("\n8. A copy of the group in the other pool, brought up to date by what has changed.\n")
    stage.cgctl("group-enable-replication", group)
    _scribble(stage, group)
    stage.cgctl("group-sync-replication", group)
    columns = ("-c", "Replica", "-c", "Lag", "-c", "RPO", "-c", "Bytes")
    stage.cgctl("group-replication-status", group, *columns)
    home = stage.backend(group)
    stage.tell("\n9. The group moves there: the last writes are shipped, nothing is lost.\n")
    _scribble(stage, group)
    before = checksums(stage.images(group))
    stage.cgctl("group-failover-replication", group, "-c", "host", "-c", "is_planned", "-c", "loss_seconds")
    stage.check(stage.backend(group) != home, f"pool {home} does not serve the group any more")
    stage.check(checksums(stage.images(group)) == before, "every volume is what was written last, over there")
    stage.tell("\n10. It is written to over there, and comes back by the difference.\n")
    _scribble(stage, group)
    written = checksums(stage.images(group))
    stage.check(all(written[name] != before[name] for name in before), "every volume holds new data")
    back = ("--secondary-backend-id", "default", "-c", "host", "-c", "reason", "-c", "loss_seconds")
    stage.cgctl("group-failover-replication", group, *back)
    stage.check(stage.backend(group) == home, f"pool {home} serves the group again")
    stage.check(checksums(stage.images(group)) == written, "every volume is what was written over there")
    stage.cgctl("group-disable-replication", group)


def _scribble(stage: Stage, group: str) -> None:
    """New data in the middle of every volume, as a client that is done writing."""
    for path in stage.images(group).values():
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(os.urandom(256 * 1024))
