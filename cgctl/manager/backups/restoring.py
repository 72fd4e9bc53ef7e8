"""`backup-restore`, `create --backup-id` and `group-backup-restore`: images of a repository become volumes.

Into a volume that is there, by a hidden volume beside it: it is complete and proved before the old data go, and what is
interrupted afterwards is ended by the same calls. While they are there, `reset-state` of the volume gives the restore
up: its clients may be back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, Refused, ServerFailure
from cgctl.manager import removal
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.backups.arrivals import Arrival, Restoring, stands_alone, take_place, whole_ids
from cgctl.manager.backups.creation import word
from cgctl.manager.backups.origin import NOT_IN_BACKUPS, told_form
from cgctl.manager.backups.streams import Stream, from_repository, working_host
from cgctl.manager.backups.wanted import (
    NOTHING,
    Wanted,
    check_restorable,
    group_type_of,
    group_types,
    member_types,
    of_group,
    placed,
    size_of,
)
from cgctl.manager.backups.whereabouts import refuse_elsewhere
from cgctl.manager.environment import Environment
from cgctl.manager.forms import refuse_other_form
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import Intent
from cgctl.manager.rules.volume import check_no_attachments, check_restore
from cgctl.manager.updates import read_updates
from cgctl.model.backups import Backup
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Group, GroupVolumeType, Volume, new_id
from cgctl.store.queries import attachments_of, find, subject
from drivers import contract
from drivers.activities.values import ActivityState, Program
from drivers.contract import Context
from drivers.errors import PoolUnmarked


@dataclass(frozen=True)
class Restoration:
    """The long work. wanted is not needed to settle it; host: where a new volume or group goes."""

    env: Environment
    wanted: Wanted = NOTHING
    host: str = ""
    kind: str = "backup-restore"

    def intend(self, intent: Intent) -> Intended:
        session, wanted = intent.session, self.wanted
        row = find(session, Backup, wanted.backup)
        intent.lock(row.id)
        check_restorable(row, group=self.kind == "group-backup-restore")
        named = self.env.repositories.get(row.repository)
        if self.kind == "group-backup-restore":
            work = self._new_group(intent, row)
        elif wanted.volume is not None:
            work = self._existing_volume(intent, row)
        else:
            work = self._new_volume(intent, row)
        refuse_frozen(session, word(row), work.host)
        way = f"cgctl {self.kind} {row.id}"  # which makes new ones, where they fit
        refuse_other_form(self.env, word(row), told_form(row.members), work.host, way)
        where = self.env.backends.server(work.host)
        intent.will(f"{where}: receive {len(work.arrivals)} volume(s) from {word(row)} in {named.name}")
        return Intended(
            plan=asdict(work),
            host=working_host(self.env, named, work.host),
            made_ids=[one for one in (work.group_id, *(a.replaces or a.volume_id for a in work.arrivals)) if one],
            source_ids=[row.id],
        )

    def _new_volume(self, intent: Intent, row: Backup) -> Restoring:
        wanted, member = self.wanted, row.members[0]
        volume_type = member_types(intent.session, row, wanted.volume_type)[0]
        new = Volume(
            name=wanted.name or f"restore_backup_{row.id}",
            description=wanted.description if wanted.description is not None else member.get("description"),
            status=VolumeStatus.CREATING,
            size_bytes=size_of(row, wanted),
            volume_type_id=volume_type.id if volume_type else None,
            host=self.host,
            availability_zone=self.env.backends.get(self.host).availability_zone,
            properties={**(member.get("metadata") or {}), **(wanted.metadata or {})},
        )
        intent.lock(new.id)
        intent.add(new)
        intent.about("volume", new.id, new.name)
        arrival = Arrival(str(member["id"]), int(member["size_bytes"]), new.id, new.size_bytes)
        return Restoring(row.id, row.repository, self.host, [arrival])

    def _existing_volume(self, intent: Intent, row: Backup) -> Restoring:
        volume, member = find(intent.session, Volume, self.wanted.volume or ""), row.members[0]
        intent.lock(lock_key(volume))
        refuse_used(intent.session, subject(Volume, shown(volume)), volume.id)
        check_restore(volume, int(member["size_bytes"]))
        check_no_attachments(volume, [one.id for one in attachments_of(intent.session, [volume.id])])
        intent.about("volume", volume.id, volume.name)
        intent.will(f"volume {shown(volume)}: its data are replaced")
        arrival = Arrival(
            str(member["id"]),
            int(member["size_bytes"]),
            new_id(),
            int(member["size_bytes"]),
            None,
            volume.id,
            volume.size_bytes,
            volume.group_id,
            volume.status,
        )
        volume.status = VolumeStatus.RESTORING_BACKUP
        return Restoring(row.id, row.repository, str(volume.host), [arrival])

    def _new_group(self, intent: Intent, row: Backup) -> Restoring:
        session, wanted, was = intent.session, self.wanted, of_group(row)
        types = member_types(session, row, wanted.volume_type)
        group = Group(
            name=wanted.name,
            description=wanted.description if wanted.description is not None else was.get("description"),
            status=GroupStatus.CREATING,
            availability_zone=self.env.backends.get(self.host).availability_zone,
            host=self.host,
            group_type_id=group_type_of(session, row, wanted.group_type).id,
            properties={key: value for key, value in (was.get("metadata") or {}).items() if key not in NOT_IN_BACKUPS},
        )
        intent.lock(group.id)
        intent.add(group)
        taken = types if wanted.volume_type is not None else group_types(session, row, types)
        intent.add(
            *(GroupVolumeType(group_id=group.id, volume_type_id=one) for one in {one.id for one in taken if one})
        )
        volumes = [
            Volume(
                name=member.get("name"),
                description=member.get("description"),
                status=VolumeStatus.CREATING,
                size_bytes=int(member["size_bytes"]),
                volume_type_id=volume_type.id if volume_type else None,
                group_id=group.id,
                host=self.host,
                availability_zone=group.availability_zone,
                properties=dict(member.get("metadata") or {}),
            )
            for member, volume_type in zip(row.members, types, strict=True)
        ]
        intent.add(*volumes)
        intent.about("group", group.id, group.name)
        arrivals = [
            Arrival(str(member["id"]), int(member["size_bytes"]), one.id, one.size_bytes, group.id)
            for member, one in zip(row.members, volumes, strict=True)
        ]
        return Restoring(row.id, row.repository, self.host, arrivals, group.id)

    def begin(self, context: Context, plan: Plan) -> Program:
        work, env = Restoring.of(plan), self.env
        named, driver = env.repositories.get(work.repository), env.backends.get(work.host).driver
        if work.group_id:
            driver.create_consistencygroup(context, contract.Group(work.group_id))
        streams = [
            Stream(
                named.repository.read(work.backup_id, one.member_id),
                (driver.images if one.replaces else driver).receive_program(context, one.volume, one.image_bytes).work,
                one.image_bytes,
            )
            for one in work.arrivals
        ]
        return from_repository(env, named, work.host, streams, f"{self.kind} from {named.name}")

    def complete(self, context: Context, plan: Plan) -> CgctlError | None:
        """Why the data of an existing volume are its old ones, where that is so."""
        work = Restoring.of(plan)
        driver = self.env.backends.get(work.host).driver
        for one in work.arrivals:
            if one.replaces and self._is_given_up(one) and one.replaces in whole_ids(driver, context):
                self.clear(context, plan)
                again = f"to restore it: cgctl {self.kind} {work.backup_id} --volume {one.replaces}"
                return Refused(f"volume {one.replaces}", "reset-state has given its restore up: its data stay", again)
            if one.replaces:
                take_place(driver, context, one)
        return None

    def find_result(self, context: Context, plan: Plan) -> bool | None:
        """All images have come; into an existing volume: and have not taken its place."""
        work = Restoring.of(plan)
        return len(self._whole_of(context, work)) == len(work.arrivals) or None

    def _whole_of(self, context: Context, work: Restoring) -> list[str]:
        try:
            there = whole_ids(self.env.backends.get(work.host).driver, context)
        except PoolUnmarked:
            return []
        return [one.volume_id for one in work.arrivals if one.volume_id in there]

    def hidden_ids(self, plan: Plan) -> set[str]:
        work = Restoring.of(plan)
        return {*(one.volume_id for one in work.arrivals), *filter(None, [work.group_id])}

    def end_unknown(self, context: Context, plan: Plan, ended: ActivityState) -> str | None:
        """What has come whole may have been used since, unless it was to take the place of other data. Of one that is
        lost, each volume by itself: it may have been settled as whole, and some of it been deleted since."""
        work = Restoring.of(plan)
        is_new = not any(one.replaces for one in work.arrivals)
        ids = [one.volume_id for one in work.arrivals]
        ids = self._whole_of(context, work) if ended is ActivityState.LOST else ids
        may_be_used = ended in (ActivityState.SUCCEEDED, ActivityState.LOST) or self.find_result(context, plan)
        if is_new and ids and may_be_used:
            return f"what it restored on {work.host}, if nobody has deleted it, stays there: {', '.join(ids)}"
        self.clear(context, plan)
        return None

    def _is_given_up(self, one: Arrival) -> bool:
        with self.env.store.read() as session:
            row = session.get(Volume, one.replaces)
        return row is None or row.status != VolumeStatus.RESTORING_BACKUP

    def clear(self, context: Context, plan: Plan) -> None:
        work = Restoring.of(plan)
        driver = self.env.backends.get(work.host).driver
        volumes = [one.volume for one in work.arrivals]
        try:
            if work.group_id:
                updates = driver.delete_consistencygroup(context, contract.Group(work.group_id), volumes)
                reading = read_updates([one.id for one in volumes], *updates, "deleted")
                if reading.failed:
                    reason = reading.reason or "could not be removed"
                    raise ServerFailure(f"group {work.group_id}", reason, "cgctl recover")
            elif work.arrivals[0].replaces and stands_alone(work.arrivals[0], whole_ids(driver, context)):
                take_place(driver, context, work.arrivals[0])
            else:
                driver.delete_volume(context, volumes[0])
        except PoolUnmarked:  # nothing has come so far; or the pool is not mounted
            mine = {work.group_id or "", *(one.volume_id for one in work.arrivals)}
            if removal.others_in_pool(self.env, work.host, mine):
                raise

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        work = Restoring.of(plan)
        if isinstance(outcome, CgctlError):
            self.give_up(session, plan)
            return outcome
        for one in work.arrivals:
            row = session.get_one(Volume, one.replaces or one.volume_id)
            if row.status in (VolumeStatus.CREATING, VolumeStatus.RESTORING_BACKUP):
                row.status = VolumeStatus.AVAILABLE
        if work.group_id:
            session.get_one(Group, work.group_id).status = GroupStatus.AVAILABLE
        return None

    def give_up(self, session: Session, plan: Plan) -> None:
        work = Restoring.of(plan)
        for one in work.arrivals:
            row = session.get_one(Volume, one.replaces) if one.replaces else None
            if row and row.status == VolumeStatus.RESTORING_BACKUP:  # else an operator has said what it is
                row.status = one.before
        made = [one.volume_id for one in work.arrivals if not one.replaces]
        session.exec(delete(Volume).where(col(Volume.id).in_(made)))
        if work.group_id:
            session.exec(delete(GroupVolumeType).where(col(GroupVolumeType.group_id) == work.group_id))
            session.exec(delete(Group).where(col(Group.id) == work.group_id))


class GroupRestoration(Restoration):
    """The same of a whole group."""

    def __init__(self, env: Environment, wanted: Wanted = NOTHING, host: str = "") -> None:
        super().__init__(env, wanted, host, "group-backup-restore")


def _refuse_elsewhere(env: Environment, wanted: Wanted) -> None:
    with env.store.read() as session:
        row = find(session, Backup, wanted.backup)
    refuse_elsewhere(env, row)


def restoration(env: Environment, wanted: Wanted) -> Restoration:
    """Of one volume, new or existing; a new one is placed first. Raises what refuses it, with nothing changed."""
    _refuse_elsewhere(env, wanted)
    return Restoration(env, wanted, "" if wanted.volume is not None else placed(env, wanted, group=False))


def group_restoration(env: Environment, wanted: Wanted) -> GroupRestoration:
    """Of a whole group, as a new one."""
    _refuse_elsewhere(env, wanted)
    return GroupRestoration(env, wanted, placed(env, wanted, group=True))
