"""The value objects of the driver contract: what goes to a driver and what comes back. All frozen.

`drivers.contract` hands them on, together with the promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NotRequired, TypedDict

from drivers.command import Secret

GIB = 1024**3


@dataclass(frozen=True)
class Volume:
    """A volume of a pool. group_id is the group that it is a member of on the server; names are for people only."""

    id: str
    size_bytes: int
    group_id: str | None = None


@dataclass(frozen=True)
class Group:
    """A consistency group."""

    id: str


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of one volume; a member of a group snapshot when group_snapshot_id is set.

    group_id is the volume's group when the snapshot is (was) made.
    """

    id: str
    volume_id: str
    size_bytes: int
    group_id: str | None = None
    group_snapshot_id: str | None = None


@dataclass(frozen=True)
class GroupSnapshot:
    """A snapshot of all members of a group at one point in time."""

    id: str
    group_id: str


def _ignore_progress(done_bytes: int, total_bytes: int) -> None:
    """The progress callback of who does not watch."""


@dataclass(frozen=True)
class Context:
    """What accompanies every call.

    owner: the state store's id, the mark of the pool. deadline: when the caller gives up (aware, UTC).
    hold_bound_seconds: how long writes (or an application) may be held at most; the driver arms it on the server.
    progress: called with (bytes done, bytes in total).
    """

    operation_id: str
    owner: str
    deadline: datetime
    hold_bound_seconds: float = 7.0
    progress: Callable[[int, int], None] = field(default=_ignore_progress, compare=False)


class HoldReceipt(TypedDict):
    """How a group snapshot came to be one point in time; times are the server's clock, ISO 8601 UTC.

    quiesced_by: `hooks`, or `detachment` where the driver cannot hold writes and no member was attached; cgctl's part.
    """

    method: str
    members: int
    began_at: str
    ended_at: str
    bound_seconds: float
    quiesced_by: NotRequired[str]


class ModelUpdate(TypedDict, total=False):
    """What a driver wants to be written to the state: `id` in lists, `status`, and the receipt of a group snapshot.

    reason: why the status is an error, in the words of the server.
    """

    id: str
    status: str
    reason: str
    hold: HoldReceipt


Updates = tuple[ModelUpdate | None, list[ModelUpdate] | None]
GroupUpdates = tuple[ModelUpdate | None, list[ModelUpdate] | None, list[ModelUpdate] | None]


class HandleScope(StrEnum):
    """Who may reopen the handle of a backend activity (seed 004)."""

    CONNECTION = "connection"
    SOURCE = "source"
    USER = "user"
    UNRESTRICTED = "unrestricted"


@dataclass(frozen=True)
class ActivityAttributes:
    """Seed 004's published attributes; what is left at its default implies the default action.

    stateless_activities: methods for which the volumes need not be quiesced first.
    """

    stateless_activities: frozenset[str] = frozenset()
    snapshot_replication: bool = False
    backup_compression: tuple[str, ...] = ()
    handle_scope: HandleScope = HandleScope.CONNECTION

    def as_dict(self) -> dict[str, object]:
        """The dictionary attribute of the seed, for `get-capabilities`."""
        return {
            "stateless_activities": sorted(self.stateless_activities),
            "snapshot_replication": self.snapshot_replication,
            "backup_compression": list(self.backup_compression),
            "handle_scope": self.handle_scope.value,
        }


class PoolStats(TypedDict):
    """What the scheduler sees of a pool; Cinder's names and units (GiB as float).

    pool_marked: whether the pool carries its owner's mark; the first object that is made in it marks it.
    """

    volume_backend_name: str
    vendor_name: str
    driver_version: str
    storage_protocol: str
    total_capacity_gb: float
    free_capacity_gb: float
    provisioned_capacity_gb: float
    thin_provisioning_support: bool
    thick_provisioning_support: bool
    consistencygroup_support: bool
    consistent_group_snapshot_enabled: bool
    group_snapshot_enabled: bool
    atomic_group_snapshot: bool
    multiattach: bool
    total_volumes: int
    pool_marked: bool


class ObjectKind(StrEnum):
    """What can be found in a pool."""

    GROUP = "group"
    VOLUME = "volume"
    SNAPSHOT = "snapshot"
    GROUP_SNAPSHOT = "group_snapshot"


@dataclass(frozen=True)
class ServerObject:
    """An object as it is on the server.

    parent_id: a volume's group, a member snapshot's group snapshot, a single snapshot's volume, a group snapshot's
    group; None where there is none or where it is unknown. For the member snapshots of a group snapshot, id is the
    *volume's* id. complete: False for what lacks its commit mark (void) or was left half-made.
    """

    kind: ObjectKind
    id: str
    parent_id: str | None = None
    size_bytes: int | None = None
    complete: bool = True


@dataclass(frozen=True)
class Manageable:
    """Something in the pool that could become a volume or a snapshot of cgctl, or is one already.

    reference: what `manage_existing` takes. reason_not_safe: why it is not taken as it is; None where it is safe.
    cgctl_id: of what cgctl has already. source_reference: of a snapshot, its volume where the server knows it.
    """

    reference: str
    size_bytes: int
    reason_not_safe: str | None = None
    cgctl_id: str | None = None
    source_reference: str | None = None


@dataclass(frozen=True)
class Finding:
    """One result of a check: what was looked at, whether it is well, what was seen, and what mends it."""

    check: str
    ok: bool
    detail: str
    hint: str | None = None


@dataclass(frozen=True)
class Access:
    """One attachment: who may use an export, and with which credentials.

    initiator: an IQN (iscsi). client: an IP address (nfs). username/secret: CHAP, iscsi only.
    """

    attachment_id: str
    initiator: str | None = None
    client: str | None = None
    username: str | None = None
    secret: Secret | None = None


class SourceForm(StrEnum):
    """What an export finds at `Driver.volume_source`."""

    FILE = "file"
    BLOCK_DEVICE = "block device"
    FILE_SYSTEM = "mounted file system"

    @property
    def content(self) -> str:
        """What a volume is to its clients, and its image to who takes it: only like goes into like."""
        return "file system" if self is SourceForm.FILE_SYSTEM else "disk"


@dataclass(frozen=True)
class Exported:
    """A volume as it shall be offered: the source (`Driver.volume_source`) and everyone who has access."""

    volume_id: str
    source: str
    size_bytes: int
    accesses: tuple[Access, ...]


@dataclass(frozen=True)
class Connection:
    """What a client needs to reach a volume: lun, iqn and serial for iscsi; for nfs path (server:/path) and file in it.

    Without a file the volume is all that stands there.
    """

    protocol: str
    portal: str
    iqn: str | None = None
    lun: int | None = None
    serial: str | None = None
    path: str | None = None
    file: str | None = None
