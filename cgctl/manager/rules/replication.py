"""Replication: when it may be enabled, disabled, failed over (E.1). Texts are Cinder's; nothing is written before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cgctl.errors import Refused
from cgctl.manager.objects import shown
from cgctl.manager.rules.status import called, is_absent, way_out
from cgctl.model.specs import is_true
from cgctl.model.states import GroupStatus, ReplicationStatus, VolumeStatus
from cgctl.model.tables import Group, GroupType, Volume, VolumeType

GROUP_SPECS = ("consistent_group_replication_enabled", "group_replication_enabled")
VOLUME_SPEC = "replication_enabled"
USABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
CAN_ENABLE = (ReplicationStatus.DISABLED, ReplicationStatus.ENABLED)
CAN_DISABLE = (ReplicationStatus.ENABLED, ReplicationStatus.ERROR)
CAN_FAIL_OVER = (ReplicationStatus.ENABLED, ReplicationStatus.FAILED_OVER)


def asks_for_replication(key: str) -> bool:
    """Whether a spec of a type is one of the type gate's; it may say `capabilities:` before it."""
    return key.removeprefix("capabilities:") in (*GROUP_SPECS, VOLUME_SPEC)


def check_specs(name: str, specs: Mapping[str, str | None], replicated: Sequence[Group]) -> None:
    """A group type keeps asking for replication while groups of it are replicated: else none of them could move."""
    if replicated and not any(is_true(specs, key) for key in GROUP_SPECS):
        names = ", ".join(shown(one) for one in replicated)
        hint = f"cgctl group-disable-replication {replicated[0].id}"
        raise Refused(f"group type {name}", f"group {names} of it is replicated", hint)


def check_types(group: Group, group_type: GroupType, volume_types: Sequence[VolumeType]) -> None:
    """The type gate of all replication commands."""
    if not any(is_true(group_type.group_specs, key) for key in GROUP_SPECS):
        hint = f"cgctl group-type-key {group_type.name} set {GROUP_SPECS[0]}='<is> True'"
        raise Refused(called("group", group), "is not a replication group type's", hint)
    for one in volume_types:
        if not is_true(one.extra_specs, VOLUME_SPEC):
            hint = f"cgctl type-key {one.name} set {VOLUME_SPEC}='<is> True'"
            reason = f"does not have '{VOLUME_SPEC}' spec key set to '<is> True'"
            raise Refused(f"volume type {one.name}", reason, hint)


def check_enable(group: Group, volumes: Sequence[Volume]) -> None:
    """Group and members are well; enabled already is fine."""
    _check_group(group, "enable", (GroupStatus.AVAILABLE,), CAN_ENABLE)
    if not volumes:
        raise Refused(called("group", group), "has no volumes", f"cgctl create --group-id {group.id} SIZE")
    _check_volumes(volumes, CAN_ENABLE)


def check_disable(group: Group, *, stays: bool = False) -> None:
    """Members are not looked at: it is the way out of every error. stays: where it serves, it is for good."""
    allowed = (*CAN_DISABLE, ReplicationStatus.FAILED_OVER) if stays else CAN_DISABLE
    _check_group(group, "disable", (GroupStatus.AVAILABLE, GroupStatus.ERROR), allowed)


def check_sync(group: Group) -> None:
    """Only what is replicated can be brought up to date."""
    _check_group(group, "sync", (GroupStatus.AVAILABLE,), CAN_FAIL_OVER)


def check_failover(group: Group, volumes: Sequence[Volume], again: str, *, allow_attached_volume: bool) -> None:
    """All members are looked at before anything is written. A member that joined since is `disabled`: no matter.

    again: the command that attached members would not keep from it.
    """
    _check_group(group, "failover", (GroupStatus.AVAILABLE,), CAN_FAIL_OVER)
    if not volumes:
        hint = f"cgctl create --group-id {group.id} SIZE; or cgctl group-disable-replication {group.id}"
        raise Refused(called("group", group), "has no volumes", hint)
    _check_volumes(volumes, (*CAN_FAIL_OVER, ReplicationStatus.DISABLED))
    attached = [shown(one) for one in volumes if one.status == VolumeStatus.IN_USE]
    if attached and not allow_attached_volume:
        raise Refused(
            f"volume {', '.join(attached)}",
            "is attached but allow_attached_volume flag is False; cannot failover replication",
            again,
        )


def check_undo(group: Group, volumes: Sequence[Volume], there: Collection[str], *, has_live: bool) -> None:
    """The members are those that were there. A point (not has_live) may hold more: they are not promoted."""
    fail_back = f"cgctl group-failover-replication {group.id} --secondary-backend-id"
    joined = [one for one in volumes if one.id not in there and not is_absent(one)]
    if joined:
        names, ids = ", ".join(shown(one) for one in joined), ",".join(one.id for one in joined)
        hint = f"cgctl group-update {group.id} --remove-volumes {ids}; or take it along: {fail_back} default"
        raise Refused(called("group", group), f"volume {names} joined it since the failover", hint)
    left = sorted(set(there) - {one.id for one in volumes})
    if left and has_live:
        ids = ",".join(left)
        hint = f"cgctl group-update {group.id} --add-volumes {ids}; or take the group as it is: {fail_back} default"
        raise Refused(called("group", group), f"volume {ids} left it since the failover", hint)


def _check_group(group: Group, verb: str, statuses: Collection[str], replication: Collection[str]) -> None:
    subject = called("group", group)
    if group.status not in statuses:
        reason = f"status must be {_listed(statuses)}, but current status is: {group.status}; cannot {verb} replication"
        raise Refused(subject, reason, f"why: cgctl history {group.id}")
    if group.replication_status not in replication:
        reason = f"replication status must be {_listed(replication)}, but current status is: {group.replication_status}"
        raise Refused(subject, f"{reason}; cannot {verb} replication", _next(group))


def _next(group: Group) -> str:
    if group.replication_status == ReplicationStatus.DISABLED:
        return f"cgctl group-enable-replication {group.id}"
    if group.replication_status == ReplicationStatus.FAILED_OVER:
        back = f"first fail back: cgctl group-failover-replication --secondary-backend-id default {group.id}"
        stay = f"cgctl group-disable-replication --leave-replicas {group.id}"
        return f"{back}; when what it came from is gone for good, and it stays where it is: {stay}"
    return f"why: cgctl history {group.id}; the way out of an error: cgctl group-disable-replication {group.id}"


def _check_volumes(volumes: Sequence[Volume], replication: Collection[str]) -> None:
    for one in volumes:
        subject = called("volume", one)
        if one.status not in USABLE:
            reason = f"status must be {_listed(USABLE)}, but current status is: {one.status}"
            raise Refused(subject, reason, way_out("volume", one))
        if one.replication_status not in replication:
            reason = f"replication status must be {_listed(replication)}, but is: {one.replication_status}"
            raise Refused(subject, reason, f"why: cgctl history {one.id}")


def _listed(words: Collection[str]) -> str:
    return f"[{', '.join(words)}]"
