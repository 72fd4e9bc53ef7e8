"""`create delete list show extend rename`: volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cgctl import manager
from cgctl.cli.command import command
from cgctl.cli.options import (
    AllTenants,
    AvailabilityZone,
    Description,
    Filters,
    Hint,
    Image,
    ImageMetadata,
    Metadata,
    MetadataFilter,
    Name,
    pairs,
    refuse_blank,
    refuse_images,
)
from cgctl.cli.result import Column, Done, Listing, Several, Show
from cgctl.errors import UsageError
from cgctl.model.names import parse_pairs, parse_size

if TYPE_CHECKING:
    from cgctl.cli.wiring.env import Env

Reference = Annotated[str, typer.Argument(metavar="VOLUME", help="Volume, by name or id.")]
References = Annotated[list[str], typer.Argument(metavar="VOLUME...", help="Volumes, by name or id.")]
COLUMNS = (
    Column("ID", "id"),
    Column("Status", "status"),
    Column("Name", "name"),
    Column("Size", "size"),
    Column("Consumes Quota", "consumes_quota"),
    Column("Volume Type", "volume_type"),
    Column("Bootable", "bootable"),
    Column("Attached to", "attached_to"),
)
SHOWN = (
    "attachments",
    "availability_zone",
    "bootable",
    "consistencygroup_id",
    "consumes_quota",
    "created_at",
    "description",
    "encrypted",
    "group_id",
    "host",
    "id",
    "metadata",
    "migration_status",
    "multiattach",
    "name",
    "os-vol-host-attr:host",
    "provider_id",
    "replication_status",
    "service_uuid",
    "shared_targets",
    "size",
    "snapshot_id",
    "source_volid",
    "status",
    "updated_at",
    "user_id",
    "volume_type",
    "volume_type_id",
)


@command("create", changes=True)
def create(
    env: Env,
    size: Annotated[str | None, typer.Argument(help="GiB, or 512M, 10G, 2T; left out: the source's.")] = None,
    group_id: Annotated[
        str | None, typer.Option("--group-id", "--consisgroup-id", metavar="GROUP", help="Group, by name or id.")
    ] = None,
    snapshot_id: Annotated[
        str | None, typer.Option("--snapshot-id", metavar="SNAPSHOT", help="Source snapshot, by name or id.")
    ] = None,
    source_volid: Annotated[
        str | None, typer.Option("--source-volid", metavar="VOLUME", help="Source volume, by name or id.")
    ] = None,
    backup_id: Annotated[
        str | None, typer.Option("--backup-id", metavar="BACKUP", help="Backup of a volume, by name or id.")
    ] = None,
    image: Image = None,
    name: Name = None,
    description: Description = None,
    volume_type: Annotated[str | None, typer.Option("--volume-type", metavar="TYPE", help="Volume type.")] = None,
    availability_zone: AvailabilityZone = None,
    metadata: Metadata = None,
    hint: Hint = None,
    poll: Annotated[bool, typer.Option("--poll", hidden=True)] = False,  # noqa: ARG001
) -> Show:
    """Create a volume.

    Empty, from a snapshot, from a volume, or from a backup; inside a group with --group-id."""
    refuse_images("cgctl create", *filter(None, [image]))
    if backup_id is not None:
        if group_id or snapshot_id or source_volid or hint:
            raise UsageError("create", "--backup-id stands alone", "leave the group, other sources and hints out")
        restored = manager.backups.wanted.Wanted(
            backup_id,
            None,
            name,
            description,
            volume_type=volume_type,
            availability_zone=availability_zone,
            size_bytes=parse_size(size) if size is not None else None,
            metadata=dict(parse_pairs("metadata", metadata or ())),
        )
        made = manager.activities.launch.launch(env, manager.backups.restoring.restoration(env, restored))
        return Show(manager.reads.volume(env, made.subject_id), SHOWN)
    wanted = manager.volumes.Wanted(
        size_bytes=parse_size(size) if size is not None else None,
        name=name,
        description=description,
        volume_type=volume_type,
        group=group_id,
        snapshot=snapshot_id,
        source=source_volid,
        availability_zone=availability_zone,
        metadata=parse_pairs("metadata", metadata or ()),
        hints=pairs(hint),
    )
    return Show(manager.reads.volume(env, manager.volumes.create_volume(env, wanted).id), SHOWN)


@command("delete", changes=True, destructive=True)
def delete(
    env: Env,
    references: References,
    cascade: Annotated[bool, typer.Option("--cascade", help="With their snapshots.")] = False,
) -> Several:
    """Delete volumes."""
    return Several(references, lambda one: manager.volumes.delete_volume(env, one, cascade=cascade), "deleted")


@command("force-delete", changes=True, destructive=True)
def force_delete(env: Env, references: References) -> Several:
    """Delete volumes whatever their status says.

    Attachments, groups and snapshots still protect them."""
    return Several(references, lambda one: manager.volumes.delete_volume(env, one, force=True), "deleted")


@command("list")
def list_volumes(
    env: Env,
    group_id: Annotated[str | None, typer.Option("--group-id", "--group_id", help="Only of this group.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Only with this name.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only with this status.")] = None,
    bootable: Annotated[
        bool | None, typer.Option("--bootable/--no-bootable", help="True or False may follow; none is bootable.")
    ] = None,
    migration_status: Annotated[
        str | None, typer.Option("--migration-status", "--migration_status", help="Only with this migration status.")
    ] = None,
    image_metadata: ImageMetadata = None,
    metadata: MetadataFilter = None,
    filters: Filters = None,
) -> Listing:
    """List the volumes."""
    refuse_images("cgctl list", *(image_metadata or ()))
    wanted = {
        "group_id": group_id,
        "name": name,
        "status": status,
        "bootable": None if bootable is None else str(bootable).lower(),
        "migration_status": migration_status,
        **pairs(filters),
    }
    entries = parse_pairs("metadata", metadata or ())
    return Listing(
        lambda keys: manager.reads.volumes(env, wanted, entries, keys), COLUMNS, manager.views.VOLUME.keys, "Volume"
    )


@command("show")
def show(env: Env, reference: Reference) -> Show:
    """Show a volume."""
    words = [key for key in SHOWN if key != "attachments"]
    return Show(manager.reads.volume(env, reference), tuple(sorted([*words, "attached_servers", "attachment_ids"])))


@command("extend", changes=True)
def extend(
    env: Env, reference: Reference, new_size: Annotated[str, typer.Argument(help="New size: GiB, or 512M, 10G, 2T.")]
) -> Done:
    """Grow a volume.

    Also while it is attached, where its export can show that without an interruption (ganesha, within a minute)."""
    manager.volume_changes.extend_volume(env, reference, parse_size(new_size))
    return Done(f"volume {reference}: extended to {new_size}")


@command("rename", changes=True)
def rename(
    env: Env,
    reference: Reference,
    name: Annotated[str | None, typer.Argument(callback=refuse_blank, help="New name.")] = None,
    description: Description = None,
) -> Done:
    """Change a volume's name or description."""
    manager.volume_changes.rename_volume(env, reference, name, description)
    return Done()


@command("summary")
def summary(env: Env, all_tenants: AllTenants = False) -> Show:  # noqa: ARG001
    """Sum up the volumes: number, size, metadata."""
    return Show(manager.reads.summary(env))
