"""LVM thin: a group snapshot holds the gates of all members while one lvm process snapshots their LVs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from drivers import errors, refusals
from drivers.backends.directory_pool.layout import checked_id, checked_size
from drivers.backends.directory_pool.outcome import group_deletion, hold_receipt
from drivers.backends.lvm import findings, layout
from drivers.backends.lvm.listing import Listing
from drivers.backends.lvm.scripts import METHODS, load
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
# tests/data/lvm has the output that these were made from.
TOOL_ERRORS: tuple[tuple[re.Pattern[str], type[errors.DriverError]], ...] = (
    (re.compile(r"^.*(?:insufficient free space|reached threshold).*$", re.M), errors.PoolFull),
)


@dataclass(frozen=True)
class LvmDriver:
    """backend_id: the configured name. pool: VG/THINPOOL, raises PoolMissing when it is not."""

    backend_id: str
    pool: str
    runner: Runner
    storage_protocol: str = "local"

    def __post_init__(self) -> None:
        layout.checked_pool(self.pool)

    @property
    def name(self) -> str:
        return "lvm"

    @property
    def activities(self) -> ActivityAttributes:
        return ActivityAttributes(
            stateless_activities=frozenset(METHODS) | {"create_volume_from_snapshot", "create_cloned_volume"}
        )

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
            atomic_group_snapshot=True,
            multiattach=False,
            total_volumes=len(sizes),
            pool_marked=findings.is_marked(text),
        )

    def list_objects(self, context: Context) -> list[ServerObject]:
        return Listing.parse(self._run(context, "list_objects")).objects()

    def volume_source(self, volume: Volume) -> str:
        return layout.gate(volume)

    # Volumes

    def create_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume)
        return None

    def create_volume_from_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> ModelUpdate | None:
        self._make_volume(context, volume, layout.snapshot_lv(snapshot), snapshot.group_snapshot_id or "")
        return None

    def create_cloned_volume(self, context: Context, volume: Volume, source: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume, layout.volume_lv(source))
        return None

    def _make_volume(self, context: Context, volume: Volume, source: str = "", group_snapshot_id: str = "") -> None:
        key, size = checked_id(volume.id), checked_size(volume.size_bytes)
        group = checked_id(volume.group_id) if volume.group_id else ""
        self._run(context, "create_volume", key, size, group, source, group_snapshot_id)

    def delete_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._run(context, "delete_volume", checked_id(volume.id))
        return None

    def extend_volume(self, context: Context, volume: Volume, new_size_bytes: int) -> None:
        self._run(context, "extend_volume", checked_id(volume.id), checked_size(new_size_bytes))

    def create_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        self._run(context, "create_snapshot", checked_id(snapshot.id), checked_id(snapshot.volume_id))
        return None

    def delete_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        self._run(context, "delete_snapshot", checked_id(snapshot.id))
        return None

    # Groups

    def create_consistencygroup(self, context: Context, group: Group) -> ModelUpdate | None:
        self._run(context, "create_consistencygroup", checked_id(group.id))
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
            source = (checked_id(cgsnapshot.id), "")
            members = [snapshot.volume_id for snapshot in snapshots or ()]
        elif source_cg is not None:
            source = ("", checked_id(source_cg.id))
            members = [volume.id for volume in source_vols or ()]
        else:
            raise ServerRefused("a group needs a group snapshot or a group as its source")
        if len(members) != len(volumes) or not members:
            raise ServerRefused(f"{len(volumes)} volumes cannot be made of {len(members)} sources")
        pairs = zip(volumes, members, strict=True)
        table = [(checked_id(v.id), checked_id(m), checked_size(v.size_bytes)) for v, m in pairs]
        parameters = checked_id(group.id), *source, _bound(context)
        self._run(context, "create_consistencygroup_from_src", *parameters, stdin=_lines(table))
        return None, None

    def delete_consistencygroup(self, context: Context, group: Group, volumes: Sequence[Volume]) -> Updates:
        table = [(checked_id(volume.id),) for volume in volumes]
        text = self._run(context, "delete_consistencygroup", checked_id(group.id), stdin=_lines(table))
        return group_deletion(text, group)

    def update_consistencygroup(
        self,
        context: Context,
        group: Group,
        add_volumes: Sequence[Volume] | None = None,
        remove_volumes: Sequence[Volume] | None = None,
    ) -> GroupUpdates:
        table = [("add", checked_id(volume.id)) for volume in add_volumes or ()]
        table += [("remove", checked_id(volume.id)) for volume in remove_volumes or ()]
        self._run(context, "update_consistencygroup", checked_id(group.id), stdin=_lines(table))
        return None, None, None

    def create_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        table = [(checked_id(one.volume_id), checked_size(one.size_bytes)) for one in snapshots]
        if not table:
            raise ServerRefused("a group without volumes has nothing to snapshot")
        parameters = checked_id(cgsnapshot.id), checked_id(cgsnapshot.group_id), _bound(context)
        text = self._run(context, "create_cgsnapshot", *parameters, stdin=_lines(table))
        return ModelUpdate(hold=hold_receipt(text)), None

    def delete_cgsnapshot(self, context: Context, cgsnapshot: GroupSnapshot, snapshots: Sequence[Snapshot]) -> Updates:
        _ = snapshots  # whatever is in the set goes with it
        self._run(context, "delete_cgsnapshot", checked_id(cgsnapshot.id))
        return None, None

    def _run(self, context: Context, method: str, *parameters: str, stdin: str = "") -> str:
        """One execution of the method's script; its standard output."""
        seconds_left = max(1.0, (context.deadline - datetime.now(UTC)).total_seconds())
        lock_wait = str(max(1, min(LOCK_WAIT_SECONDS, int(seconds_left / 2))))
        command = load(method).command(self.pool, context.owner, lock_wait, *parameters, stdin=stdin)
        return refusals.result(self.runner.run(command, seconds_left), self.runner.server, TOOL_ERRORS)


def _bound(context: Context) -> str:
    """In hundredths of a second."""
    return str(max(1, round(context.hold_bound_seconds * 100)))


def _lines(table: Sequence[tuple[str, ...]]) -> str:
    """The member table of a script: one line each."""
    return "".join(f"{' '.join(row)}\n" for row in table)
