"""The state machine's rules for what moves a volume or gives it away: migrate, retype, unmanage, manage, revert."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.manager.machine import Commands
from tests.manager.model import Disk


class Moves(Commands):
    """All commands of the model."""

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data(), host=st.sampled_from(["alpha", "beta"]))
    def migrate(self, data: st.DataObject, host: str) -> None:
        volume = self.pick(data, self.model.volumes)
        allowed = self.model.may_leave(volume) and self.model.volumes[volume].host != host
        self.run(allowed, "migrate", volume, host)
        if allowed:
            self.model.volumes[volume].host = host

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data(), volume_type=st.sampled_from(["gold", "silver"]))
    def retype(self, data: st.DataObject, volume_type: str) -> None:
        volume = self.pick(data, self.model.volumes)
        its = self.model.volumes[volume]
        allowed = its.group is None and its.volume_type != volume_type
        self.run(allowed, "retype", volume, volume_type)
        if allowed:
            its.volume_type = volume_type

    @precondition(lambda self: self.model.volumes)
    @rule(data=st.data())
    def unmanage(self, data: st.DataObject) -> None:
        volume = self.pick(data, self.model.volumes)
        allowed = self.model.may_leave(volume)
        ran = self.run(allowed, "unmanage", volume)
        if allowed:
            its = self.model.volumes.pop(volume)
            name = ran.err.partition("is now ")[2].partition(" in the pool")[0]
            self.model.foreign[its.host, name] = its

    @precondition(lambda self: self.model.foreign)
    @rule(data=st.data(), grouped=st.booleans())
    def manage(self, data: st.DataObject, grouped: bool) -> None:
        place = list(self.model.foreign)[data.draw(st.integers(0, len(self.model.foreign) - 1))]
        group = self.pick(data, self.model.groups) if grouped and self.model.groups else None
        where = ("--group-id", group) if group else ()
        made = self.make(not group or place[0] == "alpha", "manage", *place, "--volume-type", "silver", *where)
        if made:
            its = self.model.foreign.pop(place)
            self.model.volumes[made] = Disk(its.data, its.size_bytes, group, host=its.host, volume_type="silver")

    @precondition(lambda self: self.model.snapshots)
    @rule(data=st.data())
    def revert_volume(self, data: st.DataObject) -> None:
        snapshot = self.pick(data, self.model.snapshots)
        still = self.model.snapshots[snapshot]
        allowed = self.model.may_revert_volume(snapshot)
        self.run(allowed, "revert-to-snapshot", snapshot)
        if allowed:
            self.model.volumes[still.volume].data = still.data

    @invariant()
    def volumes_are_where_and_of_the_type_the_model_has(self) -> None:
        rows = self.house.rows(
            "SELECT v.id, v.host, t.name FROM volumes v JOIN volume_types t ON t.id=v.volume_type_id"
        )
        assert {row[0]: row[1:] for row in rows} == {
            key: (one.host, one.volume_type) for key, one in self.model.volumes.items()
        }

    @invariant()
    def what_was_given_back_has_its_data(self) -> None:
        for (host, name), its in self.model.foreign.items():
            found = (self.house.root / host / name).read_bytes()
            assert (found[:8], len(found)) == (its.data, its.size_bytes)
