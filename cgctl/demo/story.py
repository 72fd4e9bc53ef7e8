"""The whole life of a group, told with the commands that an operator would type."""

from __future__ import annotations

import os
from pathlib import Path

from cgctl.demo.elsewhere import replicate
from cgctl.demo.stage import CommandFailed, Stage, checksums

GROUP = "orders"
SNAPSHOT = "friday"
CLONE = "orders-friday"
VOLUMES = ("data", "index", "log")
SIZE = "8M"
DAMAGE = b"overwritten by a bad migration\n" * 1000

Checksums = dict[str, str]


def play(stage: Stage, *, keep: bool) -> None:
    """Tell the story. Failed checks are in `stage.failures`; keep leaves the objects where they are."""
    try:
        _configure(stage)
        _create_group(stage)
        written = _write(stage)
        _snapshot(stage)
        damaged = _damage(stage, written)
        _clone(stage, written, damaged)
        replicate(stage, GROUP)
        if not keep:
            _clean_up(stage)
    except CommandFailed:
        stage.tell("The demo stops here.")


def _configure(stage: Stage) -> None:
    stage.tell(f"""
1. Two pools. Here they are directories of this machine; elsewhere, btrfs pools of servers reached by SSH.

$ export CGCTL_CONFIG={stage.place.configuration}
$ cat $CGCTL_CONFIG
{stage.place.configuration.read_text()}""")
    stage.cgctl("config-check")
    stage.tell("\n2. A volume type, and a group type that demands snapshots at one point in time, and replication.\n")
    stage.cgctl("type-create", "disk", "-c", "id", "-c", "name")
    stage.cgctl("group-type-create", "consistent", "-c", "id", "-c", "name")
    stage.cgctl("group-type-key", "consistent", "set", "consistent_group_snapshot_enabled=<is> True")
    stage.cgctl("group-type-key", "consistent", "set", "consistent_group_replication_enabled=<is> True")
    stage.cgctl("type-key", "disk", "set", "replication_enabled=<is> True")
    stage.cgctl("group-specs-list")


def _create_group(stage: Stage) -> None:
    stage.tell("\n3. A group of three volumes, as a database has them. The scheduler finds the pool.\n")
    stage.cgctl("group-create", "--name", GROUP, "consistent", "disk", "-c", "id", "-c", "host", "-c", "status")
    for name in VOLUMES:
        words = ("--name", name, "--group-id", GROUP, "--volume-type", "disk", SIZE)
        stage.cgctl("create", *words, "-f", "value", "-c", "id")
    stage.cgctl("list", "--group-id", GROUP)
    stage.check(sorted(stage.images(GROUP)) == sorted(VOLUMES), f"group {GROUP} has its three volumes")


def _write(stage: Stage) -> Checksums:
    stage.tell("\n4. The application writes.\n")
    images = stage.images(GROUP)
    empty = checksums(images)
    for path in images.values():
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
    written = _told(stage, images)
    stage.check(_all_differ(empty, written), "every volume holds new data")
    return written


def _snapshot(stage: Stage) -> None:
    stage.tell("\n5. A snapshot of the group: all volumes at one point in time. `hold` is its receipt.\n")
    stage.cgctl("group-snapshot-create", "--name", SNAPSHOT, GROUP, "-c", "id", "-c", "status", "-c", "hold")
    stage.cgctl("group-snapshot-list")


def _damage(stage: Stage, written: Checksums) -> Checksums:
    stage.tell("\n6. Something goes wrong: every volume is damaged.\n")
    images = stage.images(GROUP)
    for path in images.values():
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(DAMAGE)
    damaged = _told(stage, images)
    stage.check(_all_differ(written, damaged), "every volume differs from what was written")
    return damaged


def _clone(stage: Stage, written: Checksums, damaged: Checksums) -> None:
    stage.tell("\n7. A new group from the snapshot; the damaged one stays as it is, to be looked into.\n")
    columns = ("-c", "id", "-c", "status", "-c", "group_snapshot_id")
    stage.cgctl("group-create-from-src", "--group-snapshot", SNAPSHOT, "--name", CLONE, *columns)
    stage.cgctl("list", "--group-id", CLONE)
    cloned = _told(stage, stage.images(CLONE))
    stage.check(cloned == written, "every volume of the clone is what was written before the damage")
    stage.check(checksums(stage.images(GROUP)) == damaged, "the damaged volumes are as they were")


def _clean_up(stage: Stage) -> None:
    stage.tell("\n11. Clean-up.\n")
    pool = stage.backend(GROUP)
    before = stage.objects(pool)
    stage.cgctl("group-delete", "--delete-volumes", CLONE)
    stage.cgctl("group-snapshot-delete", SNAPSHOT)
    stage.cgctl("group-delete", "--delete-volumes", GROUP)
    stage.cgctl("group-type-delete", "consistent")
    stage.cgctl("type-delete", "disk")
    for listing in ("list", "group-list", "group-snapshot-list"):
        stage.check(stage.cgctl(listing, "-f", "value") == "", f"`cgctl {listing}` is empty")
    left = stage.objects(pool)
    stage.check(before > 0 and left == 0, f"pool {pool} held {before} objects, and holds {left} now")
    stage.tell("\n12. What happened is remembered.\n")
    stage.cgctl("history")


def _told(stage: Stage, images: dict[str, Path]) -> Checksums:
    found = checksums(images)
    for name, digest in found.items():
        stage.tell(f"sha256 {name:<6} {digest}")
    return found


def _all_differ(one: Checksums, other: Checksums) -> bool:
    return one.keys() == other.keys() and all(one[name] != other[name] for name in one)
