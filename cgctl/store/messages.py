"""Messages: what is left of a failure for whoever looks later (`message-list`), cron's operator above all.

Decided 2026-11-21: a failure is an operation that began and did not end well: the server failed it, refused it, was not
reached or did not answer, a hook failed, a member was left out, the command was interrupted. One message for the whole
and one for each member that failed. What cgctl refuses by itself (bad words, a wrong state, no backend that fits, an
object that another operation holds) has changed nothing and was told on the spot: no message, no trace.

Bound: 30 days, as in Cinder, and the newest 10,000.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, delete, select

from cgctl.errors import CgctlError
from cgctl.model.tables import Group, GroupSnapshot, Message, Operation, Snapshot, Volume, utc_now

KEPT_FOR = timedelta(days=30)
KEPT = 10_000
CREATING = "creating"
_KINDS: dict[str, type[Group] | type[Volume] | type[Snapshot] | type[GroupSnapshot]] = {
    "group": Group,
    "volume": Volume,
    "snapshot": Snapshot,
    "group snapshot": GroupSnapshot,
}


def record(session: Session, operation: Operation, failure: CgctlError) -> None:
    """Leave messages of a failed operation. Call it while the object's row is still there: it knows the backend."""
    _forget_old(session)
    kind, row_id = operation.subject_kind.partition(" with ")[0], operation.subject_id
    host = backend_of(session, operation)

    def message(of: str, its_id: str, name: str | None, reason: str) -> Message:
        return Message(
            expires_at=utc_now() + KEPT_FOR,
            event=f"{operation.kind.upper().replace('-', '_').replace(' ', '_')}_{failure.exit_code:03}",
            operation_id=operation.id,
            resource_kind=of,
            resource_id=its_id,
            resource_name=name,
            host=host,
            reason=reason,
            hint=failure.hint,
        )

    session.add(message(kind, row_id, operation.subject_name, failure.reason))
    session.add_all(message(*part) for part in failure.parts if part.id != row_id)


def backend_of(session: Session, operation: Operation) -> str | None:
    """Where the operation's object is, whatever the operation calls it; None where it is nowhere, or gone."""
    kinds = [_KINDS[operation.subject_kind]] if operation.subject_kind in _KINDS else _KINDS.values()
    for of in kinds:
        host = session.exec(select(of.host).where(of.id == operation.subject_id)).first()
        if host:
            return host
    return None


def is_new(session: Session, operation: Operation) -> bool:
    """Whether the operation's object is only being created: it goes, with its id, when it does not come to be."""
    of = _KINDS.get(operation.subject_kind)
    wanted = select(of.id).where(of.id == operation.subject_id, of.status == CREATING) if of else None
    return wanted is not None and session.exec(wanted).first() is not None


def _forget_old(session: Session) -> None:
    session.exec(delete(Message).where(col(Message.expires_at) < utc_now()))
    newest = select(Message.id).order_by(col(Message.created_at).desc())
    surplus = session.exec(newest.offset(KEPT - 1)).all()
    if surplus:
        session.exec(delete(Message).where(col(Message.id).in_(surplus)))
