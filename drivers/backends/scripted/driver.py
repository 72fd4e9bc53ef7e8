"""The driver of pools that are worked by scripts; what kinds of pool do differently is in their own folders."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from drivers import errors, refusals
from drivers.activities.values import Program
from drivers.backends.scripted.door import checked_id, checked_pairs, checked_size, container
from drivers.backends.scripted.facts import Room, is_marked, live_sizes
from drivers.backends.scripted.outcome import group_deletion, hold_receipt
from drivers.backends.scripted.patience import lock_wait, longest_lock_wait, seconds_left
from drivers.command import Script
from drivers.contract import (
    GIB,
    ActivityAttributes,
    Context,
    Driver,
    Finding,
    Group,
    GroupSnapshot,
    GroupUpdates,
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
from drivers.errors import ServerRefused
from drivers.runner import Runner

VERSION = "1.0"

Source = Volume | Snapshot | Group | GroupSnapshot
ToolErrors = tuple[tuple[re.Pattern[str], type[errors.DriverError]], ...]


@dataclass(frozen=True)
class ScriptedDriver(ABC):
    """backend_id: the configured name. pool: in the words of the kind; raises PoolMissing when it cannot be one."""

    backend_id: str
    pool: str
    runner: Runner
    storage_protocol: str = "local"
    forms: ClassVar[Mapping[str, SourceForm]] = {}
    """What volumes are, by storage protocol, where they are not files."""

    # What a kind of pool says of itself

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
    def _tool_errors(self) -> ToolErrors:
        """What the programs that the scripts call say on stderr, and what it means."""

    @abstractmethod
    def volume_source(self, volume: Volume) -> str:
        """The path of what an export serves."""

    @property
    @abstractmethod
    def activity_directory(self) -> str:
        """Where the server keeps the pool's activities."""

    @property
    def source_form(self) -> SourceForm:
        return self.forms.get(self.storage_protocol, SourceForm.FILE)

    @property
    def images(self) -> Driver:
        """Volumes are disks, unless the kind says otherwise."""
        return self

    @property
    def _settings(self) -> tuple[str, ...]:
        """What every script is told beyond pool, owner and patience."""
        return ()

    @abstractmethod
    def _load(self, method: str) -> Script:
        """The method's script."""

    @abstractmethod
    def _source(self, source: Source) -> str:
        """Where a script finds the data of this."""

    @abstractmethod
    def _room(self, text: str) -> Room:
        """From what get_volume_stats prints."""

    @abstractmethod
    def _objects(self, text: str) -> list[ServerObject]:
        """From what list_objects and get_volume_stats print."""

    @abstractmethod
    def _manageable(self, text: str, kind: ObjectKind) -> list[Manageable]:
        """From what list_manageable prints: volumes, or snapshots."""

    @abstractmethod
    def _reference(self, text: str) -> str:
        """What is to be managed, as a parameter; raises ServerRefused for what cannot be in the pool."""

    @abstractmethod
    def _given_back(self, name: str) -> str:
        """The reference of what is given back under a name; raises ServerRefused unless it is plain."""

    @abstractmethod
    def _findings(self, text: str, owner: str) -> Iterable[Finding]:
        """From what check_for_setup_error prints."""

    @abstractmethod
    def _finding(self, refusal: ServerRefused) -> Finding:
        """Of a pool that cannot be looked at."""

    # The pool

    def check_for_setup_error(self, context: Context) -> list[Finding]:
        try:
            facts = self._run(context, "check_for_setup_error")
        except ServerRefused as refusal:
            return [self._finding(refusal)]
        return list(self._findings(facts, context.owner))

    def repair(self, context: Context) -> None:
        """Nothing stands outside of the pool, unless the kind says otherwise."""
        _ = context

    def get_volume_stats(self, context: Context) -> PoolStats:
        text = self._run(context, "get_volume_stats")
        room, sizes = self._room(text), live_sizes(self._objects(text))
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
            atomic_group_snapshot="create_cgsnapshot" in self.activities.stateless_activities,
            multiattach=False,
            total_volumes=len(sizes),
            pool_marked=is_marked(text),
        )

    def list_objects(self, context: Context) -> list[ServerObject]:
        return self._objects(self._run(context, "list_objects"))

    # Volumes

    def create_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume)
        return None

    def create_volume_from_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> ModelUpdate | None:
        self._make_volume(context, volume, self._source(snapshot), snapshot.group_snapshot_id or "")
        return None

    def create_cloned_volume(self, context: Context, volume: Volume, source: Volume) -> ModelUpdate | None:
        self._make_volume(context, volume, self._source(source))
        return None

    def _make_volume(self, context: Context, volume: Volume, source: str = "", group_snapshot_id: str = "") -> None:
        size = checked_size(volume.size_bytes)
        self._run(context, "create_volume", *_place(volume), size, source, group_snapshot_id)

    def delete_volume(self, context: Context, volume: Volume) -> ModelUpdate | None:
        self._run(context, "delete_volume", *_place(volume))
        return None

    def extend_volume(self, context: Context, volume: Volume, new_size_bytes: int) -> None:
        self._run(context, "extend_volume", *_place(volume), checked_size(new_size_bytes))

    def create_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        key, volume = checked_id(snapshot.id), checked_id(snapshot.volume_id)
        self._run(context, "create_snapshot", key, container(snapshot), volume)
        return None

    def delete_snapshot(self, context: Context, snapshot: Snapshot) -> ModelUpdate | None:
        self._run(context, "delete_snapshot", checked_id(snapshot.id))
        return None

    def revert_to_snapshot(self, context: Context, volume: Volume, snapshot: Snapshot) -> None:
        source = self._source(snapshot)
        self._run(context, "revert_to_snapshot", *_place(volume), source, snapshot.group_snapshot_id or "")

    def copy_volume(self, context: Context, volume: Volume, source: str) -> ModelUpdate | None:
        self._run(context, "copy_volume", *_place(volume), checked_size(volume.size_bytes), source, "")
        return None

    # Activities

    def claim_activities(self, context: Context) -> None:
        self._run(context, "claim_activities")

    def snapshot_source(self, snapshot: Snapshot) -> str:
        raise ServerRefused(f"a snapshot of a {self.name} pool cannot be read as it stands: {snapshot.id}")

    def copy_program(self, context: Context, volume: Volume, source: str, *, is_stable: bool = False) -> Program:
        words = *_place(volume), checked_size(volume.size_bytes), source, "stable" if is_stable else ""
        return self._program(context, "copy_volume", words, "delete_volume", _place(volume))

    def receive_program(self, context: Context, volume: Volume, stream_bytes: int) -> Program:
        words = *_place(volume), checked_size(volume.size_bytes), "-", checked_size(stream_bytes)
        return self._program(context, "copy_volume", words, "delete_volume", _place(volume))

    def _program(
        self, context: Context, method: str, words: Sequence[str], undo: str, undo_words: Sequence[str]
    ) -> Program:
        work, back = (
            self._load(one).command(self.pool, context.owner, longest_lock_wait(context), *self._settings, *its)
            for one, its in ((method, words), (undo, undo_words))
        )
        return Program(work, back, method)

    # What is in the pool and not cgctl's

    def list_manageable(self, context: Context) -> list[Manageable]:
        return self._manageable(self._run(context, "list_manageable"), ObjectKind.VOLUME)

    def list_manageable_snapshots(self, context: Context) -> list[Manageable]:
        return self._manageable(self._run(context, "list_manageable"), ObjectKind.SNAPSHOT)

    def manage_existing(self, context: Context, volume: Volume, reference: str) -> ModelUpdate | None:
        size = checked_size(volume.size_bytes)
        self._run(context, "manage_existing", *_place(volume), size, self._reference(reference))
        return None

    def manage_existing_group(
        self, context: Context, group: Group, volumes: Sequence[Volume], references: Sequence[str]
    ) -> Updates:
        pairs = zip(volumes, references, strict=True)
        table = [(checked_id(one.id), checked_size(one.size_bytes), self._reference(place)) for one, place in pairs]
        if not table or len(set(references)) < len(table):
            raise ServerRefused("a group is made of at least one file, and of each once")
        lines = "".join("\t".join(row) + "\n" for row in table)
        self._run(context, "manage_existing_group", checked_id(group.id), stdin=lines)
        return None, None

    def manage_existing_snapshot(self, context: Context, snapshot: Snapshot, reference: str) -> ModelUpdate | None:
        ids, size = (checked_id(snapshot.id), checked_id(snapshot.volume_id)), checked_size(snapshot.size_bytes)
        self._run(context, "manage_existing_snapshot", *ids, size, self._reference(reference))
        return None

    def unmanage(self, context: Context, volume: Volume, name: str) -> str:
        return self._give_back(context, "unmanage", volume.id, name)

    def unmanage_snapshot(self, context: Context, snapshot: Snapshot, name: str) -> str:
        return self._give_back(context, "unmanage_snapshot", snapshot.id, name)

    def _give_back(self, context: Context, method: str, key: str, name: str) -> str:
        reference = self._given_back(name)
        self._run(context, method, checked_id(key), reference)
        return reference

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
            source, marked = self._source(cgsnapshot), checked_id(cgsnapshot.id)
            members = [snapshot.volume_id for snapshot in snapshots or ()]
        elif source_cg is not None:
            source, marked = self._source(source_cg), ""
            members = [volume.id for volume in source_vols or ()]
        else:
            raise ServerRefused("a group needs a group snapshot or a group as its source")
        if len(members) != len(volumes) or not members:
            raise ServerRefused(f"{len(volumes)} volumes cannot be made of {len(members)} sources")
        pairs = zip(volumes, members, strict=True)
        table = [(checked_id(v.id), checked_id(m), checked_size(v.size_bytes)) for v, m in pairs]
        parameters = checked_id(group.id), source, marked, _bound(context)
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

    def revert_consistencygroup(
        self,
        context: Context,
        group: Group,
        volumes: Sequence[Volume],
        cgsnapshot: GroupSnapshot,
        snapshots: Sequence[Snapshot],
        kept: GroupSnapshot | None = None,
    ) -> Updates:
        table = checked_pairs(volumes, snapshots)
        parameters = checked_id(group.id), checked_id(cgsnapshot.id), checked_id(kept.id) if kept else ""
        text = self._run(context, "revert_consistencygroup", *parameters, stdin=_lines(table))
        return ModelUpdate(hold=hold_receipt(text)) if kept else None, None

    def _run(self, context: Context, method: str, *parameters: str, stdin: str = "") -> str:
        """One execution of the method's script; its standard output."""
        head = self.pool, context.owner, lock_wait(context), *self._settings
        command = self._load(method).command(*head, *parameters, stdin=stdin)
        return refusals.result(self.runner.run(command, seconds_left(context)), self.runner.server, self._tool_errors)


def _place(volume: Volume) -> tuple[str, str]:
    return container(volume), checked_id(volume.id)


def _bound(context: Context) -> str:
    """In hundredths of a second."""
    return str(max(1, round(context.hold_bound_seconds * 100)))


def _lines(table: Sequence[tuple[str, ...]]) -> str:
    """The member table of a script: one line each."""
    return "".join(f"{' '.join(row)}\n" for row in table)
