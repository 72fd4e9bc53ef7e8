"""The driver contract: what every backend promises, under the documented names (seeds 001, 003 and 004).

Promises that hold for every method of every driver, and that `tests/contract` runs against each of them:

- create: afterwards the object is there, once; the same call again (same id) ends the same.
- delete: of what is already gone succeeds; a second run finishes what a first one left.
- objects on the server are named `cgctl-<id>`; the pool carries the owner (the state store's id) in its mark;
  `list_objects` finds all of them again without the state store. A pool with another owner is refused (PoolForeign).
- one remote execution per call, whatever the number of members.
- nothing outside the pool is touched, nothing unquoted reaches a shell.
- a raised `drivers.errors.ServerRefused` means that the server is as before; `OutcomeUnknown` that it may not be.
- drivers keep no state, do not retry, do not log. They know value objects, not the state store.

Updates: `model_update` is one dict, the lists hold one dict per member with its `id`. Their meaning is seed 003's: an
`error` in any entry lifts the whole to `error`; a raised exception sets the whole and the members to `error`; `None` is
success. `cgctl.manager.updates` is the one place that applies them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NotRequired, Protocol, TypedDict

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
class Finding:
    """One result of a check: what was looked at, whether it is well, what was seen, and what mends it."""

    check: str
    ok: bool
    detail: str
    hint: str | None = None


class Driver(Protocol):
    """A backend: one pool on one server."""

    @property
    def name(self) -> str:
        """The driver's word in the configuration: `btrfs`."""
        ...

    @property
    def activities(self) -> ActivityAttributes:
        """Published attributes, read-only."""
        ...

    # --- the pool
    def check_for_setup_error(self, context: Context) -> list[Finding]:
        """Look at tools, pool, owner and room; changes nothing; what is wrong is a finding, not an exception."""
        ...

    def get_volume_stats(self, context: Context) -> PoolStats:
        """Room and capabilities as they are now. Raises PoolMissing, PoolForeign."""
        ...

    def list_objects(self, context: Context) -> list[ServerObject]:
        """Everything of cgctl in the pool, complete or not."""
        ...

    def volume_source(self, volume: Volume) -> str:
        """The path of the file or block device on the server that an export serves (pure)."""
        ...

    # --- volumes
    def create_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        """An empty volume (zeros) of size_bytes, inside its group where group_id is set. Raises PoolFull."""
        ...

    def delete_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        """Remove it; its room is given back and its data never shows in a new volume."""
        ...

    def extend_volume(self, context: Context, volume: Volume, new_size_bytes: int) -> None:
        """Grow it (never shrink: a smaller size raises); the new part reads as zeros. Raises PoolFull."""
        ...

    def create_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        """A read-only image of one volume at one point in time."""
        ...

    def delete_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        """Remove a snapshot that is not a member of a group snapshot."""
        ...

    def create_volume_from_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> ModelUpdate | None:
        """A writable volume with the snapshot's data; volume.size_bytes may be larger. Also of member snapshots."""
        ...

    def create_cloned_volume(self, context: Context, volume: Volume, source: Volume) -> ModelUpdate | None:
        """A writable volume with the source's data at one point in time; size_bytes may be larger."""
        ...

    # --- groups (seed 003)
    def create_consistencygroup(self, context: Context, group: Group) -> ModelUpdate | None:
        """An empty group."""
        ...

    def create_consistencygroup_from_src(
        self,
        context: Context,
        group: Group,
        volumes: Sequence[Volume],
        cgsnapshot: GroupSnapshot | None = None,
        snapshots: Sequence[Snapshot] | None = None,
        source_cg: Group | None = None,
        source_vols: Sequence[Volume] | None = None,
    ) -> Updates:
        """A new group with one volume per snapshot, or per source volume; `volumes` is in the order of its source.

        Beyond the seed: from a group, too, the volumes are one point in time.
        """
        ...

    def delete_consistencygroup(self, context: Context, group: Group, volumes: Sequence[Volume]) -> Updates:
        """Delete the volumes and the group. A partial delete reports each volume: `deleted` or `error_deleting`."""
        ...

    def update_consistencygroup(
        self,
        context: Context,
        group: Group,
        add_volumes: Sequence[Volume] | None = None,
        remove_volumes: Sequence[Volume] | None = None,
    ) -> GroupUpdates:
        """Move volumes into and out of the group on the server.

        add_volumes carry where they are now (group_id None); remove_volumes carry this group's id.
        A volume that is already where it shall be is fine.
        """
        ...

    def create_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        """All members at one point in time, or nothing. The model_update carries `hold`, the receipt.

        The set counts only with the commit mark that the server writes last. Raises HoldBroken when the bound was
        exceeded: the set is then void and already removed.
        """
        ...

    def delete_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        """Remove a group snapshot, complete or void."""
        ...


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


@dataclass(frozen=True)
class Exported:
    """A volume as it shall be offered: the source (`Driver.volume_source`) and everyone who has access."""

    volume_id: str
    source: str
    size_bytes: int
    accesses: tuple[Access, ...]


@dataclass(frozen=True)
class Connection:
    """What a client needs to reach a volume. lun, iqn, serial for iscsi; path (server:/path) and file in it for nfs."""

    protocol: str
    portal: str
    iqn: str | None = None
    lun: int | None = None
    serial: str | None = None
    path: str | None = None
    file: str | None = None


class ExportServer(Protocol):
    """What offers volumes to clients on a server: declarative, idempotent, one remote execution per call.

    Exports acknowledge a write only when a group snapshot that begins later holds it: direct or synchronous files.
    """

    @property
    def protocol(self) -> str:
        """`iscsi` or `nfs`."""
        ...

    def connection(self, volume_id: str) -> Connection:
        """Where clients find the volume (pure): derives from the volume's id, and stays the same across failover."""
        ...

    def ensure_exports(self, context: Context, exports: Sequence[Exported]) -> None:
        """Make each of these volumes be offered exactly so: what is missing is added, who is not named loses access.

        Sessions of those who keep their access go on. Sessions of those who lose it are ended.
        Exports of other volumes stay as they are. Raises ToolMissing, Busy, ServerFailed.
        """
        ...

    def remove_exports(self, context: Context, volume_ids: Sequence[str]) -> None:
        """Stop offering these volumes; sessions are ended, and no write arrives afterwards. Already gone is fine."""
        ...

    def check_exports(self, context: Context, exports: Sequence[Exported]) -> list[Finding]:
        """Compare the server with what shall be; changes nothing. One finding for the daemon, one per wrong volume."""
        ...


@dataclass(frozen=True)
class Backend:
    """A configured backend, joined: what the manager works with. export is None where no export is configured."""

    id: str
    driver: Driver
    export: ExportServer | None
    capabilities: Mapping[str, object] = field(default_factory=dict)
    availability_zone: str = "nova"
    reserved_percentage: int = 0
    max_over_subscription_ratio: float = 20.0
