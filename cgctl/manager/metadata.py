"""Metadata of volumes and snapshots: the operator's own words, which cgctl only keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session

from cgctl.errors import DryRun, NotFound
from cgctl.manager.environment import Environment
from cgctl.model.tables import Event, Snapshot, Volume, utc_now
from cgctl.store.queries import find, subject

Pairs = dict[str, str]
_TABLES: Mapping[str, type[Volume] | type[Snapshot]] = {"volume": Volume, "snapshot": Snapshot}
"""By the word for it."""


def shown_metadata(env: Environment, word: str, reference: str) -> Pairs:
    """All pairs of an object."""
    with env.store.read() as session:
        return dict(_find(session, word, reference).properties)


def set_metadata(env: Environment, word: str, reference: str, pairs: Mapping[str, str]) -> Pairs:
    """Add or replace these pairs; the others stay."""
    return _change(env, word, reference, lambda now: {**now, **pairs}, f"set {', '.join(pairs)}")


def replace_metadata(env: Environment, word: str, reference: str, pairs: Mapping[str, str]) -> Pairs:
    """These pairs and no others."""
    return _change(env, word, reference, lambda _now: dict(pairs), "update all")


def unset_metadata(env: Environment, word: str, reference: str, keys: Sequence[str]) -> Pairs:
    """Remove these keys. Raises NotFound, with nothing changed, where one is not there."""

    def without(now: Pairs) -> Pairs:
        missing = [key for key in keys if key not in now]
        if missing:
            hint = f"it has: {', '.join(sorted(now)) or 'none'}"
            raise NotFound(subject(_TABLES[word], reference), f"has no metadata {', '.join(missing)}", hint)
        return {key: value for key, value in now.items() if key not in keys}

    return _change(env, word, reference, without, f"unset {', '.join(keys)}")


def _find(session: Session, word: str, reference: str) -> Volume | Snapshot:
    return find(session, Volume, reference) if word == "volume" else find(session, Snapshot, reference)


def _change(env: Environment, word: str, reference: str, change: Callable[[Pairs], Pairs], step: str) -> Pairs:
    with env.store.write() as session:
        row = _find(session, word, reference)
        row.properties = change(dict(row.properties))
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: {subject(_TABLES[word], reference)} metadata: {step}"])
        if isinstance(row, Volume):
            row.updated_at = utc_now()
        session.add(Event(subject_kind=word, subject_id=row.id, subject_name=row.name, kind="metadata", message=step))
        return dict(row.properties)
