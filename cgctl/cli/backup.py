"""`backup-*` and `group-backup-*`: backups of volumes, snapshots and groups, in repositories."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import AvailabilityZone, Description, Detach, Filters, Metadata, Name, pairs, refuse_blank
from cgctl.cli.reset_state import Kind, State, resetting
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import UsageError
from cgctl.manager import activities
from cgctl.model.names import parse_pairs

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env
    from cgctl.manager.activities.work import LongWork

Reference = Annotated[str, typer.Argument(metavar="BACKUP", help="Backup, by name or id.")]
References = Annotated[list[str], typer.Argument(metavar="BACKUP...", help="Backups, by name or id.")]
Repository = Annotated[
    str | None,
    typer.Option("--container", "--repository", metavar="REPOSITORY", help="Repository; default: the configured one."),
]
Incremental = Annotated[bool, typer.Option("--incremental", help="Store only what the last backup of it has not.")]
Status = Annotated[str | None, typer.Option("--status", help="Only with this status.")]
NameFilter = Annotated[str | None, typer.Option("--name", help="Only with this name.")]
Held = Annotated[
    str | None,
    typer.Option("--repository", metavar="REPOSITORY", help="What it holds, known or not: read there."),
]
VolumeType = Annotated[
    str | None, typer.Option("--volume-type", metavar="TYPE", help="Volume type; default: the same as then.")
]
COLUMNS = (
    Column("ID", "id"),
    Column("Volume ID", "volume_id"),
    Column("Status", "status"),
    Column("Name", "name"),
    Column("Size", "size"),
    Column("Object Count", "object_count"),
    Column("Container", "container"),
    Column("Repository Host", "repository_host"),
)
GROUP_COLUMNS = (COLUMNS[0], Column("Group ID", "group_id"), *COLUMNS[2:])


class Compression(StrEnum):
    """How chunks are kept."""

    ZSTD = "zstd"
    GZIP = "gzip"
    LZ4 = "lz4"
    NONE = "none"


Compress = Annotated[
    Compression | None, typer.Option("--compression", help="How chunks are kept; default: the repository's.")
]


@command("backup-create", changes=True)
def backup_create(
    env: Env,
    volume: Annotated[str, typer.Argument(help="Volume, by name or id.")],
    container: Repository = None,
    name: Name = None,
    description: Description = None,
    incremental: Incremental = False,
    force: Annotated[bool, typer.Option("--force", help="Accepted: a volume in use is backed up anyway.")] = False,  # noqa: ARG001
    snapshot_id: Annotated[
        str | None, typer.Option("--snapshot-id", metavar="SNAPSHOT", help="One of its snapshots, in its place.")
    ] = None,
    metadata: Metadata = None,
    availability_zone: Annotated[str | None, typer.Option("--availability-zone", hidden=True)] = None,  # noqa: ARG001
    compression: Compress = None,
    detach: Detach = False,
) -> Show:
    """Back a volume, or one of its snapshots, up.

    Into a repository, in chunks that are kept once, each with its sha256. A volume in use is read from a hidden clone.
    """
    entries = dict(parse_pairs("metadata", metadata or ()))
    wanted = manager.backups.creation.Wanted(
        volume, snapshot_id, container, name, description, compression, incremental, entries
    )
    return _launched(env, manager.backups.creation.BackupCreation(env, wanted), detach)


@command("group-backup-create", changes=True)
def group_backup_create(
    env: Env,
    group: Annotated[str, typer.Argument(help="Group, by name or id.")],
    container: Repository = None,
    name: Name = None,
    description: Description = None,
    incremental: Incremental = False,
    group_snapshot: Annotated[
        str | None,
        typer.Option("--group-snapshot", metavar="GROUP_SNAPSHOT", help="One of its group snapshots, in its place."),
    ] = None,
    metadata: Metadata = None,
    compression: Compress = None,
    detach: Detach = False,
) -> Show:
    """Back a whole group up: all members at one point in time.

    Members may be in use. The backup is there with all of them, or not at all.
    """
    entries = dict(parse_pairs("metadata", metadata or ()))
    wanted = manager.backups.creation.Wanted(
        group, group_snapshot, container, name, description, compression, incremental, entries
    )
    return _launched(env, manager.backups.creation.GroupBackupCreation(env, wanted), detach)


def _launched(env: Env, work: LongWork, detach: bool) -> Show:
    row = activities.launch.launch(env, work, detach=detach)
    if detach:
        return Show(activities.handles.view(row))
    if row.subject_kind == "volume":
        return Show(manager.reads.volume(env, row.subject_id))
    if row.subject_kind == "group":
        return Show(manager.reads.group(env, row.subject_id))
    return Show(manager.backups.reads.backup(env, row.subject_id))


@command("backup-list")
def backup_list(
    env: Env,
    name: NameFilter = None,
    status: Status = None,
    volume_id: Annotated[
        str | None, typer.Option("--volume-id", metavar="VOLUME", help="Only of this volume, by name or id.")
    ] = None,
    filters: Filters = None,
    repository: Held = None,
) -> Listing:
    """List the backups of volumes."""
    wanted = {"name": name, "status": status, "volume_id": volume_id, **pairs(filters)}
    return _listing(env, wanted, repository, groups=False)


@command("group-backup-list")
def group_backup_list(
    env: Env,
    name: NameFilter = None,
    status: Status = None,
    group_id: Annotated[
        str | None, typer.Option("--group-id", metavar="GROUP", help="Only of this group, by name or id.")
    ] = None,
    filters: Filters = None,
    repository: Held = None,
) -> Listing:
    """List the backups of groups."""
    wanted = {"name": name, "status": status, "group_id": group_id, **pairs(filters)}
    return _listing(env, wanted, repository, groups=True)


def _listing(env: Env, wanted: Mapping[str, str | None], repository: str | None, *, groups: bool) -> Listing:
    reads, columns = manager.backups.reads, GROUP_COLUMNS if groups else COLUMNS
    if repository is not None:
        return Listing(reads.held(env, repository, groups=groups), columns, reads.BACKUP.keys, "Backup")
    return Listing(lambda keys: reads.backups(env, wanted, keys, groups=groups), columns, reads.BACKUP.keys, "Backup")


@command("backup-show", "group-backup-show")
def backup_show(env: Env, reference: Reference) -> Show:
    """Show a backup."""
    return Show(manager.backups.reads.backup(env, reference))


@command("backup-restore", changes=True)
def backup_restore(
    env: Env,
    reference: Reference,
    volume: Annotated[
        str | None, typer.Option("--volume", metavar="VOLUME", help="Existing volume, whose data are replaced.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", callback=refuse_blank, help="Name of the new volume.")] = None,
    volume_type: VolumeType = None,
    availability_zone: AvailabilityZone = None,
    detach: Detach = False,
) -> Show:
    """Make a volume of a backup.

    A new one; or with --volume the data of a detached one, whose own go when those of the backup are there and proved.
    """
    if volume is not None and (name is not None or volume_type is not None):
        raise UsageError("backup-restore", "has a new volume and an existing one", "give --volume, or --name")
    wanted = manager.backups.wanted.Wanted(
        reference, volume, name, volume_type=volume_type, availability_zone=availability_zone
    )
    return _launched(env, manager.backups.restoring.restoration(env, wanted), detach)


@command("group-backup-restore", changes=True)
def group_backup_restore(
    env: Env,
    reference: Reference,
    name: Annotated[str | None, typer.Option("--name", callback=refuse_blank, help="Name of the new group.")] = None,
    description: Description = None,
    group_type: Annotated[
        str | None, typer.Option("--group-type", metavar="GROUP_TYPE", help="Group type; default: the same as then.")
    ] = None,
    volume_type: VolumeType = None,
    availability_zone: AvailabilityZone = None,
    detach: Detach = False,
) -> Show:
    """Make a new group of a backup: all members, of one point in time."""
    wanted = manager.backups.wanted.Wanted(
        reference,
        None,
        name,
        description,
        volume_type=volume_type,
        group_type=group_type,
        availability_zone=availability_zone,
    )
    return _launched(env, manager.backups.restoring.group_restoration(env, wanted), detach)


@command("backup-delete", "group-backup-delete", changes=True, destructive=True)
def backup_delete(
    env: Env,
    references: References,
    force: Annotated[bool, typer.Option("--force", help="Accepted: no status protects a backup.")] = False,  # noqa: ARG001
    repository_is_gone: Annotated[
        bool, typer.Option("--repository-is-gone", help="For good: where it does not answer, the backup is forgotten.")
    ] = False,
) -> Several:
    """Delete backups.

    In any order: chunks that other backups need stay theirs."""

    def delete(one: str) -> None:
        manager.backups.removal.delete_backup(env, one, is_given_up=repository_is_gone)

    return Several(references, delete, "deleted")


@command("backup-export")
def backup_export(env: Env, reference: Reference) -> Show:
    """Print what backup-import takes, for another state."""
    return Show(manager.backups.registry.export(env, reference))


@command("backup-import", changes=True)
def backup_import(
    env: Env,
    backup_service: Annotated[str, typer.Argument(help="cgctl: whose format it is.")],
    backup_url: Annotated[str, typer.Argument(help="REPOSITORY/ID; or REPOSITORY: all that it holds.")],
) -> Listing:
    """Bring backups of a repository into this state.

    Nothing but the repository is needed: each backup's manifest says what it is of."""
    ids, failure = manager.backups.registry.import_backups(env, backup_service, backup_url)
    reads = manager.backups.reads
    return Listing([reads.backup(env, one) for one in ids], COLUMNS, reads.BACKUP.keys, "Backup", failure=failure)


@command("backup-verify", changes=True)
def backup_verify(env: Env, reference: Reference, detach: Detach = False) -> Listing | Show:
    """Read and prove every chunk of a backup; lists what is damaged.

    An activity, where the repository is."""
    if detach:
        return Show(activities.handles.view(manager.backups.verification.begin(env, reference)))
    row, verdict, failure = manager.backups.verification.verify(env, reference)
    names = {str(member["id"]): member.get("name") for member in row.members}
    rows: list[dict[str, object]] = [
        {
            "member_id": one.member_id,
            "member": names.get(one.member_id),
            "offset": one.offset_bytes,
            "reason": one.reason,
        }
        for one in verdict.damages
    ]
    columns = Column("Member", "member"), Column("Offset", "offset"), Column("Reason", "reason")
    note = None if failure else f"backup {reference}: {verdict.chunk_count} chunks are as they were written"
    return Listing(rows, columns, ("member_id", "member", "offset", "reason"), "Damage", note, failure)


@command("backup-update", changes=True)
def backup_update(
    env: Env,
    reference: Reference,
    name: Annotated[str | None, typer.Option("--name", callback=refuse_blank, help="New name.")] = None,
    description: Description = None,
    metadata: Metadata = None,
) -> Done:
    """Change a backup's name, description or metadata."""
    changes: dict[str, object] = {"name": name, "description": description}
    changes["properties"] = dict(parse_pairs("metadata", metadata)) if metadata else None
    given = {key: value for key, value in changes.items() if value is not None}
    manager.backups.registry.update(env, reference, given)
    return Done(f"backup {reference}: changed")


@command("backup-reset-state", changes=True)
def backup_reset_state(
    env: Env,
    references: References,
    state: State = "available",
) -> Several:
    """Set the status of backups by hand.

    Only the state is changed."""
    return resetting(env, Kind.BACKUP, references, state)
