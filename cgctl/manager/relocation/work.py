"""The long work of a move: begun, completed or cleared on the servers, and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, ConfigurationError, Refused, ServerFailure
from cgctl.manager import removal
from cgctl.manager.activities.copies import (
    Copy,
    Original,
    copy_program,
    copying_host,
)
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.dependents import attached_ones
from cgctl.manager.environment import Environment
from cgctl.manager.forms import refuse_unlike
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import Intent
from cgctl.manager.relocation.checks import group_to_move, volume_to_move
from cgctl.manager.relocation.plan import Relocating
from cgctl.manager.relocation.sides import end_images, find_missing, remove, whole
from cgctl.model.states import GroupStatus, MigrationStatus, VolumeStatus
from cgctl.model.tables import Group, Volume, utc_now
from cgctl.store.queries import members
from drivers import contract
from drivers.activities.values import Program
from drivers.contract import Context, Driver
from drivers.errors import DriverError, PoolUnmarked


@dataclass(frozen=True)
class Relocation:
    """The long work. reference, destination: as the operator wrote them; not needed to settle it. volume_type_id: the
    volume's new type."""

    env: Environment
    reference: str = ""
    destination: str = ""
    kind: str = "migrate"
    volume_type_id: str | None = None

    def intend(self, intent: Intent) -> Intended:
        session, env = intent.session, self.env
        group, rows = self._checked(session)
        intent.lock(group.id if group else lock_key(rows[0]))
        word, row = ("group", group) if group else ("volume", rows[0])
        assert row is not None
        refuse_frozen(session, f"{word} {shown(row)}", self.destination)
        source = str(row.host)
        refuse_unlike(env, f"{word} {shown(row)}", source, self.destination, f"{self.kind} {row.id}")
        intent.about(word, row.id, row.name)
        driver = env.backends.get(source).driver
        plan = Relocating(
            source,
            self.destination,
            [(one.id, one.size_bytes) for one in rows],
            group.id if group else None,
            [Original.of(driver, one.id, one.size_bytes).image_id for one in rows],
            self.volume_type_id,
        )
        server = env.backends.server
        intent.will(f"{server(self.destination)}: receive {len(rows)} volume(s) of {word} {shown(row)}")
        intent.will(f"{server(source)}: remove them there")
        if group:
            group.status = GroupStatus.UPDATING
        for one in rows:
            one.status, one.migration_status = VolumeStatus.MAINTENANCE, MigrationStatus.MIGRATING
        held = [row.id, *(one.id for one in rows)]
        return Intended(asdict(plan), copying_host(env, source, self.destination), source_ids=held)

    def _checked(self, session: Session) -> tuple[Group | None, Sequence[Volume]]:
        if self.kind == "group-migrate":
            return group_to_move(session, self.reference, self.destination)
        return None, [volume_to_move(session, self.reference, self.destination)]

    def begin(self, context: Context, plan: Plan) -> Program:
        work = Relocating(**plan)
        here, there = self._drivers(work)
        if work.group_id:
            there.create_consistencygroup(context, contract.Group(work.group_id))
        copies = [Copy(one.begin(here, context), one.volume.size_bytes, one.volume) for one in work.originals()]
        label = f"{self.kind} to {work.destination}"
        return copy_program(self.env, context, work.source, work.destination, copies, label)

    def complete(self, context: Context, plan: Plan) -> CgctlError | None:
        """Why nothing has moved, where that is so."""
        work = Relocating(**plan)
        here, there = self._drivers(work)
        missing = find_missing(there, context, work)
        if missing:
            why: CgctlError = ServerFailure(
                f"volume {missing}", f"has not come to {work.destination}", "cgctl backend-check"
            )
        elif self._is_kept_still(work):
            remove(here, context, work)
            end_images(here, context, work)
            self._left_with(there, context, work)
            return None
        else:
            why = self._given_up(work, still_there=find_missing(here, context, work) is None)
        self.clear(context, plan)
        return why

    def find_result(self, context: Context, plan: Plan) -> bool | None:
        """All has come, and nothing is left at the source, which answers: it goes only when all has come."""
        work = Relocating(**plan)
        here, there = self._drivers(work)
        is_gone = whole(here, context).isdisjoint(one.id for one in work.objects())
        return (is_gone and find_missing(there, context, work) is None) or None

    def _is_kept_still(self, work: Relocating) -> bool:
        """Whether nobody can have written to the old ones, nor will, while they are removed."""
        with self.env.store.write() as session:
            rows = [session.get(Volume, one.id) for one in work.objects()]
            if not all(row and row.status == VolumeStatus.MAINTENANCE and row.host == work.source for row in rows):
                return False
            if attached_ones(session, [row for row in rows if row]):
                return False
            if work.group_id:
                if {one.id for one in members(session, work.group_id)} != {one.id for one in work.objects()}:
                    return False
                session.get_one(Group, work.group_id).status = GroupStatus.UPDATING
        return True

    def is_all_that_is_left(self, context: Context, plan: Plan) -> bool:
        """Whether all has come, and the source, as it shows itself now, has not all of it any more. Raises DriverErrors
        for a destination that does not answer."""
        work = Relocating(**plan)
        if find_missing(self.env.backends.get(work.destination).driver, context, work):
            return False
        try:
            is_there = find_missing(self.env.backends.get(work.source).driver, context, work) is None
        except (DriverError, ConfigurationError):
            is_there = False
        return not is_there and self._is_kept_still(work)

    def _given_up(self, work: Relocating, *, still_there: bool) -> Refused:
        """Raises it where the old ones are not whole any more: then somebody has to say which are to stay."""
        ids = [one.id for one in work.objects()]
        word = f"group {work.group_id}" if work.group_id else f"volume {ids[0]}"
        reason = f"reset-state has given its move up: it stays on {work.source}"
        if still_there:
            return Refused(word, reason, f"to move it: cgctl {self.kind} {work.group_id or ids[0]} {work.destination}")
        reason = f"reset-state has given its move up, but {work.source} has not all of it any more"
        on = f"cgctl reset-state --state maintenance {' '.join(ids)}; cgctl recover"
        raise Refused(
            word, reason, f"what {work.destination} has is whole; to take that, and nothing written since: {on}"
        )

    def clear(self, context: Context, plan: Plan) -> None:
        """Nothing goes at the destination unless everything is where it was, and the state says so."""
        work = Relocating(**plan)
        here, there = self._drivers(work)
        missing = find_missing(here, context, work)
        if missing:
            reason = f"is not on {work.source} any more, and nobody knows that all have come to {work.destination}"
            raise ServerFailure(f"volume {missing}", reason, f"cgctl backend-check {work.destination}")
        end_images(here, context, work)
        if self._is_elsewhere(work):
            self.env.warn(f"what an interrupted {self.kind} may have left on {work.destination} is not removed")
            return
        try:
            remove(there, context, work)
        except PoolUnmarked:  # nothing has come so far; or the pool is not mounted
            mine = {work.group_id or "", *(one.id for one in work.objects())}
            if removal.others_in_pool(self.env, work.destination, mine):
                raise
        self._left_with(here, context, work)

    def _left_with(self, driver: Driver, context: Context, work: Relocating) -> None:
        """Who has the volumes has what stands outside of the pools, where that is the same for both."""
        if self.env.backends.share_machine(work.source, work.destination):
            driver.repair(context)

    def _is_elsewhere(self, work: Relocating) -> bool:
        """Whether one of them has gone another way since it was given up: the destination may be where it serves."""
        with self.env.store.read() as session:
            rows = [session.get(Volume, one.id) for one in work.objects()]
        return any(row is not None and row.host != work.source for row in rows)

    def _drivers(self, work: Relocating) -> tuple[Driver, Driver]:
        return self.env.backends.get(work.source).driver, self.env.backends.get(work.destination).driver

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        work = Relocating(**plan)
        if isinstance(outcome, CgctlError):
            self.give_up(session, plan)
            return outcome
        zone = self.env.backends.get(work.destination).availability_zone
        _settle(session, work, MigrationStatus.SUCCESS)
        moved: list[Group | Volume] = [session.get_one(Volume, one.id) for one in work.objects()]
        if work.group_id:
            moved.append(session.get_one(Group, work.group_id))
        for row in moved:
            row.host, row.availability_zone, row.updated_at = work.destination, zone, utc_now()
        if work.volume_type_id:
            session.get_one(Volume, work.objects()[0].id).volume_type_id = work.volume_type_id
        return None

    def give_up(self, session: Session, plan: Plan) -> None:
        _settle(session, Relocating(**plan), MigrationStatus.ERROR)


class GroupRelocation(Relocation):
    """The same of a whole group."""

    def __init__(self, env: Environment, reference: str = "", destination: str = "") -> None:
        super().__init__(env, reference, destination, "group-migrate")


def _settle(session: Session, work: Relocating, migration_status: MigrationStatus) -> None:
    """What an operator has said meanwhile, while a server was silent, stays."""
    for one in work.objects():
        row = session.get_one(Volume, one.id)
        row.migration_status = migration_status
        if row.status == VolumeStatus.MAINTENANCE:
            row.status = VolumeStatus.AVAILABLE
    if work.group_id:
        group = session.get_one(Group, work.group_id)
        group.status = GroupStatus.AVAILABLE if group.status == GroupStatus.UPDATING else group.status
