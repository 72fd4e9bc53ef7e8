"""Frozen backends: while a server is being worked on, nothing that cgctl does may change it (Cinder's defect D12 let
group-update through).

Decided 2026-11-21: every operation that has a part on the server is refused, attachments and the settling of
interrupted operations among them; one check, where all operations begin (`cgctl.manager.operation`). New objects go
elsewhere. What touches the state alone (rename, reset-state, types) is allowed, and so is `backend-check --repair`: it
makes nothing new.

Decided 2026-11-22: replication is no exception. Syncs leave a frozen target out, and are refused where all are frozen;
drills, failovers and undos to it are refused, as a failover from a frozen backend is: one command thaws it, also in an
emergency, and a server that is being worked on is no place to fail over to unasked. Reading goes on, there as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from cgctl.errors import DryRun, Refused
from cgctl.manager.environment import Environment
from cgctl.model.tables import BackendState, Event, utc_now

FROZEN = "frozen"


def frozen_backends(env: Environment) -> set[str]:
    """The ids of all that are frozen."""
    with env.store.read() as session:
        return set(session.exec(select(BackendState.id).where(col(BackendState.frozen_at).is_not(None))))


def refuse_frozen(session: Session, subject: str, backend_id: str | None) -> None:
    """Raise Refused when this backend is frozen."""
    state = session.get(BackendState, backend_id) if backend_id else None
    if state and state.frozen_at:
        since = state.frozen_at.isoformat(timespec="seconds")
        raise Refused(subject, f"backend {backend_id} is frozen since {since}", f"cgctl thaw-host {backend_id}")


def refuse_all_frozen(session: Session, subject: str, backend_ids: Sequence[str]) -> None:
    """Raise Refused where each of these backends is frozen: nothing could be done."""
    for number, backend_id in enumerate(backend_ids, start=1):
        try:
            refuse_frozen(session, subject, backend_id)
            return
        except Refused:
            if number == len(backend_ids):
                raise


def set_frozen(env: Environment, backend_id: str, *, frozen: bool) -> None:
    """Freeze or thaw. Raises ConfigurationError for an unknown backend, Refused when it is so already."""
    env.backends.get(backend_id)
    word, now = (FROZEN, utc_now()) if frozen else ("thawed", None)
    with env.store.write() as session:
        state = session.get(BackendState, backend_id) or BackendState(id=backend_id)
        if bool(state.frozen_at) == frozen:
            hint = f"cgctl {'thaw' if frozen else 'freeze'}-host {backend_id}"
            raise Refused(f"backend {backend_id}", "is frozen already" if frozen else "is not frozen", hint)
        if env.dry_run:
            raise DryRun([f"state only: backend {backend_id} is {word}"])
        state.frozen_at = now
        session.add(state)
        session.add(Event(subject_kind="backend", subject_id=backend_id, kind=word, message="done"))
