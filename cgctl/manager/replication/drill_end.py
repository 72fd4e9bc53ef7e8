"""`drill-end`, and what every drill ends with: its clone goes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, NotFound, NothingToChange
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.operation import GoneMeanwhile, Intent, perform
from cgctl.manager.updates import read_updates
from cgctl.model.names import MIN_PREFIX
from cgctl.model.replication import Drill
from cgctl.model.tables import utc_now
from drivers import contract
from drivers.contract import Context
from drivers.errors import OutcomeUnknown


class NotCleanedUp(OutcomeUnknown):
    """The clone may still be there."""

    hint = "cgctl recover removes it"


@dataclass(frozen=True)
class EndDrill:
    """The operation."""

    env: Environment
    reference: str
    kind: str = "drill-end"

    def intend(self, intent: Intent) -> Drill:
        row = find_drill(intent.session, self.reference)
        intent.lock(drill_key(row.group_id))
        if not row.is_kept:
            raise NothingToChange(f"drill {row.id}", "is over, and its clone is gone", f"cgctl drill-show {row.id}")
        refuse_frozen(intent.session, f"drill {row.id}", row.host)
        intent.about("group", row.group_id, row.group_name)
        intent.settled_by("end-drill", id=row.group_id, drill=row.id, host=row.host)
        intent.will(f"{self.env.backends.server(row.host)}: remove the clone of drill {row.id}")
        return row

    def work(self, context: Context, subject: Drill) -> None:
        clean_up(self.env, context, subject.id, subject.host)

    def finish(self, session: Session, subject: Drill, outcome: None) -> CgctlError | None:  # noqa: ARG002
        end_row(session, subject.id, "interrupted")
        return None

    def refuse(self, session: Session, subject: Drill) -> None:
        """It is kept as before."""

    def fail(self, session: Session, subject: Drill) -> None:
        """It is kept, as far as anybody knows."""


def end_drill(env: Environment, reference: str) -> None:
    """Remove the clone that a drill has kept. Raises NothingToChange where there is none."""
    try:
        perform(env, EndDrill(env, reference))
    except GoneMeanwhile as gone:
        if not gone.again:
            raise


def find_drill(session: Session, drill_id: str) -> Drill:
    """A drill by its id or the beginning of it. Raises NotFound."""
    rows = session.exec(select(Drill).where(col(Drill.id).startswith(drill_id, autoescape=True)).limit(2)).all()
    if len(rows) != 1 or len(drill_id) < MIN_PREFIX:
        raise NotFound(f"drill {drill_id or repr(drill_id)}", "does not exist", "see what is there: cgctl drill-list")
    return rows[0]


def drill_key(group_id: str) -> str:
    """The lock of a group's drills."""
    return f"{group_id}/drill"


def end_row(session: Session, drill_id: str, reason: str) -> None:
    """Of a drill whose clone is gone; reason: why, if it did not end by itself."""
    row = session.get(Drill, drill_id)
    if row is None:
        return
    if row.verdict == "running":
        row.verdict, row.reason, row.ended_at = "failed", reason, utc_now()
    if row.is_kept:
        row.timeline = [*row.timeline, {"at": utc_now().isoformat(), "what": "the clone is removed"}]
    row.is_kept = False


def clean_up(env: Environment, context: Context, drill_id: str, host: str) -> None:
    """Remove what a drill made, also half of it. Raises what the server says."""
    backend = env.backends.get(host)
    found = [one for one in backend.driver.list_objects(context) if one.parent_id == drill_id]
    volumes = [contract.Volume(one.id, one.size_bytes or 0, drill_id) for one in found]
    if volumes and backend.export is not None:
        backend.export.remove_exports(context, [one.id for one in volumes])
    updates = backend.driver.delete_consistencygroup(context, contract.Group(drill_id), volumes)
    if read_updates([one.id for one in volumes], *updates, "deleted").failed:
        raise NotCleanedUp(f"{env.backends.server(host)}: the clone of the drill could not be removed")
