"""The group type that makes a group a consistency group. Apart from `kinds`: a list needs no more of it than this."""

from __future__ import annotations

from sqlmodel import Session, select

from cgctl.errors import NotFound
from cgctl.model.names import CG_TYPE
from cgctl.model.tables import Group, GroupType
from cgctl.store.queries import find


def ensure_cg_type(session: Session) -> GroupType:
    """The group type of consistency groups, made when it is first needed."""
    row = session.exec(select(GroupType).where(GroupType.name == CG_TYPE)).first()
    if row is None:
        specs = {"consistent_group_snapshot_enabled": "<is> True"}
        row = GroupType(name=CG_TYPE, description="Type of consistency groups", group_specs=specs)
        session.add(row)
        session.flush()
    return row


def group_of(session: Session, reference: str, *, consistency_group: bool = False) -> Group:
    """A group by reference; for the consisgroup commands it must be a consistency group."""
    row = find(session, Group, reference)
    if consistency_group and session.get_one(GroupType, row.group_type_id).name != CG_TYPE:
        raise NotFound(f"consistency group {reference}", "is a group of another type", f"cgctl group-show {row.id}")
    return row
