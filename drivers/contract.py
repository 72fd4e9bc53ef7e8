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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from drivers.values import (
    GIB,
    Access,
    ActivityAttributes,
    Connection,
    Context,
    Exported,
    Finding,
    Group,
    GroupSnapshot,
    GroupUpdates,
    HandleScope,
    HoldReceipt,
    Manageable,
    ModelUpdate,
    ObjectKind,
    PoolStats,
    ServerObject,
    Snapshot,
    SourceForm,
    Updates,
    Volume,
)

if TYPE_CHECKING:  # a list needs none of it, and each import counts (G5)
    from drivers.activities.place import ActivityPlace
    from drivers.activities.values import Program
    from drivers.replication import Replication, ReplicationTarget

__all__ = [
    "GIB",
    "Access",
    "ActivityAttributes",
    "Backend",
    "Connection",
    "Context",
    "Driver",
    "ExportServer",
    "Exported",
    "Finding",
    "Group",
    "GroupSnapshot",
    "GroupUpdates",
    "HandleScope",
    "HoldReceipt",
    "Manageable",
    "ModelUpdate",
    "ObjectKind",
    "PoolStats",
    "ServerObject",
    "Snapshot",
    "SourceForm",
    "Updates",
    "Volume",
]


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

    def repair(self, context: Context) -> None:
        """Make what belongs to the pool on its server, but outside of it, as it shall be: after a boot, for example.

        Nothing where there is no such thing. Volumes that are served are served on; running it again is fine.
        """
        ...

    def get_volume_stats(self, context: Context) -> PoolStats:
        """Room and capabilities as they are now. Raises PoolMissing, PoolForeign."""
        ...

    def list_objects(self, context: Context) -> list[ServerObject]:
        """Everything of cgctl in the pool, complete or not."""
        ...

    def volume_source(self, volume: Volume) -> str:
        """The path of what an export serves on the server (pure)."""
        ...

    @property
    def source_form(self) -> SourceForm:
        """What is there, and so what the export server of the configuration must be able to serve."""
        ...

    @property
    def images(self) -> Driver:
        """The same pool, whose new volumes are *images*: the bytes of what they are made of lie at its `volume_source`,
        also those of file systems, which the server does not mount then. Images are copied from backend to backend.

        The driver itself where volumes are disks. Where they are file systems (`source_form`), a volume is not read
        where the server has it mounted: an image is cloned of it, and read. What is copied into such a pool becomes a
        file system that is served, and what is copied by `images` an image; every other call takes both.
        """
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

    def revert_to_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> None:
        """The volume's data become the snapshot's, also a member snapshot's; the snapshot stays.

        In one step: whatever happens, the volume has all its old data or all of the snapshot's. Raises Busy while the
        server itself has the volume open, ServerRefused when it is not as large as the snapshot, PoolFull.
        """
        ...

    def copy_volume(self, context: Context, volume: Volume, source: str) -> ModelUpdate | None:
        """A volume with the data of a file or block device on the same server, also of another pool: never a link.

        As create_volume: there afterwards, once, or not at all. The copy is compared with its source before it counts;
        nobody writes to the source meanwhile: raises Busy where the server has it open. source is at most as large.
        Where volumes are file systems it holds one (of an image, say): it is mounted, and grown to the volume's size.
        """
        ...

    # --- activities (seed 004): long work that runs on the server by itself (drivers.activities)
    @property
    def activity_directory(self) -> str:
        """Where the server keeps this pool's activities: an absolute path (pure)."""
        ...

    def claim_activities(self, context: Context) -> None:
        """The directory is there; a pool without mark and objects becomes ours. Raises PoolForeign."""
        ...

    def copy_program(self, context: Context, volume: Volume, source: str, *, is_stable: bool = False) -> Program:
        """`copy_volume` as an activity (pure); its undo is `delete_volume`. is_stable: nobody can write to source,
        so it does not matter who has it open."""
        ...

    def snapshot_source(self, snapshot: Snapshot) -> str:
        """Where a snapshot can be read as it stands, by the server's root (pure); for drivers that publish
        `snapshot_replication`, within their family. Also of member snapshots. Raises ServerRefused elsewhere."""
        ...

    def receive_program(self, context: Context, volume: Volume, stream_bytes: int) -> Program:
        """The same of standard input, which is exactly so long (pure): there afterwards, once, or not at all."""
        ...

    # --- what is in the pool and not cgctl's
    def list_manageable(self, context: Context) -> list[Manageable]:
        """What could become a volume, with the reason where it is not safe, and cgctl's own volumes; changes nothing.

        Also in a pool without a mark.
        """
        ...

    def manage_existing(self, context: Context, volume: Volume, reference: str) -> ModelUpdate | None:
        """Make a volume of what `list_manageable` shows as safe; it is gone from its old place, its data not copied.

        volume.size_bytes must be its size. Refused (ServerRefused), everything is as before; NotOnServer when nothing
        answers to the reference. Killed at any moment, the same call ends it, and the data are never lost.
        """
        ...

    def manage_existing_group(
        self, context: Context, group: Group, volumes: Sequence[Volume], references: Sequence[str]
    ) -> Updates:
        """Make a new group of what `list_manageable` shows as safe, one reference per volume: all of them, or none.

        As manage_existing otherwise.
        """
        ...

    def unmanage(self, context: Context, volume: Volume, name: str) -> str:
        """Give a volume's data back under a name of letters, digits, `.`, `_`, `-`; returns the reference.

        Raises AlreadyOnServer when the name is taken, Busy while the server has it open. The same call again ends it.
        """
        ...

    def list_manageable_snapshots(self, context: Context) -> list[Manageable]:
        """The same for snapshots of single volumes."""
        ...

    def manage_existing_snapshot(self, context: Context, snapshot: Snapshot, reference: str) -> ModelUpdate | None:
        """As manage_existing: a snapshot of snapshot.volume_id. That its data were once the volume's is the caller's
        word where the server cannot know."""
        ...

    def unmanage_snapshot(self, context: Context, snapshot: Snapshot, name: str) -> str:
        """As unmanage, of a snapshot that is not a member of a group snapshot."""
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

    def revert_consistencygroup(
        self,
        context: Context,
        group: Group,
        volumes: Sequence[Volume],
        cgsnapshot: GroupSnapshot,
        snapshots: Sequence[Snapshot],
        kept: GroupSnapshot | None = None,
    ) -> Updates:
        """Give every member the data that it had in the group snapshot, all at once. Beyond the seeds.

        volumes: all members, as they are; snapshots: the members of cgsnapshot, in the same order. Sizes stay: the rest
        of a member that has grown since reads as zeros. kept: what is replaced becomes this group snapshot, complete,
        and the model_update carries its receipt; else it is removed. cgsnapshot stays as it is.
        Nobody has a member open (raises Busy where the server can see it). Killed anywhere: every member is old, or
        every member is new; nothing to be kept is lost; the same call again ends it. Raises PoolFull, NotOnServer.
        """
        ...


class ExportServer(Protocol):
    """What offers volumes to clients on a server: declarative, idempotent, one remote execution per call.

    Exports acknowledge a write only when a group snapshot that begins later holds it: direct or synchronous files.
    """

    @property
    def protocol(self) -> str:
        """`iscsi` or `nfs`."""
        ...

    @property
    def portal(self) -> str:
        """Where clients reach the server, with its port."""
        ...

    @property
    def serves(self) -> frozenset[SourceForm]:
        """What it can offer."""
        ...

    def connection(self, volume_id: str, form: SourceForm = SourceForm.FILE) -> Connection:
        """Where clients find the volume (pure): derives from the volume's id, and stays the same across failover.

        form: `Driver.source_form`. Over NFS a file system is the whole of `path`.
        """
        ...

    @property
    def grows_online(self) -> bool:
        """Whether clients that ask see, within about a minute, that a volume has grown, while their writes go on.

        After ensure_exports with its new size.
        """
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
    """A configured backend, joined: what the manager works with. export is None where no export is configured.

    replication is None where the driver has none. fence: a command of this machine that cuts the server off.
    activities: where its server keeps them.
    """

    id: str
    driver: Driver
    export: ExportServer | None
    capabilities: Mapping[str, object] = field(default_factory=dict)
    availability_zone: str = "nova"
    reserved_percentage: int = 0
    max_over_subscription_ratio: float = 20.0
    replication: Replication | None = None
    replication_targets: Sequence[ReplicationTarget] = ()
    fence: str | None = None
    activities: ActivityPlace | None = None
