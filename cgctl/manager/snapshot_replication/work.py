"""The long work: begun, completed or cleared on the servers, and written down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, Refused, ServerFailure
from cgctl.manager import removal
from cgctl.manager.activities.copies import Copy, copy_program, copying_host
from cgctl.manager.activities.work import Intended, Plan, first_step
from cgctl.manager.backends import require_pool
from cgctl.manager.environment import Environment
from cgctl.manager.forms import refuse_unlike
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent
from cgctl.manager.rules.snapshot_replication import check_replication
from cgctl.manager.snapshot_replication.plan import Replicating
from cgctl.manager.snapshot_replication.rows import find_either, new_rows, planned, volumes_of
from cgctl.manager.updates import read_updates
from cgctl.model.names import checked_text
from cgctl.model.tables import GroupSnapshot, Snapshot
from cgctl.store.queries import member_snapshots, subject
from drivers import contract
from drivers.activities.values import ActivityState, Program
from drivers.contract import Context, HoldReceipt
from drivers.errors import NotOnServer, PoolUnmarked

KIND = "snapshot-replicate"
METHOD = "create_volume_from_snapshot"


@dataclass(frozen=True)
class SnapshotReplication:
    """The long work. reference, destination, name: as the operator wrote them; not needed to settle it."""

    env: Environment
    reference: str = ""
    destination: str = ""
    name: str | None = None
    kind: str = KIND

    def intend(self, intent: Intent) -> Intended:
        checked_text("snapshot name", self.name)
        session, env = intent.session, self.env
        whole = find_either(session, self.reference)
        intent.lock(whole.group_id or whole.volume_id if isinstance(whole, Snapshot) else whole.group_id)
        members = [whole] if isinstance(whole, Snapshot) else member_snapshots(session, whole.id)
        env.backends.get(self.destination)  # raises when it is not configured
        check_replication(whole, members, self.destination)
        word = subject(type(whole), shown(whole))
        refuse_frozen(session, word, self.destination)
        refuse_frozen(session, word, whole.host)
        refuse_unlike(env, word, str(whole.host), self.destination, f"{KIND} {whole.id}")
        rows = new_rows(whole, members, self.destination, self.name)
        intent.add(*rows)
        made = rows[0]
        intent.about("snapshot" if isinstance(made, Snapshot) else "group snapshot", made.id, made.name)
        own_way = _is_family(env, str(whole.host), self.destination)
        plan = replace(planned(str(whole.host), self.destination, members, rows), own_way=own_way)
        server = env.backends.server
        how = "read" if own_way else f"clone {len(members)} anonymous volume(s) from"
        intent.will(f"{server(str(whole.host))}: {how} {word}")
        intent.will(f"{server(self.destination)}: copy, snapshot the copies, delete all volumes that were made for it")
        return Intended(
            plan=asdict(plan),
            host=copying_host(env, str(whole.host), self.destination),
            made_ids=[one.id for one in rows],
            source_ids=[whole.id, *(one.id for one in members)],
            method="" if own_way else METHOD,
            driver_host=str(whole.host),
            volumes=[] if own_way else volumes_of(session, members),
        )

    def begin(self, context: Context, plan: Plan) -> Program:
        work = Replicating.of(plan)
        here, there = (self.env.backends.get(one).driver.images for one in (work.source, work.destination))
        with first_step():
            require_pool(self.env, context, work.destination)
        if not work.own_way:
            for one in work.members:
                here.create_volume_from_snapshot(context, work.clone(one), one.snapshot)
        if work.anonymous_group_id:
            there.create_consistencygroup(context, contract.Group(work.anonymous_group_id))
        copies = [
            Copy(
                here.snapshot_source(one.snapshot) if work.own_way else here.volume_source(work.clone(one)),
                one.size_bytes,
                work.copy(one),
            )
            for one in work.members
        ]
        label = f"{KIND} to {work.destination}"
        return copy_program(self.env, context, work.source, work.destination, copies, label, as_images=True)

    def complete(self, context: Context, plan: Plan) -> contract.Updates:
        work = Replicating.of(plan)
        there = self.env.backends.get(work.destination).driver
        patient = replace(context, hold_bound_seconds=self.env.operation_seconds)  # nobody writes to the copies
        snapshots = [work.new_snapshot(one) for one in work.members]
        if work.set_id:
            updates = there.create_cgsnapshot(patient, work.new_set, snapshots)
        else:
            updates = there.create_snapshot(patient, snapshots[0]), None
        self._delete_volumes(context, work)
        return updates

    def find_result(self, context: Context, plan: Plan) -> bool | None:
        """The new snapshot is there, or the new group snapshot."""
        work = Replicating.of(plan)
        made = work.set_id or work.members[0].new_id
        try:
            objects = self.env.backends.get(work.destination).driver.list_objects(context)
        except PoolUnmarked:
            return None
        return any(one.id == made and one.complete for one in objects) or None

    def hidden_ids(self, plan: Plan) -> set[str]:
        work = Replicating.of(plan)
        ids = {one.copy_id for one in work.members} | {one.clone_id for one in work.members}
        return {*ids, *filter(None, [work.anonymous_group_id])}

    def end_unknown(self, context: Context, plan: Plan, ended: ActivityState) -> str | None:  # noqa: ARG002
        if self.find_result(context, plan) is None:
            self.clear(context, plan)
            return None
        work = Replicating.of(plan)
        self._delete_volumes(context, work)
        return f"what it replicated to {work.destination} stays there: {work.set_id or work.members[0].new_id}"

    def clear(self, context: Context, plan: Plan) -> None:
        work = Replicating.of(plan)
        there = self.env.backends.get(work.destination).driver
        snapshots = [work.new_snapshot(one) for one in work.members]
        try:
            if work.set_id:
                there.delete_cgsnapshot(context, work.new_set, snapshots)
            else:
                there.delete_snapshot(context, snapshots[0])
        except PoolUnmarked:  # nothing has come so far; or the pool is not mounted
            mine = {work.set_id or "", *(one.new_id for one in work.members)}
            if removal.others_in_pool(self.env, work.destination, mine):
                raise
        self._delete_volumes(context, work)

    def _delete_volumes(self, context: Context, work: Replicating) -> None:
        here, there = (self.env.backends.get(one).driver for one in (work.source, work.destination))
        with suppress(PoolUnmarked):  # `clear` has asked before, and `complete` has just made something there
            copies = [work.copy(one) for one in work.members]
            if work.anonymous_group_id:
                group = contract.Group(work.anonymous_group_id)
                updates = there.delete_consistencygroup(context, group, copies)
                _refuse_left(updates, [one.id for one in copies])
            else:
                there.delete_volume(context, copies[0])
        for one in [] if work.own_way else work.members:
            with suppress(NotOnServer):
                here.delete_volume(context, work.clone(one))

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        work = Replicating.of(plan)
        model_update, member_updates = outcome
        reading = read_updates([one.new_id for one in work.members], model_update, member_updates, "available")
        for one in work.members:
            session.get_one(Snapshot, one.new_id).status = reading.members[one.new_id]
        if work.set_id:
            row = session.get_one(GroupSnapshot, work.set_id)
            row.status = reading.whole
            row.hold = _kept_receipt(session, row, (model_update or {}).get("hold"))
        if not reading.failed:
            return None
        return ServerFailure("snapshot-replicate", reading.reason or "the server failed it", "delete it and try again")

    def give_up(self, session: Session, plan: Plan) -> None:
        work = Replicating.of(plan)
        session.exec(delete(Snapshot).where(col(Snapshot.id).in_([one.new_id for one in work.members])))
        if work.set_id:
            session.exec(delete(GroupSnapshot).where(col(GroupSnapshot.id) == work.set_id))


def _is_family(env: Environment, source: str, destination: str) -> bool:
    """Whether the drivers are of one kind, and publish that they can do it in their own way."""
    here, there = (env.backends.get(one).driver for one in (source, destination))
    return here.name == there.name and here.activities.snapshot_replication and there.activities.snapshot_replication


def _refuse_left(updates: contract.Updates, member_ids: Sequence[str]) -> None:
    """Raise Refused when a partial delete has left something: it is tried again later."""
    reading = read_updates(member_ids, *updates, "deleted")
    if reading.failed:
        reasons = "; ".join(reading.reasons.values()) or reading.reason or "the server does not say why"
        raise Refused("anonymous volumes", f"could not be deleted: {reasons}", "cgctl recover")


def _kept_receipt(session: Session, row: GroupSnapshot, own: HoldReceipt | None) -> dict[str, Any] | None:
    """The receipt of what was replicated: how its members came to be one point in time."""
    origin = session.get(GroupSnapshot, row.replicates_id) if row.replicates_id else None
    receipt = dict(origin.hold) if origin and origin.hold else dict(own or {})
    receipt["replicated_at"] = datetime.now(UTC).isoformat()
    return receipt
