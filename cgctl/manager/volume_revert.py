"""`revert-to-snapshot`: a volume's data become those of its newest snapshot.

Decided 2026-11-21: no safety snapshot is kept meanwhile, as Cinder does. The driver exchanges the data in one step, so
that at every moment all of the old or all of the snapshot's are there; nothing would ever be restored from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError
from cgctl.manager.dependents import snapshots_of
from cgctl.manager.environment import Environment
from cgctl.manager.objects import lock_key, shown, snapshot_object, volume_object
from cgctl.manager.operation import Intent, perform
from cgctl.manager.rules.volume import check_revert
from cgctl.model.states import SnapshotStatus, VolumeStatus
from cgctl.model.tables import Snapshot, Volume, utc_now
from cgctl.store.queries import find, fresh, get
from drivers.contract import Context


@dataclass(frozen=True)
class Reverting:
    """A volume and its newest snapshot, with their statuses before, by id."""

    volume: Volume
    snapshot: Snapshot
    before: Mapping[str, str]


@dataclass(frozen=True)
class VolumeRevert:
    """The operation. Interrupted, it is ended by the same call."""

    env: Environment
    reference: str = ""
    kind: str = "revert-to-snapshot"

    def intend(self, intent: Intent) -> Reverting:
        snapshot = find(intent.session, Snapshot, self.reference)
        volume = get(intent.session, Volume, snapshot.volume_id)
        intent.lock(lock_key(volume), snapshot.group_id or snapshot.volume_id)
        beside = [one for one in snapshots_of(intent.session, volume) if one.host == volume.host]
        check_revert(volume, snapshot, beside[-1] if beside else snapshot)
        self.env.backends.get(volume.host or "")  # raises when it is not configured any more
        before = {volume.id: volume.status, snapshot.id: snapshot.status}
        intent.about("volume", volume.id, volume.name)
        intent.settled_by("revert volume", volume=volume.id, snapshot=snapshot.id, before=before)
        taken = snapshot.created_at.isoformat(timespec="seconds")
        server = self.env.backends.server(volume.host or "")
        intent.will(f"{server}: volume {shown(volume)} back to snapshot {shown(snapshot)} of {taken}")
        volume.status, snapshot.status = VolumeStatus.REVERTING, SnapshotStatus.RESTORING
        return Reverting(volume, snapshot, before)

    def load(self, session: Session, plan: Mapping[str, Any]) -> Reverting:
        """What an interrupted one was about."""
        volume, snapshot = session.get_one(Volume, plan["volume"]), session.get_one(Snapshot, plan["snapshot"])
        return Reverting(volume, snapshot, plan["before"])

    def work(self, context: Context, subject: Reverting) -> None:
        driver = self.env.backends.get(subject.volume.host or "").driver
        driver.revert_to_snapshot(context, volume_object(subject.volume), snapshot_object(subject.snapshot))

    def finish(self, session: Session, subject: Reverting, outcome: None) -> CgctlError | None:  # noqa: ARG002
        self.refuse(session, subject)
        fresh(session, subject.volume).updated_at = utc_now()
        return None

    def refuse(self, session: Session, subject: Reverting) -> None:
        fresh(session, subject.volume).status = subject.before[subject.volume.id]
        fresh(session, subject.snapshot).status = subject.before[subject.snapshot.id]

    def fail(self, session: Session, subject: Reverting) -> None:
        fresh(session, subject.volume).status = VolumeStatus.ERROR
        fresh(session, subject.snapshot).status = subject.before[subject.snapshot.id]


def revert_to_snapshot(env: Environment, snapshot: str) -> Volume:
    """Take a volume back. Raises Refused with nothing changed (B.11; Cinder's defect D15)."""
    return perform(env, VolumeRevert(env, snapshot)).volume
