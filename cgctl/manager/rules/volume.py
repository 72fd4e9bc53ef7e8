"""Volumes: of what one may be made, when it may grow or go (B.3, B.9, B.11)."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import Refused, UsageError
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import ATTACHED, called, check_same_side, check_source_status, check_status, way_out
from cgctl.model.names import size_gib
from cgctl.model.states import ReplicationStatus, SnapshotStatus, VolumeStatus
from cgctl.model.tables import Snapshot, Volume, VolumeType

SOURCE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
EXTENDABLE = (VolumeStatus.AVAILABLE, VolumeStatus.ERROR_EXTENDING)
MOVABLE = (VolumeStatus.AVAILABLE,)
RETYPABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
UNMANAGEABLE = (VolumeStatus.AVAILABLE, VolumeStatus.ERROR, VolumeStatus.ERROR_MANAGING)


def check_source(subject: str, source: Volume | Snapshot) -> None:
    """What a volume is made of is well; a volume that is attached is copied where its writes can be held."""
    kind = "volume" if isinstance(source, Volume) else "snapshot"
    check_source_status(subject, kind, source, SOURCE if isinstance(source, Volume) else SOURCE[:1])


def checked_size(subject: str, size_bytes: int | None, source: Volume | Snapshot | None) -> int:
    """The size that was asked for, or the source's; never less than the source holds."""
    if size_bytes is None:
        if source is None:
            raise UsageError(subject, "needs a size", "for example 10 GiB: cgctl create 10")
        return source.size_bytes
    if source and size_bytes < source.size_bytes:
        reason = f"is smaller than its source ({source.size_bytes} bytes)"
        raise Refused(subject, reason, "leave the size out to take the source's")
    return size_bytes


def check_extension(volume: Volume, size_bytes: int, *, grows_online: bool = False) -> None:
    """Only larger; attached, only where clients see it without an interruption."""
    subject = called("volume", volume)
    if size_bytes <= volume.size_bytes:
        reason = f"has {size_gib(volume.size_bytes)} GiB already, {size_gib(size_bytes)} GiB is not larger"
        raise Refused(subject, reason, f"a volume only grows; see: cgctl show {volume.id}")
    if volume.status == VolumeStatus.IN_USE and not grows_online:
        reason = "is attached, and its export cannot show a new size without failing writes"
        raise Refused(subject, reason, way_out("volume", volume))
    check_status("volume", volume, (*EXTENDABLE, VolumeStatus.IN_USE))


def check_deletion(volume: Volume, *, has_snapshots: bool, force: bool = False) -> None:
    """Alone, detached, without snapshots. An error of any kind may always be deleted, but foreign data may be kept."""
    subject = called("volume", volume)
    _check_alone(volume)
    if volume.status in ATTACHED and not force:
        raise Refused(subject, f"is {volume.status}", way_out("volume", volume))
    if volume.status == VolumeStatus.ERROR_MANAGING:
        raise Refused(subject, "was not managed to the end: its data are somebody's", f"cgctl unmanage {volume.id}")
    if has_snapshots:
        hint = f"cgctl snapshot-list --volume-id {volume.id}; with all of them: cgctl delete --cascade {volume.id}"
        raise Refused(subject, "has snapshots", hint)


def _check_alone(volume: Volume) -> None:
    """What concerns one volume alone would break a group."""
    if volume.group_id:
        leave = f"cgctl group-update {volume.group_id} --remove-volumes {volume.id}"
        raise Refused(called("volume", volume), f"is a member of group {volume.group_id}", leave)


def check_cascade(volume: Volume, snapshots: Sequence[Snapshot]) -> None:
    """The snapshots go with their volume; those of a group snapshot are not its own."""
    for one in snapshots:
        if one.group_snapshot_id:
            reason = f"its snapshot {shown(one)} is a member of group snapshot {one.group_snapshot_id}"
            raise Refused(called("volume", volume), reason, f"cgctl group-snapshot-delete {one.group_snapshot_id}")
        if one.host != volume.host:
            reason = f"its snapshot {shown(one)} is on backend {one.host}"
            raise Refused(called("volume", volume), reason, f"cgctl snapshot-delete {one.id}")


def check_no_attachments(volume: Volume, attachments: Sequence[str]) -> None:
    """Whatever the status says: nobody has access."""
    if attachments:
        raise Refused(called("volume", volume), "has attachments", f"cgctl attachment-delete {attachments[0]}")


def check_revert(volume: Volume, snapshot: Snapshot, newest: Snapshot) -> None:
    """To the newest snapshot only, both well, and as large as then: what is younger would be lost in silence."""
    subject = called("volume", volume)
    beside = f"a volume of it, there: cgctl create --snapshot-id {snapshot.id}"
    check_same_side(subject, volume, called("snapshot", snapshot), snapshot, beside)
    if newest.id != snapshot.id:
        reason = f"snapshot {shown(snapshot)} is not its newest: {shown(newest)} is"
        way = f"a volume of the older one: cgctl create --snapshot-id {snapshot.id}"
        raise Refused(subject, reason, way)
    check_status("volume", volume, (VolumeStatus.AVAILABLE,))
    check_status("snapshot", snapshot, (SnapshotStatus.AVAILABLE,))
    if volume.size_bytes != snapshot.size_bytes:
        grown = f"has {size_gib(volume.size_bytes)} GiB, its snapshot {size_gib(snapshot.size_bytes)} GiB"
        raise Refused(subject, grown, f"a volume of the snapshot: cgctl create --snapshot-id {snapshot.id}")


def check_restore(volume: Volume, size_bytes: int) -> None:
    """Detached, not replicated, and large enough for what it gets."""
    check_status("volume", volume, (VolumeStatus.AVAILABLE, VolumeStatus.ERROR))
    subject = called("volume", volume)
    if volume.replication_status != ReplicationStatus.DISABLED:
        reason = f"its replication is {volume.replication_status}: its recovery points would not be of its data"
        raise Refused(subject, reason, "restore into a new volume: leave --volume out")
    if volume.size_bytes < size_bytes:
        reason = f"has {size_gib(volume.size_bytes)} GiB, the backup {size_gib(size_bytes)} GiB"
        raise Refused(subject, reason, f"restore into a new volume; or: cgctl extend {volume.id} SIZE")


def check_unmanage(volume: Volume, *, has_snapshots: bool) -> None:
    """Alone, detached, without snapshots: nothing of cgctl's may depend on what is given away."""
    _check_alone(volume)
    check_status("volume", volume, UNMANAGEABLE)
    if has_snapshots:
        raise Refused(called("volume", volume), "has snapshots", f"cgctl snapshot-list --volume-id {volume.id}")


def check_retype(volume: Volume, volume_type: VolumeType) -> None:
    """Another type, of a volume that is alone: a group's types were settled when it was made."""
    _check_alone(volume)
    check_status("volume", volume, RETYPABLE)
    if volume.volume_type_id == volume_type.id:
        raise Refused(called("volume", volume), f"has type {volume_type.name} already", f"cgctl show {volume.id}")


def check_migration(volume: Volume, host: str, *, has_snapshots: bool, in_use: bool = False) -> None:
    """Alone, detached unless in_use, without snapshots, to another backend."""
    subject = called("volume", volume)
    _check_alone(volume)
    if volume.host == host:
        raise Refused(subject, f"is on {host} already", "see the others: cgctl get-pools")
    if volume.status == VolumeStatus.IN_USE and not in_use:
        way = f"with its clients: cgctl migrate --allow-attached-volume {volume.id} {host}"
        raise Refused(
            subject, "is in-use, and is copied only while nobody writes", f"{way_out('volume', volume)}; {way}"
        )
    check_status("volume", volume, (*MOVABLE, *([VolumeStatus.IN_USE] if in_use else [])))
    if has_snapshots:
        raise Refused(subject, "has snapshots", f"cgctl snapshot-list --volume-id {volume.id}")
