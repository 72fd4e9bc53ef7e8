"""`group-revert-to-snapshot`: a whole group back to one of its group snapshots, at once.

What is replaced is kept as a group snapshot unless it was to be discarded. Attached members are detached before it, and
stay so: initiators log in again by themselves, and one that had not unmounted would write what it has cached of the old
data over the new. An interrupted revert is rolled forward; back only where the server refuses to go on, which it does
before anything is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, delete

from cgctl.errors import CgctlError, ServerFailure
from cgctl.manager import removal
from cgctl.manager.environment import Environment
from cgctl.manager.export_gap import Worked, unexported
from cgctl.manager.exports import exported
from cgctl.manager.group_snapshots import new_rows
from cgctl.manager.objects import counted, group_snapshot_object, shown, snapshot_objects, volume_objects
from cgctl.manager.offering import offer_keys
from cgctl.manager.operation import Intent, perform
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.group_revert import check_detached, check_revert
from cgctl.manager.updates import read_updates
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus, VolumeStatus
from cgctl.model.tables import Attachment, Event, Group, GroupSnapshot, Snapshot, Volume, utc_now
from cgctl.store.queries import attachments_of, find, fresh, get, member_snapshots, members, set_status
from drivers import contract
from drivers.contract import Context, Updates
from drivers.errors import NotOnServer, PoolFull, ServerRefused


@dataclass(frozen=True)
class Wanted:
    """What was asked for; name: of the group snapshot that keeps what is replaced."""

    group_snapshot: str
    name: str | None = None
    force_detach: bool = False
    discard: bool = False


@dataclass
class Reverting:
    """kept: the group snapshot of what is replaced, with its members. attachments: those that end with it."""

    group: Group
    source: GroupSnapshot
    volumes: list[Volume]
    snapshots: list[Snapshot]
    attachments: list[Attachment]
    kept: Doomed | None
    before: Mapping[str, str]


@dataclass(frozen=True)
class Revert:
    """The operation."""

    env: Environment
    wanted: Wanted
    kind: str = "group-revert-to-snapshot"

    def intend(self, intent: Intent) -> Reverting:
        session = intent.session
        source = find(session, GroupSnapshot, self.wanted.group_snapshot)
        group = get(session, Group, source.group_id)
        intent.lock(group.id)
        volumes, snapshots = members(session, group.id), member_snapshots(session, source.id)
        intent.lock(*offer_keys(volumes))
        attachments = attachments_of(session, [one.id for one in volumes])
        check_revert(group, volumes, source, snapshots)
        check_detached(group, _attached(volumes, attachments), force_detach=self.wanted.force_detach)
        self.env.backends.get(group.host or "")  # raises when it is not configured any more
        before = {group.id: group.status, **{one.id: one.status for one in volumes}}
        kept = None if self.wanted.discard else new_rows(intent, group, volumes, self.wanted.name or _name())
        subject = Reverting(group, source, volumes, snapshots, attachments, kept, before)
        self._tell(intent, subject)
        intent.settled_by(
            "revert", id=group.id, group_snapshot=source.id, kept=kept.row.id if kept else None, before=before
        )
        group.status = GroupStatus.UPDATING
        set_status(session, Volume, dict.fromkeys([one.id for one in volumes], VolumeStatus.REVERTING))
        return subject

    def _tell(self, intent: Intent, subject: Reverting) -> None:
        group = subject.group
        intent.about("group", group.id, group.name)
        server = self.env.backends.server(group.host or "")
        names = ", ".join(shown(one) for one in _attached(subject.volumes, subject.attachments))
        if names:
            intent.will(f"{server}: detach {names}")
        fate = f"keep what is there as {shown(subject.kept.row)}" if subject.kept else "discard what is there"
        intent.will(f"{server}: {fate}")
        intent.will(
            f"{server}: group {shown(group)} with {counted(subject.volumes, 'member')} back to {_told(subject)}"
        )

    def work(self, context: Context, subject: Reverting) -> Worked[Updates]:
        return revert_on_server(self.env, context, subject)

    def finish(self, session: Session, subject: Reverting, outcome: Worked[Updates]) -> CgctlError | None:
        return write_revert(session, subject, outcome)

    def refuse(self, session: Session, subject: Reverting) -> None:
        take_back(session, subject)

    def fail(self, session: Session, subject: Reverting) -> None:
        fresh(session, subject.group).status = GroupStatus.ERROR
        set_status(session, Volume, dict.fromkeys([one.id for one in subject.volumes], VolumeStatus.ERROR))
        if subject.kept:
            removal.mark(session, subject.kept, "error")


def revert_group(env: Environment, wanted: Wanted) -> Reverting:
    """Take a group back. Raises Refused with nothing changed: other members, attached members, a wrong status."""
    checked_text("group snapshot name", wanted.name)
    return perform(env, Revert(env, wanted))


def _name() -> str:
    return f"before-revert-{utc_now():%Y%m%dT%H%M%SZ}"


def _attached(volumes: Sequence[Volume], attachments: Sequence[Attachment]) -> list[Volume]:
    used = {one.volume_id for one in attachments}
    return [one for one in volumes if one.id in used]


def _told(subject: Reverting) -> str:
    taken = subject.source.created_at.isoformat(timespec="seconds")
    return f"group snapshot {shown(subject.source)} of {taken}"


def load(session: Session, plan: Mapping[str, Any]) -> Reverting:
    """What an interrupted revert was about."""
    group = session.get_one(Group, plan["id"])
    volumes = members(session, group.id)
    kept = removal.load(session, "group snapshot", plan["kept"]) if plan["kept"] else None
    return Reverting(
        group,
        session.get_one(GroupSnapshot, plan["group_snapshot"]),
        volumes,
        member_snapshots(session, plan["group_snapshot"]),
        attachments_of(session, [one.id for one in volumes]),
        kept,
        plan["before"],
    )


def revert_on_server(env: Environment, context: Context, subject: Reverting) -> Worked[Updates]:
    """The server's part; may run again."""
    backend = env.backends.get(subject.group.host or "")
    offered = [
        exported(backend, volume, subject.attachments) for volume in _attached(subject.volumes, subject.attachments)
    ]

    kept = subject.kept.row if subject.kept else None
    assert kept is None or isinstance(kept, GroupSnapshot)

    def revert() -> Updates:
        return backend.driver.revert_consistencygroup(
            context,
            contract.Group(subject.group.id),
            volume_objects(subject.volumes),
            group_snapshot_object(subject.source),
            snapshot_objects(subject.snapshots),
            kept=group_snapshot_object(kept) if kept else None,
        )

    return unexported(backend, context, offered, (), revert)


def nothing_is_replaced(refusal: ServerRefused) -> bool:
    """Whether a refusal to go on with an interrupted revert proves that it had not begun; others ask to be mended."""
    return isinstance(refusal, (PoolFull, NotOnServer)) or type(refusal) is ServerRefused


def write_revert(session: Session, subject: Reverting, outcome: Worked[Updates]) -> CgctlError | None:
    """Everything as it was, but the data; an error of the driver is the group's and its members'."""
    model_update, member_updates = outcome.answer
    ids = [one.id for one in subject.volumes]
    reading = read_updates(ids, model_update, member_updates, "available")
    group = fresh(session, subject.group)
    group.updated_at = utc_now()
    if reading.failed:
        group.status = GroupStatus.ERROR
        set_status(session, Volume, reading.members)
        names = ", ".join(
            reading.told(one.id, shown(one)) for one in subject.volumes if one.id in reading.failed_members
        )
        reason, hint = f"the server could not revert {names or 'it'}", f"cgctl history {group.id}"
        return ServerFailure(f"group {shown(group)}", reason, hint, removal.parts(subject.volumes, reading))
    group.status = subject.group.status = subject.before[group.id]
    set_status(session, Volume, dict.fromkeys(ids, VolumeStatus.AVAILABLE))
    session.exec(delete(Attachment).where(col(Attachment.id).in_([one.id for one in subject.attachments])))
    if subject.kept:
        removal.mark(session, subject.kept, "available")
        kept = session.get_one(GroupSnapshot, subject.kept.row.id)
        kept.hold = dict((model_update or {}).get("hold") or {}) or None
    session.add(_event(subject, outcome))
    return None


def _event(subject: Reverting, outcome: Worked[Updates]) -> Event:
    fate = f"what was there is {shown(subject.kept.row)}" if subject.kept else "what was there is discarded"
    names = ", ".join(shown(one) for one in _attached(subject.volumes, subject.attachments))
    return Event(
        operation_id=outcome.operation_id,
        subject_kind="group",
        subject_id=subject.group.id,
        subject_name=subject.group.name,
        kind="group-revert-to-snapshot",
        message=f"back to {_told(subject)}; {fate}{f'; {names} detached' if names else ''}",
    )


def take_back(session: Session, subject: Reverting) -> None:
    """Nothing has been replaced: statuses as they were, and no group snapshot of it."""
    fresh(session, subject.group).status = subject.before[subject.group.id]
    set_status(session, Volume, {one.id: subject.before[one.id] for one in subject.volumes}, changed=False)
    if subject.kept:
        removal.never_was(session, subject.kept)
