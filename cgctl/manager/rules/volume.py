"""Volumes: of what one may be made, when it may grow or go (B.3, B.9, B.11)."""

from __future__ import annotations

from cgctl.errors import Refused, UsageError
from cgctl.manager.rules.status import ATTACHED, called, check_source_status, check_status, way_out
from cgctl.model.names import size_gib
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Snapshot, Volume

SOURCE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
EXTENDABLE = (VolumeStatus.AVAILABLE, VolumeStatus.ERROR_EXTENDING)


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


def check_extension(volume: Volume, size_bytes: int) -> None:
    """Only larger, only detached: online extension depends on the export."""
    subject = called("volume", volume)
    if size_bytes <= volume.size_bytes:
        reason = f"has {size_gib(volume.size_bytes)} GiB already, {size_gib(size_bytes)} GiB is not larger"
        raise Refused(subject, reason, f"a volume only grows; see: cgctl show {volume.id}")
    if volume.status == VolumeStatus.IN_USE:
        raise Refused(subject, "is attached", way_out("volume", volume))
    check_status("volume", volume, EXTENDABLE)


def check_deletion(volume: Volume, *, has_snapshots: bool) -> None:
    """Alone, detached, without snapshots. An error of any kind may always be deleted."""
    subject = called("volume", volume)
    if volume.group_id:
        leave = f"cgctl group-update {volume.group_id} --remove-volumes {volume.id}"
        raise Refused(subject, f"is a member of group {volume.group_id}", leave)
    if volume.status in ATTACHED:
        raise Refused(subject, f"is {volume.status}", way_out("volume", volume))
    if has_snapshots:
        raise Refused(subject, "has snapshots", f"cgctl snapshot-list --volume-id {volume.id}")
