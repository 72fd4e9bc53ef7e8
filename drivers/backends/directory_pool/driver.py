"""The driver of pools that are directories; what kinds of storage do differently is in their `storage.sh`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from drivers import refusals
from drivers.backends.directory_pool import findings, layout
from drivers.backends.directory_pool.listing import Listing
from drivers.backends.directory_pool.outcome import TOOL_ERRORS, group_deletion, hold_receipt
from drivers.backends.directory_pool.scripts import load
from drivers.contract import (
    GIB,
    ActivityAttributes,
    Context,
    Finding,
    Group,
    GroupSnapshot,
    GroupUpdates,
    ModelUpdate,
    PoolStats,
    ServerObject,
    Snapshot,
    Updates,
    Volume,
)
from drivers.errors import ServerRefused
from drivers.runner import Runner

VERSION = "1.0"
LOCK_WAIT_SECONDS = 30


@dataclass(frozen=True)
class DirectoryPoolDriver(ABC):
    """backend_id: the configured name. pool: an absolute path on the server, raises PoolMissing when it is not."""

    backend_id: str
    pool: str
    runner: Runner
    storage_protocol: str = "local"

    def __post_init__(self) -> None:
        layout.checked_pool(self.pool)

    # What a kind of storage says of itself

    @property
    @abstractmethod
    def name(self) -> str:
        """The driver's word in the configuration."""

    @property
    @abstractmethod
    def activities(self) -> ActivityAttributes:
        """What needs no quiescing."""

    @property
    @abstractmethod
    def has_atomic_group_snapshot(self) -> bool:
        """Whether a set is one point in time by itself."""

    # The pool

    def check_for_setup_error(self, context: Context) -> list[Finding]:
        try:
            facts = self._run(context, "check_for_setup_error")
        except ServerRefused as refusal:
            return [findings.of_refusal(refusal)]
        return list(findings.of_facts(facts, context.owner, self.pool))

    def get_volume_stats(self, context: Context) -> PoolStats:
        text = self._run(context, "get_volume_stats")
        room = findings.Room.parse(text)
        sizes = Listing.parse(text).live_sizes()
        return PoolStats(
            volume_backend_name=self.backend_id,
            vendor_name="cgctl",
            driver_version=VERSION,
            storage_protocol=self.storage_protocol,
            total_capacity_gb=room.total_bytes / GIB,
            free_capacity_gb=room.free_bytes / GIB,
            provisioned_capacity_gb=sum(sizes) / GIB,
            thin_provisioning_support=True,
            thick_provisioning_support=False,
            consistencygroup_support=True,
            consistent_group_snapshot_enabled=True,
            group_snapshot_enabled=True,
            atomic_group_snapshot=self.has_atomic_group_snapshot,
            multiattach=False,
            total_volumes=len(sizes),
            pool_marked=findings.is_marked(text),
        )

    def list_objects(self, context: Context) -> list[ServerObject]:
        return Listing.parse(self._run(context, "list_objects")).objects()

    def volume_source(self, volume: Volume) -> str:
        return f"{layout.checked_pool(self.pool)}/{layout.volume_disk(volume)}"

    # Volumes

    def create_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume)
        return None

    def create_volume_from_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> ModelUpdate | None:
        self._make_volume(context, volume, layout.snapshot_disk(snapshot), snapshot.group_snapshot_id or "")
        return None

    def create_cloned_volume(self, context: Context, volume: Volume, source: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume, layout.volume_disk(source))
        return None

    def _make_volume(self, context: Context, volume: Volume, source: str = "", group_snapshot_id: str = "") -> None:
        size = layout.checked_size(volume.size_bytes)
        self._run(context, "create_volume", *_where(volume), size, source, group_snapshot_id)

    def delete_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._run(context, "delete_volume", *_where(volume))
        return None

    def extend_volume(self, context: Context, volume: Volume, new_size_bytes: int) -> None:
        self._run(context, "extend_volume", *_where(volume), layout.checked_size(new_size_bytes))

    def create_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        key, volume = layout.checked_id(snapshot.id), layout.checked_id(snapshot.volume_id)
        self._run(context, "create_snapshot", key, layout.container(snapshot), volume)
        return None

    def delete_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        self._run(context, "delete_snapshot", layout.checked_id(snapshot.id))
        return None

    # Groups

    def create_consistencygroup(self, context: Context, group: Group) -> ModelUpdate | None:
        self._run(context, "create_consistencygroup", layout.checked_id(group.id))
        return None

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
        if cgsnapshot is not None:
            source, marked = layout.group_snapshot_place(cgsnapshot.id), cgsnapshot.id
            members = [snapshot.volume_id for snapshot in snapshots or ()]
        elif source_cg is not None:
            source, marked = f"live/cgctl-{layout.checked_id(source_cg.id)}", ""
            members = [volume.id for volume in source_vols or ()]
        else:
            raise ServerRefused("a group needs a group snapshot or a group as its source")
        if len(members) != len(volumes) or not members:
            raise ServerRefused(f"{len(volumes)} volumes cannot be made of {len(members)} sources")
        pairs = zip(volumes, members, strict=True)
        table = [(layout.checked_id(v.id), layout.checked_id(m), layout.checked_size(v.size_bytes)) for v, m in pairs]
        parameters = layout.checked_id(group.id), source, marked
        self._run(context, "create_consistencygroup_from_src", *parameters, stdin=_lines(table))
        return None, None

    def delete_consistencygroup(self, context: Context, group: Group, volumes: Sequence[Volume]) -> Updates:
        table = [(layout.checked_id(volume.id),) for volume in volumes]
        text = self._run(context, "delete_consistencygroup", layout.checked_id(group.id), stdin=_lines(table))
        return group_deletion(text, group)

    def update_consistencygroup(
        self,
        context: Context,
        group: Group,
        add_volumes: Sequence[Volume] | None = None,
        remove_volumes: Sequence[Volume] | None = None,
    ) -> GroupUpdates:
        table = [("add", layout.checked_id(volume.id)) for volume in add_volumes or ()]
        table += [("remove", layout.checked_id(volume.id)) for volume in remove_volumes or ()]
        self._run(context, "update_consistencygroup", layout.checked_id(group.id), stdin=_lines(table))
        return None, None, None

    def create_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        table = [(layout.checked_id(one.volume_id), layout.checked_size(one.size_bytes)) for one in snapshots]
        if not table:
            raise ServerRefused("a group without volumes has nothing to snapshot")
        parameters = layout.checked_id(cgsnapshot.id), layout.checked_id(cgsnapshot.group_id)
        bound = str(max(1, round(context.hold_bound_seconds * 100)))
        text = self._run(context, "create_cgsnapshot", *parameters, bound, stdin=_lines(table))
        return ModelUpdate(hold=hold_receipt(text)), None

    def delete_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        _ = snapshots  # whatever is in the set goes with it
        self._run(context, "delete_cgsnapshot", layout.checked_id(cgsnapshot.id))
        return None, None

    def _run(self, context: Context, method: str, *parameters: str, stdin: str = "") -> str:
        """One execution of the method's script; its standard output."""
        seconds_left = max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
        lock_wait = str(max(1, min(LOCK_WAIT_SECONDS, int(seconds_left / 2))))
        command = load(self.name, method).command(self.pool, context.owner, lock_wait, *parameters, stdin=stdin)
        return refusals.result(self.runner.run(command, seconds_left), self.runner.server, TOOL_ERRORS)


def _where(volume: Volume) -> tuple[str, str]:
    return layout.container(volume), layout.checked_id(volume.id)


def _lines(table: Sequence[tuple[str, ...]]) -> str:
    """The member table of a script: one line each."""
    return "".join(f"{' '.join(row)}\n" for row in table)
