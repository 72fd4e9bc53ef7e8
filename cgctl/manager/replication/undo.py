"""`group-undo-failover`: the group goes back to where it was before, with what was there; nothing is shipped.

Decided 2026-11-21: where the old side still has what it served (it was away during the failover), it goes on with
that, its unreplicated writes included; else with the point that was promoted. What the other side wrote since is kept
there as `diverged-<time>`. Its recovery points belong to no line any more and are never promoted; they stay until the
next sync, since they may be all that a second replication target has in common with the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from cgctl.errors import FailoverRefused, Refused
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.offering import offer_key
from cgctl.manager.operation import Intent, perform
from cgctl.manager.replication import hints, members
from cgctl.manager.replication.failover import Failover, Leaving, Wishes, waive_for_undo
from cgctl.manager.replication.members import ReplicatedGroup, load
from cgctl.manager.replication.order import Order
from cgctl.manager.rules import replication as rules
from cgctl.model.replication import GroupGeneration
from cgctl.model.states import ReplicationStatus
from cgctl.model.tables import new_id, utc_now


@dataclass(frozen=True)
class Undo(Failover):
    """The same operation, ordered differently."""

    kind: str = "group-undo-failover"

    def intend(self, intent: Intent) -> Leaving:
        replicated = load(intent.session, self.reference)
        intent.lock(*replicated.keys, offer_key(replicated.id))
        given = (hints.DOWN,) if self.wishes.source_is_down else ()
        again, allowed = hints.undo(replicated, *given), self.wishes.allow_attached_volume
        rules.check_failover(replicated.group, replicated.present, again, allow_attached_volume=allowed)
        self.refuse_word_for_another(replicated)
        current, before = _last_two(intent.session, replicated)
        members.check_configured(self.env, replicated, before.host)
        refuse_frozen(intent.session, replicated.name, before.host)
        order = Order(
            before.host,
            new_id(),
            utc_now(),
            source_is_down=self.wishes.source_is_down,
            accept_data_loss=True,
            undo_point=current.point_id,
        )
        leaving = Leaving(replicated, order, members.statuses(replicated))
        intent.about("group", replicated.id, replicated.group.name)
        intent.settled_by("failover", id=replicated.id, **order.as_json())
        intent.will(f"{self.env.backends.server(before.host)}: serve {replicated.name} again as before the failover")
        members.write_status(intent.session, replicated, ReplicationStatus.FAILING_OVER)
        return leaving


def undo_failover(
    env: Environment, reference: str, *, allow_attached_volume: bool = False, source_is_down: bool = False
) -> GroupGeneration:
    """Take the last failover back. Raises Refused where there was none, FailoverRefused where its point is gone."""
    wishes = Wishes(None, allow_attached_volume, source_is_down)
    source = waive_for_undo(env, reference, wishes)
    return perform(env, Undo(env, reference, wishes, source)).row[0]


def _last_two(session: Session, replicated: ReplicatedGroup) -> tuple[GroupGeneration, GroupGeneration]:
    if replicated.record is None:
        raise FailoverRefused(replicated.name, "is not replicated", f"cgctl group-enable-replication {replicated.id}")
    current = session.get_one(GroupGeneration, replicated.record.generation_id)
    parent = session.get(GroupGeneration, current.parent_id) if current.parent_id else None
    if parent is None or parent.host == current.host or current.reason == "undo":
        reason = "its last change of backend was no failover: there is nothing to undo"
        raise Refused(replicated.name, reason, f"what happened: cgctl history {replicated.id}")
    return current, parent
