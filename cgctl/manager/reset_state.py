"""`reset-state`: the operator's own word about an object, when cgctl's is wrong. Only the state is written (B.10)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, select

from cgctl.errors import DryRun
from cgctl.manager.activities.used import refuse_used
from cgctl.manager.environment import Environment
from cgctl.manager.operation import wait_until_free
from cgctl.manager.rules.reset import check_attachments, checked_status
from cgctl.model.backups import Backup
from cgctl.model.tables import Attachment, Event, Group, GroupSnapshot, Snapshot, Volume
from cgctl.store.queries import find, subject

Resettable = Group | Volume | Snapshot | GroupSnapshot | Backup


def reset_state(env: Environment, word: str, reference: str, state: str) -> None:
    """Set a status by hand. Raises UsageError for a status that the kind has not, Locked or Refused while it is worked
    on: somebody would write to what an activity is about to remove.
    """
    wanted = checked_status(word, state)
    with env.store.read() as session:
        key = _lock_key(_find(session, word, reference))
    wait_until_free(env, key)
    with env.store.write() as session:
        row = _find(session, word, reference)
        name = subject(type(row), row.name or row.id)
        refuse_used(session, name, row.id, or_unsettled=row.status == "creating")  # it goes where it did not come whole
        if isinstance(row, Volume):
            check_attachments(row, _attachments(session, row), wanted)
        before, row.status = row.status, wanted
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: {name} from {before} to {wanted}"])
        message = f"from {before} to {wanted}"
        session.add(
            Event(subject_kind=word, subject_id=row.id, subject_name=row.name, kind="reset-state", message=message)
        )


def reset_migration_status(env: Environment, reference: str) -> None:
    """Forget how a volume's last migration ended. Raises Locked or Refused while one is under way."""
    with env.store.read() as session:
        key = _lock_key(find(session, Volume, reference))
    wait_until_free(env, key)
    with env.store.write() as session:
        row = find(session, Volume, reference)
        refuse_used(session, subject(Volume, row.name or row.id), row.id, or_unsettled=False)
        before, row.migration_status = row.migration_status, None
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: {subject(Volume, row.name or row.id)} migration status from {before} to none"])


def check_attach_status(env: Environment, reference: str, *, attached: bool) -> None:
    """Raise Refused where a volume is not as said: its attachments are changed by commands of their own."""
    with env.store.read() as session:
        row = find(session, Volume, reference)
        check_attachments(row, _attachments(session, row), "in-use" if attached else "available")


def _find(session: Session, word: str, reference: str) -> Resettable:
    if word == "group":
        return find(session, Group, reference)
    if word == "backup":
        return find(session, Backup, reference)
    if word == "group-snapshot":
        return find(session, GroupSnapshot, reference)
    return find(session, Volume, reference) if word == "volume" else find(session, Snapshot, reference)


def _lock_key(row: Resettable) -> str:
    if isinstance(row, (Group, Backup)):
        return row.id
    if isinstance(row, Volume):
        return row.group_id or row.id
    return row.group_id or (row.volume_id if isinstance(row, Snapshot) else row.id)


def _attachments(session: Session, row: Volume) -> Sequence[str]:
    return session.exec(select(Attachment.id).where(Attachment.volume_id == row.id)).all()
