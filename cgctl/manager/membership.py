"""group-update: name, description, metadata, and which volumes are members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, update

from cgctl.errors import CgctlError, ServerFailure, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.groups import check_metadata
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import Intent, perform
from cgctl.manager.placement import volume_types_of
from cgctl.manager.rules.membership import check_movement
from cgctl.manager.updates import ERRORS
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus
from cgctl.model.tables import Group, Volume, utc_now
from cgctl.store.queries import find, fresh, set_status
from drivers import contract
from drivers.contract import Context, GroupUpdates


@dataclass(frozen=True)
class Changes:
    """What group-update was asked for; None leaves as it is, a metadata value of '' removes the key."""

    name: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    add: Sequence[str] = ()
    remove: Sequence[str] = ()

    def any(self) -> bool:
        return bool(self.add or self.remove or self.metadata) or not (self.name is None and self.description is None)


@dataclass(frozen=True)
class Moving:
    """A group with the volumes that come and go, and their statuses before."""

    group: Group
    add: list[Volume]
    remove: list[Volume]
    before: dict[str, str]


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
        words = ", ".join(
            f"{word} {shown(one)}" for word, ones in (("add", moving.add), ("remove", moving.remove)) for one in ones
        )
        intent.will(f"{self.env.backends.server(group.host or '')}: group-update {shown(group)} {words}".rstrip())
        if moving.add or moving.remove:
            self.env.backends.get(group.host or "")  # raises when it is not configured any more
            group.status = GroupStatus.UPDATING
            plan = {"add": [one.id for one in moving.add], "remove": [one.id for one in moving.remove]}
            intent.settled_by("regroup", id=group.id, before=moving.before, **plan)
        else:
            intent.settled_by("nothing")
        return moving

    def work(self, context: Context, subject: Moving) -> GroupUpdates:
        return move_on_server(self.env, context, subject)

    def finish(self, session: Session, subject: Moving, outcome: GroupUpdates) -> CgctlError | None:
        failure = write_membership(session, subject, outcome)
        if failure is None:
            _change_words(fresh(session, subject.group), self.changes)
            _change_words(subject.group, self.changes)
        return failure

    def refuse(self, session: Session, subject: Moving) -> None:
        fresh(session, subject.group).status = subject.before[subject.group.id]

    def fail(self, session: Session, subject: Moving) -> None:
        fresh(session, subject.group).status = "error"
        set_status(session, Volume, dict.fromkeys([one.id for one in (*subject.add, *subject.remove)], "error"))


def update_group(env: Environment, reference: str, changes: Changes) -> Group:
    """Change a group. Raises Refused or UsageError with nothing changed (B.4)."""
    checked_text("group name", changes.name)
    checked_text("group description", changes.description)
    check_metadata(changes.metadata)
    if not changes.any():
        raise UsageError(
            f"group {reference}",
            "nothing to change was given",
            "give --name, --description, --metadata, --add-volumes or --remove-volumes",
        )
    return perform(env, Membership(env, reference, changes)).group


def move_on_server(env: Environment, context: Context, moving: Moving) -> GroupUpdates:
    """The driver's part; nothing to do for a change of words."""
    group = moving.group
    if not (moving.add or moving.remove) or group.host is None:
        return None, None, None
    driver = env.backends.get(group.host).driver
    add = [contract.Volume(one.id, one.size_bytes) for one in moving.add]
    remove = [contract.Volume(one.id, one.size_bytes, group.id) for one in moving.remove]
    return driver.update_consistencygroup(context, contract.Group(group.id), add, remove)


def write_membership(session: Session, moving: Moving, updates: GroupUpdates) -> CgctlError | None:
    """Memberships as they are now; an error leaves them as they were, with the touched in `error`."""
    model_update, added, removed = updates
    group = fresh(session, moving.group)
    touched = [one.id for one in (*moving.add, *moving.remove)]
    listed = {one["id"]: one["status"] for one in [*(added or ()), *(removed or ())] if "id" in one and "status" in one}
    if (model_update or {}).get("status") in ERRORS or any(status in ERRORS for status in listed.values()):
        group.status = moving.group.status = "error"
        set_status(session, Volume, dict.fromkeys(touched, "error"))
        return ServerFailure(
            f"group {shown(group)}", "the server could not move its volumes", f"cgctl history {group.id}"
        )
    if touched:
        _set_group(session, moving.add, group.id)
        _set_group(session, moving.remove, None)
        set_status(session, Volume, listed)
        group.status = moving.group.status = GroupStatus.AVAILABLE
    group.updated_at = moving.group.updated_at = utc_now()
    return None


def _set_group(session: Session, volumes: Sequence[Volume], group_id: str | None) -> None:
    ids = [one.id for one in volumes]
    session.exec(update(Volume).where(col(Volume.id).in_(ids)).values(group_id=group_id, updated_at=utc_now()))


def _change_words(group: Group, changes: Changes) -> None:
    if changes.name is not None:
        group.name = changes.name
    if changes.description is not None:
        group.description = changes.description
    merged = {**group.properties, **changes.metadata}
    group.properties = {key: value for key, value in merged.items() if value != ""}
    group.updated_at = utc_now()


def _moving(intent: Intent, group: Group, changes: Changes) -> Moving:
    session = intent.session
    add = [find(session, Volume, reference) for reference in changes.add]
    remove = [find(session, Volume, reference) for reference in changes.remove]
    check_movement(group, volume_types_of(session, group.id), add, remove)
    add = [one for one in add if one.group_id != group.id]
    intent.lock(*(lock_key(one) for one in add))
    before = {one.id: one.status for one in (*add, *remove)}
    return Moving(group, add, remove, {**before, group.id: group.status})
