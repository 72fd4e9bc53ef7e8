"""`--detach` of what replicates: a cgctl of its own on this machine goes on with it, as an activity.

Decided 2026-11-22: such work consists of operations, each with its own row in the journal, so the process that goes on
runs the same functions as a command that waits, and what it leaves is settled as of any command that died. A move that
is cancelled is given up, or ended where it had cut over; one that failed or was lost is left on its way, since its
first copy may have taken days: the same command goes on with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, select

from cgctl.errors import CgctlError, NotFound
from cgctl.manager.activities.launch import launch
from cgctl.manager.activities.settle import reachable_place
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_all_frozen
from cgctl.manager.operation import Intent, wait_until_free
from cgctl.manager.replication import migration
from cgctl.manager.replication.members import ReplicatedGroup, check_targets, load_any, others
from cgctl.manager.replication.switch import enable
from cgctl.manager.replication.sync import sync_group
from cgctl.manager.rules import replication as rules
from cgctl.model.activities import Activity
from cgctl.model.tables import Group
from drivers.activities.values import ActivityState, Program
from drivers.contract import Context

SYNC, MOVE = "group-sync-replication", "group-migrate-in-use"


@dataclass(frozen=True)
class SyncErrand:
    """One more recovery point, on all replicas. reference: the group; not needed to settle it."""

    env: Environment
    reference: str = ""
    kind: str = SYNC

    def intend(self, intent: Intent) -> Intended:
        found = load_any(intent.session, self.reference)
        self._check(found)
        refuse_all_frozen(intent.session, found.name, others(self.env, found))
        intent.lock(f"{found.id}/{self.kind}")
        intent.about("group", found.id, found.group.name)
        for host in others(self.env, found):
            source, there = self.env.backends.server(found.active), self.env.backends.server(host)
            intent.will(f"{source}: ship what {there} has not of {found.name}")
        return Intended({"group_id": found.id, "host": found.moving_to or found.active}, None)

    def begin(self, context: Context, plan: Plan) -> Program:  # noqa: ARG002
        return Program(self.env.backends.errand(self.kind, plan), None, f"{self.kind} {plan['group_id']}")

    def complete(self, context: Context, plan: Plan) -> None:
        """It has done everything itself."""

    def clear(self, context: Context, plan: Plan) -> None:
        """Of a group that is gone by now, nothing is left to put right: nor of one that goes while it is settled."""
        try:
            self.put_right(context, plan)
        except NotFound:
            with self.env.store.read() as session:
                if session.get(Group, plan["group_id"]):
                    raise

    def put_right(self, context: Context, plan: Plan) -> None:  # noqa: ARG002
        """What its operations left is settled, as the next command would."""
        wait_until_free(self.env, *self._group(plan).keys)

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:  # noqa: ARG002
        return None

    def give_up(self, session: Session, plan: Plan) -> None:
        """The state says how far it came."""

    def _check(self, found: ReplicatedGroup) -> None:
        rules.check_sync(found.group)
        check_targets(self.env, found)

    def _group(self, plan: Plan) -> ReplicatedGroup:
        with self.env.store.read() as session:
            return load_any(session, plan["group_id"])


@dataclass(frozen=True)
class MoveErrand(SyncErrand):
    """A move in use, from wherever it is to its end."""

    kind: str = MOVE

    def put_right(self, context: Context, plan: Plan) -> None:
        super().put_right(context, plan)
        if _was_cancelled(self.env, context):
            migration.end(self.env, plan["group_id"])

    def _check(self, found: ReplicatedGroup) -> None:
        """Where it has cut over, only its end is missing: what keeps that from going on says so itself."""
        if found.moving_to not in (None, found.active):
            super()._check(found)


def _was_cancelled(env: Environment, context: Context) -> bool:
    with env.store.read() as session:
        activity = session.exec(select(Activity).where(Activity.operation_id == context.operation_id)).one()
    report = reachable_place(env, activity).poll([activity.id]).get(activity.id)
    return report is not None and report.state is ActivityState.CANCELLED


def begin_sync(env: Environment, reference: str) -> Activity:
    """Left running."""
    return launch(env, SyncErrand(env, reference), detach=True)


def begin_enabling(env: Environment, reference: str, *, delete_replicas: bool = False) -> Activity:
    """The same of the first point; replication is enabled when this returns."""
    return begin_sync(env, enable(env, reference, delete_replicas=delete_replicas))


def begin_move(env: Environment, reference: str, host: str) -> Activity:
    """The same of a move in use, which has begun when this returns."""
    migration.depart(env, reference, host)
    return launch(env, MoveErrand(env, reference), detach=True)


def sync(env: Environment, plan: Plan) -> None:
    """What the process of its own does."""
    sync_group(env, plan["group_id"])


def move(env: Environment, plan: Plan) -> None:
    """The same of a move."""
    migration.go_on(env, plan["group_id"], plan["host"])
