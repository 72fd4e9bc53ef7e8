"""What was asked for of a backup, and what refuses it: before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from cgctl.errors import NotFound, Refused, UsageError
from cgctl.manager.backups.creation import word
from cgctl.manager.backups.origin import GROUP, told_form
from cgctl.manager.cg_type import ensure_cg_type
from cgctl.manager.environment import Environment
from cgctl.manager.forms import of_other_form, refuse_other_form
from cgctl.manager.placement import checked_zone, place, specs_for
from cgctl.model.backups import Backup
from cgctl.model.names import CG_TYPE, checked_text
from cgctl.model.states import BackupStatus
from cgctl.model.tables import GroupType, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find


@dataclass(frozen=True)
class Wanted:
    """What was asked for. volume: an existing one that gets the data; else a new one is made."""

    backup: str
    volume: str | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    group_type: str | None = None
    availability_zone: str | None = None
    size_bytes: int | None = None
    metadata: dict[str, str] | None = None


NOTHING = Wanted("")
"""Of a work that is only settled."""


def placed(env: Environment, wanted: Wanted, *, group: bool) -> str:
    """The backend where what is new goes. Raises what refuses it."""
    checked_text("name", wanted.name)
    checked_text("description", wanted.description)
    with env.store.read() as session:
        row = find(session, Backup, wanted.backup)
        check_restorable(row, group=group)
        types = [one for one in member_types(session, row, wanted.volume_type) if one]
        group_type = group_type_of(session, row, wanted.group_type) if group else None
        tell_missing(env, session, row, wanted)
    zone = checked_zone(env, word(row), wanted.availability_zone)
    size_bytes = row.size_bytes if group else size_of(row, wanted)
    form = told_form(row.members)
    others = of_other_form(env, form)
    if len(others) == len(env.backends.ids()):
        hint = f"restore it where volumes are {form}s, and let a client copy the files"
        refuse_other_form(env, word(row), form, next(iter(others)), hint)
    return place(env, word(row), Request(specs_for(group_type, types), size_bytes, zone, others))


def check_restorable(row: Backup, *, group: bool) -> None:
    """It is whole, and of the kind that the command is for."""
    if bool(row.group_id) is not group:
        kind, way = ("volume", "backup-restore") if group else ("group", "group-backup-restore")
        raise Refused(word(row), f"is one of a {kind}", f"cgctl {way} {row.id}")
    if row.status != BackupStatus.AVAILABLE and row.fail_reason:
        others = "cgctl group-backup-list" if group else "cgctl backup-list"
        hint = f"restore another one: {others}; when it is mended: cgctl backup-verify {row.id}"
        raise Refused(word(row), f"is {row.status}: {row.fail_reason}", hint)
    if row.status != BackupStatus.AVAILABLE:
        raise Refused(word(row), f"is {row.status}", f"cgctl backup-show {row.id}")


def member_types(session: Session, row: Backup, wanted: str | None) -> list[VolumeType | None]:
    """The volume type of each member: the wanted one, else that of the same name as then. A volume alone can be without
    one, a member cannot: raises NotFound."""
    if wanted is not None:
        return [find(session, VolumeType, wanted)] * len(row.members)
    found: list[VolumeType | None] = []
    for member in row.members:
        name = member.get("volume_type")
        try:
            found.append(find(session, VolumeType, str(name)) if name else None)
        except NotFound:
            if row.group_id is None:
                found.append(None)
                continue
            hint = f"cgctl type-create {name}; or take another one: --volume-type TYPE"
            raise NotFound(word(row), f"there is no volume type {name}, which it had", hint) from None
    return found


def tell_missing(env: Environment, session: Session, row: Backup, wanted: Wanted) -> None:
    """What a restore cannot give back, since this state has not got it, or a backup has not."""
    types = member_types(session, row, wanted.volume_type)
    if types == [None] and (name := row.members[0].get("volume_type")):
        way = f"cgctl type-create {name}; cgctl retype VOLUME {name}"
        env.warn(f"{word(row)}: there is no volume type {name}, which it had: restored without one; {way}")
    if hooks := of_group(row).get("left_out"):
        way = f"cgctl group-update GROUP --metadata {hooks[0]}='…'"
        env.warn(f"{word(row)}: its group had {', '.join(hooks)}, which no backup carries; {way}")
    for name in of_group(row).get("volume_types", []):
        if wanted.volume_type is None and name not in {one.name for one in group_types(session, row, types)}:
            env.warn(f"{word(row)}: there is no volume type {name}, which its group took, too")


def of_group(row: Backup) -> Mapping[str, Any]:
    """What the backup says of its group; nothing in one of an older cgctl."""
    return row.members[0].get(GROUP) or {}


def group_types(session: Session, row: Backup, types: Sequence[VolumeType | None]) -> list[VolumeType]:
    """What the new group takes: the types of its members, and the others that it took, as far as they are here."""
    names = {str(one) for one in of_group(row).get("volume_types", [])}
    others = session.exec(select(VolumeType).where(col(VolumeType.name).in_(names))).all()
    return list({one.id: one for one in (*types, *others) if one}.values())


def group_type_of(session: Session, row: Backup, wanted: str | None) -> GroupType:
    """The group's type: the wanted one, else that of the same name as then. Raises NotFound."""
    if wanted is not None:
        return find(session, GroupType, wanted)
    if row.group_type == CG_TYPE:
        return ensure_cg_type(session)
    try:
        return find(session, GroupType, str(row.group_type))
    except NotFound:
        hint = f"cgctl group-type-create {row.group_type}; or take another one: --group-type TYPE"
        raise NotFound(word(row), f"there is no group type {row.group_type}, which it had", hint) from None


def size_of(row: Backup, wanted: Wanted) -> int:
    """Bytes of the new volume. Raises UsageError when the image is larger."""
    if wanted.size_bytes is None:
        return row.size_bytes
    if wanted.size_bytes < row.size_bytes:
        raise UsageError(f"size {wanted.size_bytes}", f"is smaller than {word(row)} ({row.size_bytes} bytes)", None)
    return wanted.size_bytes
