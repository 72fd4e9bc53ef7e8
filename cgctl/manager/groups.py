"""Groups: create, delete, and change by name or description."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from cgctl.errors import DryRun
from cgctl.manager import creation, deletion, removal
from cgctl.manager.cg_type import ensure_cg_type
from cgctl.manager.creation import Made
from cgctl.manager.dependents import dependents_of
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.operation import Intent
from cgctl.manager.placement import Placement, checked_zone, placement, specs_for
from cgctl.manager.quiesce import check_hook_words
from cgctl.manager.removal import Doomed
from cgctl.manager.rules import group as group_rules
from cgctl.model.names import checked_text
from cgctl.model.states import GroupStatus, ReplicationStatus
from cgctl.model.tables import Group, GroupType, GroupVolumeType, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, find_many
from drivers import contract
from drivers.contract import Context


def create_group(
    env: Environment,
    group_type: str | None,
    volume_types: Sequence[str] | None,
    name: str | None = None,
    description: str | None = None,
    availability_zone: str | None = None,
    metadata: dict[str, str] | None = None,
    *,
    consistency_group: bool = False,
    host: str | None = None,
) -> Group:
    """A new, empty group on the backend that fits all its types (B.2), or on this one.

    None as group type or volume types: the configuration's defaults; a consistency group has a group type of its own.
    What is empty was meant to be something (an unset variable of a script), and is refused.
    """
    subject = f"group {name or ''}".strip()
    if not consistency_group:
        group_type = env.settings().default_group_type if group_type is None else group_type
        group_rules.check_group_type_given(subject, group_type)
    if volume_types is None:
        volume_types = [one for one in (env.settings().default_volume_type,) if one]
    checked_text("group name", name)
    checked_text("group description", description)
    check_hook_words("metadata", metadata or {})
    placed = _place(env, subject, group_type, volume_types, availability_zone, host)
    host = placed.host
    zone = env.backends.get(host).availability_zone

    def prepare(intent: Intent) -> Doomed:
        its_type, types = types_of(intent.session, subject, group_type, volume_types)
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
        placed.tell(intent)
        return Doomed(row)

    def call(context: Context, new: Doomed) -> Made:
        made = env.backends.get(host).driver.create_consistencygroup(context, contract.Group(new.row.id))
        return Made((made, None))

    return _group(creation.create(env, "group-create", "group", prepare, call))


def _group(made: Doomed) -> Group:
    assert isinstance(made.row, Group)
    return made.row


def _place(
    env: Environment,
    subject: str,
    group_type: str | None,
    volume_types: Sequence[str],
    zone: str | None,
    only: str | None,
) -> Placement:
    zone = checked_zone(env, subject, zone)
    with env.store.write() as session:
        its_type, types = types_of(session, subject, group_type, volume_types)
        group_rules.check_types_agree(subject, its_type, types)
        request = Request(specs_for(its_type, types), availability_zone=zone)
        session.rollback()  # ensure_cg_type may have made a row: it is kept by the intent, not by a look
    return placement(env, subject, request, only)


def types_of(
    session: Session, subject: str, group_type: str | None, volume_types: Sequence[str]
) -> tuple[GroupType, list[VolumeType]]:
    """A new group's types; no group type stands for the consistency groups' own, made when it is first needed."""
    group_rules.check_types_given(subject, group_type, volume_types)
    its_type = find(session, GroupType, group_type) if group_type is not None else ensure_cg_type(session)
    return its_type, find_many(session, VolumeType, volume_types)


def delete_group(env: Environment, reference: str, *, delete_volumes: bool, delete_replicas: bool = False) -> None:
    """Delete a group; with delete_volumes its volumes too. Refused while anything depends on it (B.5).

    delete_replicas: of a replicated group, end the replication first; nothing is ended when the rest would be refused.
    """

    def checked(session: Session, *, replicas_go: bool) -> Doomed:
        row = find(session, Group, reference)
        what = removal.doomed(session, row)
        dependents = dependents_of(session, row, what.volumes)
        group_rules.check_deletion(
            row, what.volumes, dependents, delete_volumes=delete_volumes, delete_replicas=replicas_go
        )
        return what

    def select_group(intent: Intent) -> Doomed:
        intent.lock(find(intent.session, Group, reference).id)
        return checked(intent.session, replicas_go=False)

    if delete_replicas:
        with env.store.read() as session:
            what = checked(session, replicas_go=True)
        _end_replication(env, what)
    deletion.delete(env, "group-delete", "group", select_group)


def _end_replication(env: Environment, what: Doomed) -> None:
    from cgctl.manager.replication.switch import disable_replication  # noqa: PLC0415 (it uses group snapshots)

    group = _group(what)
    if group.replication_status == ReplicationStatus.DISABLED:
        return
    try:
        disable_replication(env, group.id)
    except DryRun as told:
        steps = f"{env.backends.server(group.host or '')}: delete group {shown(group)}"
        raise DryRun([*told.steps, f"{steps} with {len(what.member_ids)} members"]) from None
