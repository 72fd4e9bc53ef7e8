"""`unmanage`, `snapshot-unmanage`: the data stay in the pool, and cgctl forgets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.dependents import has_snapshots
from cgctl.manager.environment import Environment
from cgctl.manager.manageable.rows import Managed, drop, get_managed, name_of, set_status, word_of
from cgctl.manager.objects import lock_key, shown, snapshot_object, volume_object
from cgctl.manager.operation import Intent, perform
from cgctl.manager.rules import snapshot as snapshot_rules
from cgctl.manager.rules import volume as volume_rules
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Snapshot, Volume
from cgctl.store.queries import find
from drivers.contract import Context


@dataclass
class Unmanaging:
    """What is given back, its status before, and in the end the reference under which it is found."""

    row: Managed
    before: str
    reference: str | None = None


@dataclass(frozen=True)
class Unmanage:
    """The operation. Interrupted, it is ended by the same call."""

    env: Environment
    select: Callable[[Intent], Managed] | None = None
    kind: str = "unmanage"

    def intend(self, intent: Intent) -> Unmanaging:
        assert self.select is not None
        row = self.select(intent)
        server = self.env.backends.server(row.host or "")
        self.env.backends.get(row.host or "")  # raises when it is not configured any more
        intent.about(word_of(row), row.id, row.name)
        intent.settled_by("unmanage", word=word_of(row), id=row.id, before=row.status)
        intent.will(f"{server}: give {word_of(row)} {shown(row)} back as {name_of(row)}; nothing is deleted")
        subject = Unmanaging(row, row.status)
        row.status = VolumeStatus.UNMANAGING.value
        return subject

    def load(self, session: Session, plan: Mapping[str, Any]) -> Unmanaging:
        """What an interrupted one was about."""
        return Unmanaging(get_managed(session, plan), plan["before"])

    def work(self, context: Context, subject: Unmanaging) -> str:
        row = subject.row
        driver = self.env.backends.get(row.host or "").driver
        if isinstance(row, Volume):
            return driver.unmanage(context, volume_object(row), name_of(row))
        return driver.unmanage_snapshot(context, snapshot_object(row), name_of(row))

    def finish(self, session: Session, subject: Unmanaging, outcome: str) -> CgctlError | None:
        subject.reference = outcome
        drop(session, subject.row)
        return None

    def refuse(self, session: Session, subject: Unmanaging) -> None:
        set_status(session, subject.row, subject.before)

    def fail(self, session: Session, subject: Unmanaging) -> None:
        set_status(session, subject.row, VolumeStatus.ERROR)


def unmanage_volume(env: Environment, reference: str) -> Unmanaging:
    """Give a volume's data back and forget it. Raises Refused with nothing changed (B.9)."""

    def select(intent: Intent) -> Managed:
        row = find(intent.session, Volume, reference)
        intent.lock(lock_key(row))
        volume_rules.check_unmanage(row, has_snapshots=has_snapshots(intent.session, row))
        refuse_used(intent.session, f"volume {shown(row)}", row.id)
        return row

    return perform(env, Unmanage(env, select))


def unmanage_snapshot(env: Environment, reference: str) -> Unmanaging:
    """Give a snapshot's data back and forget it. Raises Refused with nothing changed (B.6)."""

    def select(intent: Intent) -> Managed:
        row = find(intent.session, Snapshot, reference)
        intent.lock(row.group_id or row.volume_id)
        snapshot_rules.check_unmanage(row)
        refuse_used(intent.session, f"snapshot {shown(row)}", row.id)
        return row

    return perform(env, Unmanage(env, select, "snapshot-unmanage"))
