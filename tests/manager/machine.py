"""The state machine's rules for groups, volumes, snapshots and attachments, and what always holds.

Each rule is one command line; whether it must succeed is the model's to say (tests/manager/model.py).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.manager.agreement import disagreements
from tests.manager.house import House, Ran
from tests.manager.model import ZEROS, Disk, Model, Still

MIB = 1024**2
REFUSED = 5


class Commands(RuleBasedStateMachine):
    """The commands of groups, volumes, snapshots and attachments."""

    house: House

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.numbers = itertools.count(1)

    # What the rules have in common

    def pick(self, data: st.DataObject, ids: Iterable[str]) -> str:
        """One of them, by its place in the order of creation: ids differ from run to run."""
        return list(ids)[data.draw(st.integers(0, len(list(ids)) - 1))]

    def run(self, allowed: bool, *words: str) -> Ran:
        """A command that must succeed exactly when the model allows it."""
        ran = self.house.run(*words)
        assert ran.code == (0 if allowed else REFUSED), ran
        return ran

    def make(self, allowed: bool, *words: str) -> str | None:
        ran = self.run(allowed, *words, "-f", "value", "-c", "id")
        return ran.last if allowed else None

    def pattern(self) -> bytes:
        return b"%08d" % next(self.numbers)

    def path(self, volume: str) -> Path:
        (found,) = self.house.root.glob(f"*/live/*/cgctl-{volume}/disk")
        return found

    # Volumes

    @rule(data=st.data(), grouped=st.booleans())
    def create_volume(self, data: st.DataObject, grouped: bool) -> None:
        group = self.pick(data, self.model.groups) if grouped and self.model.groups else None
        where = ("--group-id", group) if group else ("--availability-zone", "nova")
        made = self.make(True, "create", "1M", "--volume-type", "gold", *where)
        assert made
        self.model.volumes[made] = Disk(ZEROS, MIB, group)

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        volume = self.pick(data, self.model.volumes)
        self.model.volumes[volume].data = self.pattern()
        with self.path(volume).open("r+b") as disk:
            disk.write(self.model.volumes[volume].data)

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data())
    def copy_volume(self, data: st.DataObject) -> None:
        source = self.pick(data, self.model.volumes)
        made = self.make(not self.model.is_attached(source), "create", "--source-volid", source)
        if made:
            its = self.model.volumes[source]
            self.model.volumes[made] = Disk(its.data, its.size_bytes, host=its.host, volume_type=its.volume_type)

    @precondition(lambda self: self.model.snapshots)
    @rule(data=st.data())
    def create_from_snapshot(self, data: st.DataObject) -> None:
        snapshot = self.pick(data, self.model.snapshots)
        still = self.model.snapshots[snapshot]
        made = self.make(True, "create", "--snapshot-id", snapshot)
        assert made
        its = self.model.volumes[still.volume]
        self.model.volumes[made] = Disk(still.data, still.size_bytes, host=its.host, volume_type=its.volume_type)

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data())
    def delete_volume(self, data: st.DataObject) -> None:
        volume = self.pick(data, self.model.volumes)
        allowed = self.model.may_leave(volume)
        self.run(allowed, "delete", volume)
        if allowed:
            del self.model.volumes[volume]

    @precondition(lambda self: any(not one.attachments for one in self.model.volumes.values()))
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        volume = self.pick(data, [key for key, one in self.model.volumes.items() if not one.attachments])
        new_mib = self.model.volumes[volume].size_bytes // MIB + 1
        self.run(True, "extend", volume, f"{new_mib}M")
        self.model.volumes[volume].size_bytes = new_mib * MIB

    # Snapshots

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data())
    def create_snapshot(self, data: st.DataObject) -> None:
        volume = self.pick(data, self.model.volumes)
        made = self.make(not self.model.is_attached(volume), "snapshot-create", volume)
        if made:
            self.model.snapshots[made] = self.model.still(volume)

    @precondition(lambda self: self.model.snapshots)
    @rule(data=st.data())
    def delete_snapshot(self, data: st.DataObject) -> None:
        snapshot = self.pick(data, self.model.snapshots)
        self.run(True, "snapshot-delete", snapshot)
        del self.model.snapshots[snapshot]

    # Groups

    @rule()
    def create_group(self) -> None:
        made = self.make(True, "group-create", "consistent", "gold,silver", "--availability-zone", "nova")
        assert made
        self.model.groups[made] = None

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data(), with_volumes=st.booleans())
    def delete_group(self, data: st.DataObject, with_volumes: bool) -> None:
        group = self.pick(data, self.model.groups)
        allowed = self.model.may_delete_group(group, with_volumes=with_volumes)
        self.run(allowed, "group-delete", group, *(["--delete-volumes"] if with_volumes else []))
        if allowed:
            for member in self.model.members(group):
                del self.model.volumes[member]
            del self.model.groups[group]

    @precondition(lambda self: self.model.groups and self.model.volumes)
    @rule(data=st.data())
    def add_volume(self, data: st.DataObject) -> None:
        group, volume = self.pick(data, self.model.groups), self.pick(data, self.model.volumes)
        allowed = self.model.may_join(volume)
        self.run(allowed, "group-update", group, "--add-volumes", volume)
        if allowed:
            self.model.volumes[volume].group = group

    @precondition(lambda self: any(one.group for one in self.model.volumes.values()))
    @rule(data=st.data())
    def remove_volume(self, data: st.DataObject) -> None:
        volume = self.pick(data, [key for key, one in self.model.volumes.items() if one.group])
        self.run(True, "group-update", str(self.model.volumes[volume].group), "--remove-volumes", volume)
        self.model.volumes[volume].group = None

    # Group snapshots

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data())
    def create_group_snapshot(self, data: st.DataObject) -> None:
        group = self.pick(data, self.model.groups)
        made = self.make(self.model.may_be_copied_live(group), "group-snapshot-create", group)
        if made:
            self.model.group_snapshots[made] = self.model.group_still(group)

    @precondition(lambda self: self.model.group_snapshots)
    @rule(data=st.data())
    def delete_group_snapshot(self, data: st.DataObject) -> None:
        group_snapshot = self.pick(data, self.model.group_snapshots)
        self.run(True, "group-snapshot-delete", group_snapshot)
        del self.model.group_snapshots[group_snapshot]

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data())
    def clone_group(self, data: st.DataObject) -> None:
        group = self.pick(data, self.model.groups)
        allowed = self.model.may_be_copied_live(group)
        made = self.make(allowed, "group-create-from-src", "--source-group", group)
        if made:
            self._take_clone(made, self.model.group_still(group).members)

    @precondition(lambda self: self.model.group_snapshots)
    @rule(data=st.data())
    def create_group_from_snapshot(self, data: st.DataObject) -> None:
        group_snapshot = self.pick(data, self.model.group_snapshots)
        made = self.make(True, "group-create-from-src", "--group-snapshot", group_snapshot)
        assert made
        self._take_clone(made, self.model.group_snapshots[group_snapshot].members)

    def _take_clone(self, group: str, members: dict[str, Still]) -> None:
        """Which new volume is of which old one, the state knows."""
        query = (
            "SELECT v.id, COALESCE(v.source_volid, s.volume_id) FROM volumes v"
            " LEFT JOIN snapshots s ON s.id = v.snapshot_id WHERE v.group_id = ?"
        )
        origins = dict(self.house.rows(query, group))
        assert sorted(origins.values()) == sorted(members)
        order = {one: place for place, one in enumerate(members)}
        self.model.groups[group] = None
        for origin, volume in sorted(((one, key) for key, one in origins.items()), key=lambda pair: order[pair[0]]):
            its = Disk(members[origin].data, members[origin].size_bytes, group)
            its.volume_type = self.model.volumes[origin].volume_type
            self.model.volumes[volume] = its

    @precondition(lambda self: self.model.group_snapshots)
    @rule(data=st.data(), force=st.booleans(), discard=st.booleans())
    def revert_group(self, data: st.DataObject, force: bool, discard: bool) -> None:
        group_snapshot = self.pick(data, self.model.group_snapshots)
        allowed = self.model.may_revert(group_snapshot, force=force)
        options = [*(["--force-detach"] if force else []), *(["--discard"] if discard else [])]
        ran = self.run(allowed, "group-revert-to-snapshot", group_snapshot, *options, "-f", "json")
        if allowed:
            before = self.model.group_still(self.model.group_snapshots[group_snapshot].group)
            self.model.revert(group_snapshot)
            if not discard:
                self.model.group_snapshots[ran.json["kept_group_snapshot_id"]] = before

    # Attachments

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data(), number=st.integers(1, 2))
    def attach(self, data: st.DataObject, number: int) -> None:
        volume = self.pick(data, self.model.volumes)
        initiator, its = f"iqn.2026-11.test:{number}", self.model.volumes[volume].attachments
        made = self.make(initiator not in its, "attachment-create", volume, "--initiator", initiator)
        if made:
            its[initiator] = made

    @precondition(lambda self: any(one.attachments for one in self.model.volumes.values()))
    @rule(data=st.data())
    def detach(self, data: st.DataObject) -> None:
        volume = self.pick(data, [key for key, one in self.model.volumes.items() if one.attachments])
        initiator = self.pick(data, self.model.volumes[volume].attachments)
        self.run(True, "attachment-delete", self.model.volumes[volume].attachments.pop(initiator))

    # What always holds

    @invariant()
    def state_and_servers_agree(self) -> None:
        if self.model.groups or self.model.volumes:
            assert disagreements(self.house) == []

    @invariant()
    def the_state_has_what_the_model_has(self) -> None:
        rows = {
            key: (size, group) for key, size, group in self.house.rows("SELECT id, size_bytes, group_id FROM volumes")
        }
        assert rows == {key: (one.size_bytes, one.group) for key, one in self.model.volumes.items()}
        for table, ids in (("groups", self.model.groups), ("group_snapshots", self.model.group_snapshots)):
            assert {str(row[0]) for row in self.house.rows(f"SELECT id FROM {table}")} == set(ids)
        singles = self.house.rows("SELECT id FROM snapshots WHERE group_snapshot_id IS NULL")
        assert {str(row[0]) for row in singles} == set(self.model.snapshots)
        used = {row[0] for row in self.house.rows("SELECT id FROM volumes WHERE status = 'in-use'")}
        assert used == {key for key, one in self.model.volumes.items() if one.attachments}

    @invariant()
    def members_are_on_their_groups_backend(self) -> None:
        query = "SELECT v.id FROM volumes v JOIN groups g ON g.id = v.group_id WHERE v.host != g.host"
        assert self.house.rows(query) == []

    @invariant()
    def every_volume_has_its_data(self) -> None:
        for volume, its in self.model.volumes.items():
            with self.path(volume).open("rb") as disk:
                assert disk.read(8) == its.data
                assert disk.seek(0, os.SEEK_END) == its.size_bytes

    @invariant()
    def every_snapshot_has_its_data(self) -> None:
        for snapshot, still in self.model.snapshots.items():
            (found,) = self.house.root.glob(f"*/snap/cgctl-{snapshot}/disk")
            assert found.read_bytes()[:8] == still.data
        for group_snapshot, taken in self.model.group_snapshots.items():
            for volume, still in taken.members.items():
                (found,) = self.house.root.glob(f"*/groupsnap/cgctl-{group_snapshot}/cgctl-{volume}/disk")
                assert found.read_bytes()[:8] == still.data
