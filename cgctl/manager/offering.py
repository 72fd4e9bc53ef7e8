"""What a backend offers to clients by its attachments, and making it so: looked at and offered in one step.

Decided 2026-11-22: `backend-check --repair` holds a lock of its own on each replicated group, which a failover takes as
well. The group's own lock would not do: a repair after a crash settles nothing, and waits for no long work, before
clients get their volumes back. The same with volumes: what changes who has access to one, or what is behind its export,
holds its lock of this kind, too, and offers it itself when it is done.
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
from cgctl.store.journal import StaleLock, holders, is_left_behind
from cgctl.store.queries import attachments_of
from drivers.contract import Backend, Context, Exported, ExportServer
from drivers.errors import NotOnServer


def offer_key(row_id: str) -> str:
    """The lock of whoever offers a volume, or what a group serves, because the attachments say so, or ends that."""
    return f"{row_id}/offer"


def offer_keys(volumes: Collection[Volume]) -> list[str]:
    """Of each of these."""
    return [offer_key(one.id) for one in volumes]


@dataclass(frozen=True)
class Attached:
    """Volumes of a backend that nobody else offers now; moving: groups that are being failed over, with their names."""

    volumes: Sequence[Volume]
    moving: Mapping[str, str]


@dataclass(frozen=True)
class Offering:
    """The operation."""

    env: Environment
    backend: Backend
    kind: str = "backend-repair"

    def intend(self, intent: Intent) -> Attached:
        intent.about("backend", self.backend.id, self.backend.id)
        intent.settled_by("nothing")
        volumes = _attached(intent.session, self.backend)
        moving = {}
        for group in replicated_groups(intent.session, _groups_of(volumes)):
            if group.replication_status == ReplicationStatus.FAILING_OVER or not self._is_locked(intent, group.id):
                moving[group.id] = shown(group)
        return Attached(self._left_to_us(intent, volumes), moving)

    def _is_locked(self, intent: Intent, group_id: str) -> bool:
        """False where a failover that was interrupted has the lock: to go on with it is not a repair's to decide."""
        try:
            intent.lock(offer_key(group_id))
        except StaleLock as stale:
            if intent.session.get_one(Operation, stale.operation_id).kind == self.kind:
                raise
            return False
        return True

    def _left_to_us(self, intent: Intent, volumes: Sequence[Volume]) -> list[Volume]:
        """All but those that somebody works on. What a dead command holds is offered: clients wait for it."""
        held = holders(intent.session, offer_keys(volumes))
        for one in held.values():
            if one.kind == self.kind and is_left_behind(one):
                raise StaleLock(one)
        intent.lock(*(key for key in offer_keys(volumes) if key not in held))
        at_work = {key for key, one in held.items() if not is_left_behind(one)}
        return [one for one in volumes if offer_key(one.id) not in at_work]

    def work(self, context: Context, subject: Attached) -> None:
        if (export := self.backend.export) is None or not (wanted := _offered(self.env, self.backend, subject)):
            return
        names = {one.id: shown(one) for one in subject.volumes}
        for volume_id, reason in _ensure(self.backend, export, context, wanted).items():
            self.env.warn(f"volume {names[volume_id]}: is not offered: {reason}")

    def finish(self, session: Session, subject: Attached, outcome: None) -> CgctlError | None:  # noqa: ARG002
        return None

    def refuse(self, session: Session, subject: Attached) -> None:
        """Nothing was written."""

    def fail(self, session: Session, subject: Attached) -> None:
        """The state says what shall be offered, and the next repair makes it so."""


def offer(env: Environment, backend: Backend) -> None:
    """Make the exports of a backend what the attachments say. Raises CgctlErrors for what the server says."""
    if wanted(env, backend):
        perform(env, Offering(env, backend))


def _ensure(backend: Backend, export: ExportServer, context: Context, exports: Sequence[Exported]) -> dict[str, str]:
    """Make these exports; where volumes are not there, those of the others: their clients do not wait for it.

    Returns why, by the id of each volume that is not. The findings behind a repair tell of them as failures.
    """
    try:
        export.ensure_exports(context, exports)
    except NotOnServer:
        there = {one.id for one in backend.driver.list_objects(context)}  # raises where the pool itself is away
        absent = {one.volume_id: "it is not in the pool" for one in exports if one.volume_id not in there}
        return absent | _by_halves(export, context, [one for one in exports if one.volume_id in there])
    return {}


def _by_halves(export: ExportServer, context: Context, exports: Sequence[Exported]) -> dict[str, str]:
    try:
        export.ensure_exports(context, exports)
    except NotOnServer as error:
        if len(exports) == 1:
            return {exports[0].volume_id: error.message}
        half = len(exports) // 2
        return _by_halves(export, context, exports[:half]) | _by_halves(export, context, exports[half:])
    return {}


def offered(env: Environment, backend: Backend) -> list[Exported]:
    """The exports of a backend as the attachments say, but for what is fenced there."""
    with env.store.read() as session:
        volumes = _attached(session, backend)
    return _offered(env, backend, Attached(volumes, {}))


def _offered(env: Environment, backend: Backend, attached: Attached) -> list[Exported]:
    """Not what a failover has fenced on this backend, or is about to: clients would write behind the final recovery
    point, and nobody would take it along."""
    moving = attached.moving
    fenced = {**moving, **fenced_groups(env, backend.id, _groups_of(attached.volumes) - moving.keys())}
    for group_id, name in fenced.items():
        hint = f"how it stands: cgctl history {group_id}; cgctl group-replication-status {group_id}"
        env.warn(f"group {name}: is fenced on backend {backend.id}, and not offered there; {hint}")
    return _exports(env, backend, [one for one in attached.volumes if one.group_id not in fenced])


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
    """To all who are attached; not to who was about to be, or to be no more, when a command died."""
    with env.store.read() as session:
        found = attachments_of(session, [volume.id for volume in volumes])
    rows = [one for one in found if one.status == AttachmentStatus.ATTACHED]
    by_volume = {volume.id: [row for row in rows if row.volume_id == volume.id] for volume in volumes}
    return [exported(backend, volume, by_volume[volume.id]) for volume in volumes]
