"""What a failover has fenced is offered to nobody, whatever attachments say: the note on the server decides."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from cgctl.errors import FailoverRefused
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.model.states import ReplicationStatus
from cgctl.model.tables import Group, Volume, new_id
from drivers.replication import SideState


def fenced_groups(env: Environment, host: str, group_ids: Collection[str]) -> dict[str, str]:
    """Of these groups, by id with their names, those that are fenced on a backend, or are being failed over now.

    One look at the server for each that is replicated; none for others. Raises what the server says.
    """
    with env.store.read() as session:
        groups = replicated_groups(session, group_ids)
    return {one.id: shown(one) for one in groups if _is_fenced(env, host, one)}


def replicated_groups(session: Session, group_ids: Collection[str]) -> Sequence[Group]:
    """Of these groups, those that are replicated, whatever becomes of it."""
    asked = col(Group.id).in_(group_ids), Group.replication_status != ReplicationStatus.DISABLED
    return session.exec(select(Group).where(*asked).order_by(col(Group.created_at))).all()


def refuse_where_fenced(env: Environment, volume: Volume) -> None:
    """Raise FailoverRefused for a member of a group that is fenced where the state has it."""
    group_ids = {volume.group_id} if volume.group_id else set()
    for group_id, name in fenced_groups(env, volume.host or "", group_ids).items():
        reason = f"is fenced on backend {volume.host}: another one serves it, or was about to"
        hint = f"was the state restored from an older copy? cgctl group-replication-status {group_id}"
        raise FailoverRefused(f"group {name}", reason, hint)


def _is_fenced(env: Environment, host: str, group: Group) -> bool:
    if group.replication_status == ReplicationStatus.FAILING_OVER:
        return True
    replication = env.backends.get(host).replication
    return replication is not None and (replication.observe(env.context(new_id()), group.id).state is SideState.FENCED)
