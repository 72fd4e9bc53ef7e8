"""group-update: name, description, metadata, and which volumes are members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, update

from cgctl.errors import CgctlError, ServerFailure, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.export_gap import Worked, away_words, unexported
from cgctl.manager.exports import exported_at
from cgctl.manager.missing import never_made
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.offering import offer_keys
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.manager.placement import volume_types_of
from cgctl.manager.quiesce import check_hook_words
from cgctl.manager.removal import parts
from cgctl.manager.rules.membership import Unfinished, check_movement, check_something_changes
from cgctl.manager.rules.status import is_absent
from cgctl.manager.updates import Reading, read_group_updates
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus, MigrationStatus, ReplicationStatus
from cgctl.model.tables import Attachment, Event, Group, Volume, utc_now
from cgctl.store import journal
from cgctl.store.queries import attachments_of, find, fresh, set_status
from drivers import contract
from drivers.contract import Context, Driver, Exported, GroupUpdates
from drivers.errors import NotOnServer


@dataclass(frozen=True)
class Changes:
    """What group-update was asked for; None leaves as it is, a metadata value of '' removes the key."""

    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    add: Sequence[str] = ()
    remove: Sequence[str] = ()

    def words(self) -> dict[str, object]:
        """What is changed in the state alone."""
        return {"name": self.name, "description": self.description, "metadata": self.metadata}

    def any(self) -> bool:
        return bool(self.add or self.remove or self.metadata) or not (self.name is None and self.description is None)


@dataclass
class Moving:
    """A group with the volumes that come and go, who uses them, and their statuses before.

    away_seconds: how long the exports of attached volumes were away.
    """

    group: Group
    add: list[Volume]
    remove: list[Volume]
    before: dict[str, str]
    attachments: list[Attachment]
    away_seconds: float | None = None


@dataclass(frozen=True)
class Membership:
    """The operation `group-update`."""

    env: Environment
    reference: str
    changes: Changes
    kind: str = "group-update"

    def intend(self, intent: Intent) -> Moving:
        group = find(intent.session, Group, self.reference)
        intent.lock(group.id)
        intent.about("group", group.id, group.name)
        moving = _moving(intent, group, self.changes)
        intent.lock(*offer_keys([*moving.add, *moving.remove]))
        words = ", ".join(
            f"{word} {shown(one)}" for word, ones in (("add", moving.add), ("remove", moving.remove)) for one in ones
        )
        server = self.env.backends.server(group.host or "")
        away = {one.volume_id for one in _moving_exports(self.env, moving)[0]}
        if away:
            names = ", ".join(shown(one) for one in (*moving.add, *moving.remove) if one.id in away)
            intent.will(f"{server}: end the exports of {names}, and make them anew at their new place")
        intent.will(f"{server}: group-update {shown(group)} {words}".rstrip())
        if moving.add or moving.remove:
            self.env.backends.get(group.host or "")  # raises when it is not configured any more
            group.status = GroupStatus.UPDATING
            plan = {"add": [one.id for one in moving.add], "remove": [one.id for one in moving.remove]}
            intent.settled_by("regroup", id=group.id, before=moving.before, words=self.changes.words(), **plan)
        else:
            intent.settled_by("nothing")
        return moving

    def work(self, context: Context, subject: Moving) -> Worked[GroupUpdates]:
        return move_on_server(self.env, context, subject)

    def finish(self, session: Session, subject: Moving, outcome: Worked[GroupUpdates]) -> CgctlError | None:
        failure = write_membership(session, subject, outcome)
        if failure is None:
            change_words(fresh(session, subject.group), self.changes)
            change_words(subject.group, self.changes)
        return failure

    def refuse(self, session: Session, subject: Moving) -> None:
        fresh(session, subject.group).status = subject.before[subject.group.id]

    def fail(self, session: Session, subject: Moving) -> None:
        fresh(session, subject.group).status = "error"
        set_status(session, Volume, dict.fromkeys([one.id for one in (*subject.add, *subject.remove)], "error"))


def update_group(env: Environment, reference: str, changes: Changes) -> float | None:
    """Change a group; for how long exports were away. Raises Refused or UsageError with nothing changed (B.4)."""
    checked_text("group name", changes.name)
    checked_text("group description", changes.description)
    check_hook_words("metadata", changes.metadata)
    if not changes.any():
        raise UsageError(
            f"group {reference}",
            "nothing to change was given",
            "give --name, --description, --metadata, --add-volumes or --remove-volumes",
        )
    try:
        return perform(env, Membership(env, reference, changes)).away_seconds
    except GoneMeanwhile as gone:
        if not gone.again:
            raise
        return None


def move_on_server(env: Environment, context: Context, moving: Moving) -> Worked[GroupUpdates]:
    """The driver's part; nothing to do for a change of words. May run again.

    Exports whose source moves end before, so that what is moved holds every acknowledged write, and no later one is
    made to the old place.
    """
    group = moving.group
    if not (moving.add or moving.remove) or group.host is None:
        return Worked((None, None, None), None, context.operation_id)
    backend = env.backends.get(group.host)
    before, after = _moving_exports(env, moving)

    def move() -> GroupUpdates:
        try:
            return _move(backend.driver, context, moving, moving.remove)
        except NotOnServer:
            if not moving.remove:
                raise
            present = _without_never_made(env, context, moving)
            if len(present) == len(moving.remove):
                raise
            return _move(backend.driver, context, moving, present)

    return unexported(backend, context, before, after, move)


def _move(driver: Driver, context: Context, moving: Moving, removed: Sequence[Volume]) -> GroupUpdates:
    add = [_alone(one) for one in moving.add]
    remove = [_inside(one, moving.group) for one in removed if not is_absent(one)]
    if not (add or remove):
        return None, None, None
    return driver.update_consistencygroup(context, contract.Group(moving.group.id), add, remove)


def _without_never_made(env: Environment, context: Context, moving: Moving) -> list[Volume]:
    """Who has to be removed on the server: of whom it has nothing at all leaves the group in the state alone."""
    used = {one.volume_id for one in moving.attachments}
    absent = never_made(env, context, moving.group, [one for one in moving.remove if one.id not in used])
    for one in absent:
        told = f"backend {moving.group.host} has nothing of it: it leaves the group in the state alone"
        env.warn(f"volume {shown(one)}: {told}; to forget it: cgctl delete {one.id}")
    return [one for one in moving.remove if one not in absent]


def _moving_exports(env: Environment, moving: Moving) -> tuple[list[Exported], list[Exported]]:
    """Exports as they are and as they shall be, of the attached volumes whose source is another one afterwards."""
    group = moving.group
    backend = env.backends.get(group.host or "")
    ways = [(_alone(one), _inside(one, group)) for one in moving.add]
    ways += [(_inside(one, group), _alone(one)) for one in moving.remove if not is_absent(one)]
    used = {one.volume_id for one in moving.attachments}
    offers = [
        tuple(exported_at(backend, place, moving.attachments) for place in way) for way in ways if way[0].id in used
    ]
    moved = [(before, after) for before, after in offers if before.source != after.source]
    return [before for before, _ in moved], [after for _, after in moved]


def _alone(volume: Volume) -> contract.Volume:
    return contract.Volume(volume.id, volume.size_bytes)


def _inside(volume: Volume, group: Group) -> contract.Volume:
    return contract.Volume(volume.id, volume.size_bytes, group.id)


def write_membership(session: Session, moving: Moving, worked: Worked[GroupUpdates]) -> CgctlError | None:
    """Memberships as they are now; an error leaves them as they were, with the touched in `error`."""
    group, touched = fresh(session, moving.group), [one.id for one in (*moving.add, *moving.remove)]
    if touched:
        reading = read_group_updates(touched, worked.answer, GroupStatus.AVAILABLE, moving.before)
        set_status(session, Volume, reading.members)
        group.status = moving.group.status = reading.whole
        if reading.failed:
            return _failure(group, moving, reading)
        _set_group(session, moving.add, group.id)
        _set_group(session, moving.remove, None)
        moving.away_seconds = worked.away_seconds
        session.add(_event(moving, worked))
    group.updated_at = moving.group.updated_at = utc_now()
    return None


def _event(moving: Moving, worked: Worked[GroupUpdates]) -> Event:
    words = [f"{word} {shown(one)}" for word, ones in (("add", moving.add), ("remove", moving.remove)) for one in ones]
    return Event(
        operation_id=worked.operation_id,
        subject_kind="group",
        subject_id=moving.group.id,
        subject_name=moving.group.name,
        kind="group-update",
        message=f"{', '.join(words)}{away_words(worked.away_seconds)}",
    )


def _failure(group: Group, moving: Moving, reading: Reading) -> ServerFailure:
    reasons = [reading.told(one.id, shown(one)) for one in (*moving.add, *moving.remove) if one.id in reading.reasons]
    reason = f"the server could not move {', '.join(reasons) or 'its volumes'}"
    reason = f"{reason}: {reading.reason}" if reading.reason and not reasons else reason
    hint = "mend the cause on the server, then run the same command again"
    return ServerFailure(f"group {shown(group)}", reason, hint, parts([*moving.add, *moving.remove], reading))


def _set_group(session: Session, volumes: Sequence[Volume], group_id: str | None) -> None:
    ids = [one.id for one in volumes]
    values: dict[str, object] = {"group_id": group_id, "updated_at": utc_now()}
    if group_id is None:  # it is the group that is replicated
        values["replication_status"] = ReplicationStatus.DISABLED
    session.exec(update(Volume).where(col(Volume.id).in_(ids)).values(**values))
    if group_id is None:  # and it is the group that moves
        moving = col(Volume.migration_status) == MigrationStatus.MIGRATING
        session.exec(update(Volume).where(col(Volume.id).in_(ids), moving).values(migration_status=None))


def change_words(group: Group, changes: Changes) -> None:
    """Name, description and metadata, as far as they shall change."""
    if changes.name is not None:
        group.name = changes.name
    if changes.description is not None:
        group.description = changes.description
    group.properties = _merged(group, changes)
    group.updated_at = utc_now()


def _moving(intent: Intent, group: Group, changes: Changes) -> Moving:
    session = intent.session
    add = [find(session, Volume, reference) for reference in changes.add]
    remove = [find(session, Volume, reference) for reference in changes.remove]
    unfinished = _unfinished(intent, group)
    check_movement(group, volume_types_of(session, group.id), add, remove, unfinished)
    add = [one for one in add if one.group_id != group.id]
    check_something_changes(group, moves=bool(add or remove), words=_differs(group, changes))
    intent.lock(*(lock_key(one) for one in add))
    status_of = unfinished.status_of if unfinished else _status
    before = {one.id: status_of(one) for one in (*add, *remove)} | {group.id: group.status}
    return Moving(group, add, remove, before, attachments_of(session, [one.id for one in (*add, *remove)]))


def _status(volume: Volume) -> str:
    return volume.status


def _unfinished(intent: Intent, group: Group) -> Unfinished | None:
    """The group's last operation, where it was such a change and a server has failed it."""
    last = journal.last_change_of(intent.session, group.id) if group.status == GroupStatus.ERROR else None
    if last is None or last.plan.get("action") != "regroup":
        return None
    plan = last.plan
    return Unfinished(last.command_line, frozenset(plan["add"]), frozenset(plan["remove"]), plan["before"])


def _differs(group: Group, changes: Changes) -> bool:
    properties = _merged(group, changes)
    name, description = changes.name, changes.description
    return (
        properties != group.properties
        or (name is not None and name != group.name)
        or (description is not None and description != group.description)
    )


def _merged(group: Group, changes: Changes) -> dict[str, str]:
    merged = {**group.properties, **changes.metadata}
    return {key: value for key, value in merged.items() if value != ""}
