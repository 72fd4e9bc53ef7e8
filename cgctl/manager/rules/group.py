"""Groups: what one may be made of (B.2), what may become a member (B.3), when it may go (B.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.errors import Refused, UsageError
from cgctl.manager.objects import counted, shown
from cgctl.manager.rules.status import ATTACHED, DETACH, called, check_status
from cgctl.model.names import CG_TYPE
from cgctl.model.specs import is_true
from cgctl.model.states import GroupStatus, ReplicationStatus, VolumeStatus
from cgctl.model.tables import Group, GroupType, Volume, VolumeType

DELETABLE = (GroupStatus.AVAILABLE, GroupStatus.ERROR)
TAKES_MEMBERS = (GroupStatus.AVAILABLE, GroupStatus.CREATING)


@dataclass(frozen=True)
class Dependents:
    """What would be orphaned with a group: the ids of its group snapshots, and of its members that have snapshots or

    attachments; the latter count whatever the member's status says, which `reset-state` may have set.
    """

    group_snapshots: Sequence[str] = ()
    members_with_snapshots: Sequence[str] = ()
    attached_members: Sequence[str] = ()


def check_group_type_given(subject: str, group_type: str | None) -> None:
    """A group has a type: the one that was named, or the configuration's default."""
    if not group_type:
        way_out = (
            "group-create GROUP_TYPE VOLUME_TYPES, or default_group_type in the configuration; cgctl group-type-list"
        )
        raise UsageError(subject, "needs a group type", way_out)


def check_types_given(subject: str, group_type: str | None, volume_types: Sequence[str]) -> None:
    """A group names its volume types, and not the type that is the consistency groups' own."""
    if not volume_types:
        raise UsageError(subject, "needs at least one volume type", "see what is there: cgctl type-list")
    if group_type == CG_TYPE:
        raise Refused(subject, f"group type {CG_TYPE} is reserved", "for a consistency group: cgctl consisgroup-create")


def check_types_agree(subject: str, group_type: GroupType, volume_types: Sequence[VolumeType]) -> None:
    """A group whose type asks for a capability that a volume type excludes could never be placed."""
    for one in volume_types:
        for key, requirement in one.extra_specs.items():
            asked = is_true(group_type.group_specs, key)
            if asked and requirement is not None and "false" in requirement.lower():
                raise Refused(
                    subject,
                    f"group type {group_type.name} asks for {key}, volume type {one.name} excludes it",
                    f"cgctl type-key {one.name} unset {key}",
                )


def check_new_member(
    subject: str, group: Group, group_types: Sequence[VolumeType], volume_type: VolumeType | None
) -> None:
    """A volume that is created into a group is of one of the group's types, and the group is well."""
    names = ", ".join(one.name for one in group_types)
    if volume_type is None:
        raise UsageError(subject, "needs a volume type to be in a group", f"--volume-type, one of: {names}")
    if volume_type.id not in {one.id for one in group_types}:
        raise Refused(subject, f"type {volume_type.name} is not one of group {shown(group)}'s", f"its types: {names}")
    check_status("group", group, TAKES_MEMBERS)


def check_deletion(
    group: Group,
    members: Sequence[Volume],
    dependents: Dependents,
    *,
    delete_volumes: bool,
    delete_replicas: bool = False,
) -> None:
    """Nothing may depend on a group that goes; its volumes go only when that was said. Never placed, it just goes."""
    subject = called("group", group)
    if group.host is None:
        if members:
            leave = f"cgctl group-update {group.id} --remove-volumes {','.join(one.id for one in members)}"
            raise Refused(subject, f"was never placed on a backend, yet has {counted(members, 'volume')}", leave)
        return
    if group.replication_status != ReplicationStatus.DISABLED and not delete_replicas:
        flags = "--delete-volumes --delete-replicas" if members else "--delete-replicas"
        keep = f"to keep it: cgctl group-disable-replication {group.id}"
        raise Refused(subject, "is replicated", f"cgctl group-delete {flags} {group.id}; {keep}")
    if not delete_volumes:
        check_status("group", group, DELETABLE)
    if dependents.group_snapshots:
        raise Refused(subject, "has group snapshots", f"cgctl group-snapshot-list --group-id {group.id}")
    if members and not delete_volumes:
        way_out = f"cgctl group-delete --delete-volumes {group.id}"
        raise Refused(subject, f"still has {counted(members, 'volume')}", way_out)
    attached = [shown(one) for one in members if one.status in ATTACHED or one.id in dependents.attached_members]
    if attached:
        raise Refused(subject, f"volume {', '.join(attached)} is attached", DETACH)
    for member in members:
        if member.id in dependents.members_with_snapshots:
            raise Refused(
                subject, f"volume {shown(member)} has snapshots", f"cgctl snapshot-list --volume-id {member.id}"
            )


def check_group_migration(
    group: Group, members: Sequence[Volume], dependents: Dependents, host: str, *, in_use: bool = False
) -> None:
    """Well, to another backend, and nothing hangs on it that would stay behind; nobody is attached, unless in_use."""
    subject = called("group", group)
    check_status("group", group, (GroupStatus.AVAILABLE,))
    if group.host == host:
        raise Refused(subject, f"is on {host} already", "see the others: cgctl get-pools")
    if group.replication_status != ReplicationStatus.DISABLED:
        raise Refused(subject, "is replicated", f"cgctl group-failover-replication {group.id}, or disable it first")
    if not members:
        raise Refused(subject, "has no volumes", f"make it there: cgctl group-create; cgctl group-delete {group.id}")
    attached = [shown(one) for one in members if one.status in ATTACHED or one.id in dependents.attached_members]
    if attached and not in_use:
        go = f"cgctl group-migrate --allow-attached-volume {group.id} {host}"
        raise Refused(subject, f"volume {', '.join(attached)} is attached", f"{go}; or {DETACH}")
    for member in members:
        check_status("volume", member, (VolumeStatus.AVAILABLE, *([VolumeStatus.IN_USE] if in_use else [])))
    check_nothing_stays(group, members, dependents)


def check_nothing_stays(group: Group, members: Sequence[Volume], dependents: Dependents) -> None:
    """Snapshots do not move."""
    subject = called("group", group)
    if dependents.group_snapshots:
        raise Refused(subject, "has group snapshots", f"cgctl group-snapshot-list --group-id {group.id}")
    for member in members:
        if member.id in dependents.members_with_snapshots:
            look = f"cgctl snapshot-list --volume-id {member.id}"
            raise Refused(subject, f"volume {shown(member)} has snapshots", look)
