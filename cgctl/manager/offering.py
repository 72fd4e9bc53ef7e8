"""What a backend offers to clients by its attachments, and making it so: looked at and offered in one step.

Decided 2026-11-22: `backend-check --repair` holds a lock of its own on each replicated group, which a failover takes as
well. The group's own lock would not do: a repair after a crash settles nothing, and waits for no long work, before
clients get their volumes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError
from cgctl.manager.environment import Environment
from cgctl.manager.exports import exported
from cgctl.manager.fenced import fenced_groups, replicated_groups
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent, perform
from cgctl.model.states import AttachmentStatus, ReplicationStatus
from cgctl.model.tables import Attachment, Operation, Volume
from cgctl.store.journal import StaleLock
from cgctl.store.queries import attachments_of
from drivers.contract import Backend, Context, Exported


def offer_key(group_id: str) -> str:
    """The lock of whoever offers what a group serves because the attachments say so, or fences it."""
    return f"{group_id}/offer"


@dataclass(frozen=True)
class Offering:
    """The operation. Its subject: the groups that are being failed over, by id with their names."""

    env: Environment
    backend: Backend
    kind: str = "backend-repair"

    def intend(self, intent: Intent) -> Mapping[str, str]:
        intent.about("backend", self.backend.id, self.backend.id)
        intent.settled_by("nothing")
        moving = {}
        for group in replicated_groups(intent.session, _groups_of(_attached(intent.session, self.backend))):
            if group.replication_status == ReplicationStatus.FAILING_OVER or not self._is_locked(intent, group.id):
                moving[group.id] = shown(group)
        return moving

    def _is_locked(self, intent: Intent, group_id: str) -> bool:
        """False where a failover that was interrupted has the lock: to go on with it is not a repair's to decide."""
        try:
            intent.lock(offer_key(group_id))
        except StaleLock as stale:
            if intent.session.get_one(Operation, stale.operation_id).kind == self.kind:
                raise
            return False
        return True

    def work(self, context: Context, subject: Mapping[str, str]) -> None:
        if self.backend.export and (wanted := offered(self.env, self.backend, subject)):
            self.backend.export.ensure_exports(context, wanted)

    def finish(self, session: Session, subject: Mapping[str, str], outcome: None) -> CgctlError | None:  # noqa: ARG002
        return None

    def refuse(self, session: Session, subject: Mapping[str, str]) -> None:
        """Nothing was written."""

    def fail(self, session: Session, subject: Mapping[str, str]) -> None:
        """The state says what shall be offered, and the next repair makes it so."""


def offer(env: Environment, backend: Backend) -> None:
    """Make the exports of a backend what the attachments say. Raises CgctlErrors for what the server says."""
    if wanted(env, backend):
        perform(env, Offering(env, backend))


def offered(env: Environment, backend: Backend, moving: Mapping[str, str] | None = None) -> list[Exported]:
    """The exports of a backend as the attachments say; not what a failover has fenced there, or is about to: clients
    would write behind the final recovery point, and nobody would take it along."""
    with env.store.read() as session:
        volumes = _attached(session, backend)
    moving = moving or {}
    fenced = {**moving, **fenced_groups(env, backend.id, _groups_of(volumes) - moving.keys())}
    for group_id, name in fenced.items():
        hint = f"how it stands: cgctl history {group_id}; cgctl group-replication-status {group_id}"
        env.warn(f"group {name}: is fenced on backend {backend.id}, and not offered there; {hint}")
    return _exports(env, backend, [one for one in volumes if one.group_id not in fenced])


def wanted(env: Environment, backend: Backend) -> list[Exported]:
    """The exports of a backend as the attachments say, fenced or not."""
    with env.store.read() as session:
        volumes = _attached(session, backend)
    return _exports(env, backend, volumes)


def _attached(session: Session, backend: Backend) -> Sequence[Volume]:
    if backend.export is None:
        return []
    attached = select(Attachment.volume_id).where(Attachment.status == AttachmentStatus.ATTACHED).distinct()
    statement = select(Volume).where(Volume.host == backend.id, col(Volume.id).in_(attached))
    return session.exec(statement.order_by(col(Volume.created_at))).all()


def _groups_of(volumes: Collection[Volume]) -> set[str]:
    return {one.group_id for one in volumes if one.group_id}


def _exports(env: Environment, backend: Backend, volumes: Sequence[Volume]) -> list[Exported]:
    with env.store.read() as session:
        rows = attachments_of(session, [volume.id for volume in volumes])
    by_volume = {volume.id: [row for row in rows if row.volume_id == volume.id] for volume in volumes}
    return [exported(backend, volume, by_volume[volume.id]) for volume in volumes]
