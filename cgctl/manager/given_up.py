"""`--backend-is-gone`: a snapshot whose backend is gone for good is forgotten, on the operator's word: nobody can
delete it there, and what it is of could not be deleted either.

Decided 2026-11-22: nothing is removed by it, on no server, so that a word that was wrong costs room and no data. While
the backend answers and has its pool, it is refused: what can be deleted is. A deletion that was interrupted is given
up by the same word, which its row in the journal gets then.
"""

from __future__ import annotations

from typing import TypeVar

from sqlmodel import Session

from cgctl.errors import CgctlError, ConfigurationError, Refused
from cgctl.failures import explain
from cgctl.manager import removal
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.removal import DELETED, Doomed
from cgctl.manager.updates import Reading
from cgctl.model.tables import Event, GroupSnapshot, Snapshot, new_id
from cgctl.store.journal import left_behind
from cgctl.store.queries import find, subject, words_of
from drivers.errors import DriverError, OutcomeUnknown, PoolMissing, ServerNotReached

Kept = TypeVar("Kept", GroupSnapshot, Snapshot)
COMMANDS = ("group-snapshot-delete", "snapshot-delete")
SILENT = (ServerNotReached, OutcomeUnknown, PoolMissing)
"""What a backend that is gone comes to; the configuration may have it no more, too."""


def take_word(env: Environment, command: str, kind: type[Kept], reference: str) -> None:
    """It goes for a deletion that was interrupted, too. Raises Refused where the backend answers."""
    with env.store.read() as session:
        row = find(session, kind, reference)
    _refuse_answering(env, command, row)
    if env.dry_run:
        return
    with env.store.write() as session:
        for operation in left_behind(session):
            if operation.plan.get("action") == "remove" and operation.plan["id"] == row.id:
                operation.plan = {**operation.plan, "is_given_up": True}


def _refuse_answering(env: Environment, command: str, row: GroupSnapshot | Snapshot) -> None:
    if row.host is None or row.host not in env.backends.ids():
        return
    word = subject(type(row), shown(row))
    try:
        stats = env.backends.get(row.host).driver.get_volume_stats(env.context(new_id()))
    except SILENT:
        return
    except DriverError as error:
        raise explain(error, word) from error
    if stats["pool_marked"]:
        raise Refused(word, f"is not forgotten: backend {row.host} answers", f"cgctl {command} {row.id}")


def all_gone(what: Doomed) -> Reading:
    """As if a server had deleted it."""
    return Reading(DELETED, dict.fromkeys(what.member_ids, DELETED))


def forget(env: Environment, session: Session, what: Doomed) -> CgctlError | None:
    """Drop the rows; what is left on the backend is told, now and in the history."""
    row, kind = what.row, words_of(type(what.row))[0]
    told = f"forgotten; what backend {row.host} holds of it is left there"
    env.warn(f"{kind} {shown(row)}: {told}; should that come back, it is found by: cgctl backend-check {row.host}")
    session.add(Event(subject_kind=kind, subject_id=row.id, subject_name=row.name, kind="forgotten", message=told))
    return removal.forget(session, what, all_gone(what))


def offer(error: DriverError | ConfigurationError, command: str, row_id: str) -> None:
    """Add this way out to an error of a deletion, where there is this way."""
    if command in COMMANDS and isinstance(error, (*SILENT, ConfigurationError)):
        way = explain(error, "").hint if isinstance(error, DriverError) else error.hint
        error.hint = f"{way}; gone for good: cgctl {command} --backend-is-gone {row_id}"
