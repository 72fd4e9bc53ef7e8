"""Groups: create, delete, and change by name or description."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from cgctl.errors import Refused, UsageError
from cgctl.manager import creation, deletion, removal
from cgctl.manager.creation import Made
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import CG_TYPE, ensure_cg_type
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent
from cgctl.manager.placement import check_group_and_volume_types, check_zone, place, specs_for
from cgctl.manager.quiesce import HOOK_KEYS, hook_seconds
from cgctl.manager.removal import Doomed
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus
from cgctl.model.tables import Group, GroupSnapshot, GroupType, GroupVolumeType, Snapshot, Volume, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, find_many
from drivers import contract
from drivers.contract import Context


def create_group(
    env: Environment,
    group_type: str | None,
    volume_types: Sequence[str],
    name: str | None = None,
    description: str | None = None,
    availability_zone: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Group:
    """A new, empty group on the backend that fits all its types; group_type None makes a consistency group."""
    subject = f"group {name or ''}".strip()
    checked_text("group name", name)
    checked_text("group description", description)
    check_metadata(metadata or {})
    host = _place(env, subject, group_type, volume_types, availability_zone)
    zone = env.backends.get(host).availability_zone

    def prepare(intent: Intent) -> Doomed:
        its_type, types = _types(intent.session, subject, group_type, volume_types)
        row = Group(
            name=name,
            description=description,
            status=GroupStatus.CREATING,
            availability_zone=zone,
            host=host,
            group_type_id=its_type.id,
            properties=metadata or {},
        )
        intent.lock(row.id)
        intent.add(row)
        intent.add(*(GroupVolumeType(group_id=row.id, volume_type_id=one.id) for one in types))
        return Doomed(row)

    def call(context: Context, new: Doomed) -> Made:
        made = env.backends.get(host).driver.create_consistencygroup(context, contract.Group(new.row.id))
        return Made((made, None))

    return _group(creation.create(env, "group-create", "group", prepare, call))


def _group(made: Doomed) -> Group:
    assert isinstance(made.row, Group)
    return made.row


def _place(
    env: Environment, subject: str, group_type: str | None, volume_types: Sequence[str], zone: str | None
) -> str:
    check_zone(env, subject, zone)
    with env.store.write() as session:
        its_type, types = _types(session, subject, group_type, volume_types)
        check_group_and_volume_types(its_type, types, subject)
        request = Request(specs_for(its_type, types), availability_zone=zone)
        session.rollback()  # ensure_cg_type may have made a row: it is kept by the intent, not by a look
    return place(env, subject, request)


def _types(
    session: Session, subject: str, group_type: str | None, volume_types: Sequence[str]
) -> tuple[GroupType, list[VolumeType]]:
    if not volume_types:
        raise UsageError(subject, "needs at least one volume type", "see what is there: cgctl type-list")
    if group_type == CG_TYPE:
        raise Refused(subject, f"group type {CG_TYPE} is reserved", "for a consistency group: cgctl consisgroup-create")
    its_type = find(session, GroupType, group_type) if group_type is not None else ensure_cg_type(session)
    return its_type, find_many(session, VolumeType, volume_types)


def check_metadata(metadata: dict[str, str]) -> None:
    """Hook words of a group's metadata are checked when they are written, not when the hook is needed."""
    unknown = [key for key in metadata if key.startswith("quiesce_") and key not in HOOK_KEYS]
    if unknown:
        raise UsageError("metadata", f"{', '.join(unknown)} is unknown", f"hooks are {', '.join(HOOK_KEYS)}")
    if metadata.get("quiesce_timeout"):
        hook_seconds(metadata["quiesce_timeout"])


def delete_group(env: Environment, reference: str, *, delete_volumes: bool) -> None:
    """Delete a group; with delete_volumes its volumes too. Refused while anything depends on it (B.5)."""

    def select_group(intent: Intent) -> Doomed:
        row = find(intent.session, Group, reference)
        intent.lock(row.id)
        what = removal.doomed(intent.session, row)
        _refuse_dependents(intent.session, what, delete_volumes=delete_volumes)
        return what

    deletion.delete(env, "group-delete", "group", select_group)


def _refuse_dependents(session: Session, what: Doomed, *, delete_volumes: bool) -> None:
    group = f"group {shown(what.row)}"
    if not delete_volumes and what.row.status not in {"available", "error"}:
        raise Refused(group, f"is {what.row.status}, not available or error", f"cgctl history {what.row.id}")
    if session.exec(select(GroupSnapshot.id).where(GroupSnapshot.group_id == what.row.id)).first():
        raise Refused(group, "has group snapshots", f"cgctl group-snapshot-list --group-id {what.row.id}")
    if what.volumes and not delete_volumes:
        raise Refused(
            group, f"still has {len(what.volumes)} volumes", f"cgctl group-delete --delete-volumes {what.row.id}"
        )
    _refuse_used_members(session, group, what.volumes)


def _refuse_used_members(session: Session, group: str, volumes: Sequence[Volume]) -> None:
    attached = [shown(one) for one in volumes if one.status in {"in-use", "attaching", "detaching"}]
    if attached:
        raise Refused(
            group, f"volume {', '.join(attached)} is attached", "cgctl attachment-list; cgctl attachment-delete ID"
        )
    ids = [one.id for one in volumes]
    dependent = session.exec(select(Snapshot.volume_id).where(col(Snapshot.volume_id).in_(ids)).limit(1)).first()
    if dependent:
        raise Refused(group, f"volume {dependent} has snapshots", f"cgctl snapshot-list --volume-id {dependent}")
