"""`reset-state`: the operator's own word about an object, when cgctl's is wrong. Only the state is written (B.10)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sqlmodel import Session, select

from cgctl.errors import DryRun, Refused, UsageError
from cgctl.manager.environment import Environment
from cgctl.manager.operation import wait_until_free
from cgctl.model import states
from cgctl.model.tables import Attachment, Event, Group, GroupSnapshot, Snapshot, Volume
from cgctl.store.queries import find, subject

Resettable = Group | Volume | Snapshot | GroupSnapshot

STATUSES: Mapping[str, type[StrEnum]] = {
    "volume": states.VolumeStatus,
    "snapshot": states.SnapshotStatus,
    "group": states.GroupStatus,
    "group-snapshot": states.GroupSnapshotStatus,
}
"""The words of `--type`, with what each may be set to."""


def reset_state(env: Environment, word: str, reference: str, state: str) -> None:
    """Set a status by hand. Raises UsageError for a status that the kind has not, Locked while it is worked on."""
    wanted = state.strip().lower()
    allowed = [one.value for one in STATUSES[word] if one.value not in states.TRANSITIONAL and one.value != "deleted"]
    if wanted not in allowed:
        raise UsageError(f"state '{state}'", f"is not one that a {word} can be set to", f"one of: {', '.join(allowed)}")
    with env.store.read() as session:
        key = _lock_key(_find(session, word, reference))
    wait_until_free(env, key)
    with env.store.write() as session:
        row = _find(session, word, reference)
        name = subject(type(row), row.name or row.id)
        if isinstance(row, Volume):
            _check_attachments(session, row, wanted)
        before, row.status = row.status, wanted
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: {name} from {before} to {wanted}"])
        message = f"from {before} to {wanted}"
        session.add(
            Event(subject_kind=word, subject_id=row.id, subject_name=row.name, kind="reset-state", message=message)
        )


def check_attach_status(env: Environment, reference: str, *, attached: bool) -> None:
    """Raise Refused where a volume is not as said: its attachments are changed by commands of their own."""
    with env.store.read() as session:
        _check_attachments(session, find(session, Volume, reference), "in-use" if attached else "available")


def _find(session: Session, word: str, reference: str) -> Resettable:
    if word == "group":
        return find(session, Group, reference)
    if word == "group-snapshot":
        return find(session, GroupSnapshot, reference)
    return find(session, Volume, reference) if word == "volume" else find(session, Snapshot, reference)


def _lock_key(row: Resettable) -> str:
    if isinstance(row, Group):
        return row.id
    if isinstance(row, Volume):
        return row.group_id or row.id
    return row.group_id or (row.volume_id if isinstance(row, Snapshot) else row.id)


def _check_attachments(session: Session, row: Volume, wanted: str) -> None:
    """`available` and `in-use` say whether somebody has access: that is not a matter of opinion."""
    attached = session.exec(select(Attachment.id).where(Attachment.volume_id == row.id)).first()
    if wanted == "in-use" and not attached:
        raise Refused(f"volume {row.name or row.id}", "has no attachment", f"cgctl attachment-create {row.id}")
    if wanted == "available" and attached:
        raise Refused(f"volume {row.name or row.id}", "has attachments", f"cgctl attachment-delete {attached}")
