"""The beginning of an activity: check, write intent and handle, begin on the servers, hand the journal row over."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from cgctl.errors import CgctlError, Refused
from cgctl.failures import explain
from cgctl.manager.activities.settle import place_on, unquiet
from cgctl.manager.activities.strangers import note_of
from cgctl.manager.activities.waiting import watch
from cgctl.manager.activities.work import Intended, LongWork, NothingBegun, first_step
from cgctl.manager.backends import claim_activities
from cgctl.manager.environment import Environment
from cgctl.manager.operation import Intent, perform
from cgctl.manager.quiesce import require_quiet
from cgctl.model.activities import Activity
from cgctl.model.states import VolumeStatus
from cgctl.model.tables import Volume
from cgctl.store.holder import Holder
from cgctl.store.queries import set_status
from drivers.activities.values import ActivityState
from drivers.contract import Context, HandleScope
from drivers.errors import DriverError, OutcomeUnknown


@dataclass(frozen=True)
class Launched:
    """What was intended, its handle, and the statuses of what was quiesced for it."""

    intended: Intended
    activity: Activity
    quieted: Mapping[str, str]


@dataclass(frozen=True)
class Launch:
    """The operation that begins an activity; `perform` hands its journal row over when it is done."""

    env: Environment
    long_work: LongWork
    detach: bool = False

    @property
    def kind(self) -> str:
        return self.long_work.kind

    def intend(self, intent: Intent) -> Launched:
        intended = self.long_work.intend(intent)
        activity = self._handle(intent, intended)
        quieted = self._quiesce(intent, intended)
        intent.add(activity)
        plan = dict(intended.plan)
        intent.settled_by("activity", kind=self.kind, activity_id=activity.id, work=plan, quieted=quieted)
        return Launched(intended, activity, quieted)

    def work(self, context: Context, subject: Launched) -> None:
        activity, plan = subject.activity, subject.intended.plan
        word = f"{activity.subject_kind} {activity.subject_name or activity.subject_id}"
        try:
            if activity.host:
                with first_step():
                    claim_activities(self.env, context, activity.host)
            program = replace(self.long_work.begin(context, plan), note=note_of(activity, plan))
            leashed = activity.scope == HandleScope.CONNECTION
            place_on(self.env, activity.host).start(activity.id, context.owner, program, leashed=leashed)
        except NothingBegun as nothing:
            raise explain(nothing.error, word) from nothing.error
        except OutcomeUnknown:
            raise
        except (DriverError, CgctlError) as error:
            try:
                self.long_work.clear(context, plan)
            except (DriverError, CgctlError) as left:
                raise OutcomeUnknown(f"{_why(error)}; what was begun is not removed: {_why(left)}") from error
            if isinstance(error, CgctlError):
                raise
            raise explain(error, word) from error

    def finish(self, session: Session, subject: Launched, outcome: None) -> CgctlError | None:  # noqa: ARG002
        session.get_one(Activity, subject.activity.id).state = ActivityState.RUNNING
        return None

    def refuse(self, session: Session, subject: Launched) -> None:
        self.long_work.give_up(session, subject.intended.plan)
        unquiet(session, subject.quieted)
        session.delete(session.get_one(Activity, subject.activity.id))

    def fail(self, session: Session, subject: Launched) -> None:
        """Nobody knows whether it runs: whoever settles it looks."""

    def _handle(self, intent: Intent, intended: Intended) -> Activity:
        me, journal = Holder.current(), intent.journal
        scope = HandleScope.SOURCE
        if intended.host is not None:
            scope = self.env.backends.get(intended.host).driver.activities.handle_scope
        if self.detach and scope is HandleScope.CONNECTION:
            reason = f"a handle of backend {intended.host} ends with its connection"
            raise Refused(f"{journal.subject_kind} {journal.subject_name}", reason, "leave --detach out")
        return Activity(
            operation_id=journal.id,
            kind=self.kind,
            state=ActivityState.QUEUED,
            subject_kind=journal.subject_kind,
            subject_id=journal.subject_id,
            subject_name=journal.subject_name,
            source_ids=" ".join(intended.source_ids),
            made_ids=" ".join(intended.made_ids),
            host=intended.host,
            directory=place_on(self.env, intended.host).directory,
            scope=scope,
            started_host=me.host,
            started_user=getpass.getuser(),
            started_space=me.space,
            started_pid=me.pid,
            started_tick=me.started,
        )

    def _quiesce(self, intent: Intent, intended: Intended) -> dict[str, str]:
        """Seed 004: a method that is not stateless wants its volumes quiesced first, and their status says so."""
        if not intended.volumes:
            return {}
        driver = self.env.backends.get(intended.driver_host).driver
        if intended.method in driver.activities.stateless_activities:
            return {}
        word = f"{intent.journal.subject_kind} {intent.journal.subject_name or intent.journal.subject_id}"
        require_quiet(driver, intended.method, word, intended.volumes)
        before = {one.id: one.status for one in intended.volumes}
        set_status(intent.session, Volume, dict.fromkeys(before, VolumeStatus.MAINTENANCE), changed=False)
        return before


def _why(error: DriverError | CgctlError) -> str:
    return error.message if isinstance(error, DriverError) else error.reason


def launch(env: Environment, long_work: LongWork, *, detach: bool = False) -> Activity:
    """Begin it; without detach, also wait for its end, and raise what it failed with. Ctrl-C asks what to do.

    Raises what `intend` refuses, with nothing changed.
    """
    begun = perform(env, Launch(env, long_work, detach), hands_over=True)
    if detach:
        return begun.activity
    return watch(env, begun.activity.id)
