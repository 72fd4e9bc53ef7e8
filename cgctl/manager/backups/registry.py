"""What a repository says by itself: import into a state that knows nothing of it, export; and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cgctl.errors import CgctlError, DryRun, NotFound, NothingToChange, PartlyFailed, Refused, UsageError
from cgctl.failures import explain
from cgctl.manager.backups.creation import word, write_manifest
from cgctl.manager.backups.origin import GROUP
from cgctl.manager.backups.whereabouts import kept_on
from cgctl.manager.environment import Environment, NamedRepository
from cgctl.manager.operation import wait_until_free
from cgctl.model.backups import Backup
from cgctl.model.names import BLOCK, LARGEST, checked_text
from cgctl.model.states import BackupStatus
from cgctl.model.tables import Event, utc_now
from cgctl.store.queries import find
from drivers.backups.manifest import Manifest
from drivers.errors import DriverError

SERVICE = "cgctl"
"""Cinder's `backup_service`: whose format it is. The URL is `REPOSITORY/ID`."""


def export(env: Environment, reference: str) -> dict[str, object]:
    """What `backup-import` takes; the data stay where they are."""
    with env.store.read() as session:
        row = find(session, Backup, reference)
    if row.status != BackupStatus.AVAILABLE:
        raise Refused(word(row), f"is {row.status}", f"cgctl backup-show {row.id}")
    return {"backup_service": SERVICE, "backup_url": f"{row.repository}/{row.id}"}


def import_backups(env: Environment, service: str, url: str) -> tuple[list[str], CgctlError | None]:
    """Bring backups of a repository into the state: `REPOSITORY/ID`, or all of `REPOSITORY`; returns their ids, and the
    error for the exit code where others are damaged.

    Those that the state knows already are left as they are. Raises NotFound, Refused.
    """
    if service != SERVICE:
        raise UsageError(f"backup service {service}", "is unknown", f"cgctl backup-import {SERVICE} {url}")
    repository, _, key = url.partition("/")
    named = env.repositories.get(repository)
    try:
        manifests, _ = named.repository.find_all()
    except DriverError as error:
        raise explain(error, f"backup repository {repository}") from error
    wanted = [one for one in manifests if not key or one.id == key]
    if not wanted:
        what = f"backup {key}" if key else "backup"
        raise NotFound(
            f"backup repository {repository}", f"has no {what}", f"cgctl backup-import {SERVICE} {repository}"
        )
    rows, unusable = readable(named, wanted)
    if unusable and not rows:
        raise unusable[0]
    failure = _partly(repository, unusable, len(wanted)) if unusable else None
    with env.store.write() as session:
        new = [row for row in rows if session.get(Backup, row.id) is None]
        if not new:
            raise failure or NothingToChange(f"backup {url}", "is known already", "cgctl backup-list")
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: import {word(row)}" for row in new])
        for row in new:
            session.add(row)
            tell(session, row, "backup-import", f"from {repository}")
        return [row.id for row in new], failure


def readable(named: NamedRepository, manifests: Sequence[Manifest]) -> tuple[list[Backup], list[Refused]]:
    """Rows from manifests, and why the others are none."""
    rows, unusable = [], []
    for one in manifests:
        try:
            rows.append(imported(named, one))
        except Refused as error:
            unusable.append(error)
    return rows, unusable


def _partly(repository: str, unusable: Sequence[Refused], count: int) -> CgctlError:
    reasons = "; ".join(map(str, unusable))
    return PartlyFailed(f"backup repository {repository}", f"{len(unusable)} of {count}: {reasons}", unusable[0].hint)


def imported(named: NamedRepository, manifest: Manifest) -> Backup:
    """A row from a manifest alone. Raises Refused for one that is damaged, or does not say what a restore needs."""
    way = "remove its directory, or repair it by hand"
    if not manifest.is_sound:
        raise Refused(f"backup {manifest.id}", "its manifest is damaged", way)
    about = manifest.about
    try:
        key, words = _id(manifest.id), {word: _text(about.get(word)) for word in _WORDS}
        made_at, members = _time(about.get("created_at")), _members(manifest)
    except (TypeError, ValueError, UsageError):
        raise Refused(f"backup {manifest.id}", "its manifest does not say what it is a backup of", way) from None
    row = Backup(
        **words,  # type: ignore[arg-type]
        id=key,
        status=BackupStatus.AVAILABLE,
        repository=named.name,
        size_bytes=manifest.size_bytes,
        members=members,
        kept_on=kept_on(named),
        compression=str(about.get("compression", "none")),
        properties=dict(about["metadata"]) if isinstance(about.get("metadata"), dict) else {},  # type: ignore[call-overload]
        created_at=made_at,
        data_timestamp=made_at,
    )
    write_manifest(row, manifest)
    return row


_WORDS = (
    "name",
    "description",
    "volume_id",
    "snapshot_id",
    "group_id",
    "group_snapshot_id",
    "group_type",
    "parent_id",
    "host",
    "availability_zone",
)


def _text(value: object) -> str | None:
    """As commands take it. Raises TypeError, UsageError."""
    if value is not None and not isinstance(value, str):
        raise TypeError(value)
    return checked_text("manifest", value)


def _id(value: object) -> str:
    """Names directories and images. Raises ValueError."""
    if str(UUID(str(value))) != value:
        raise ValueError(value)
    return str(value)


def _time(value: object) -> datetime:
    found = datetime.fromisoformat(str(value))
    if not found.tzinfo:
        raise ValueError(value)
    return found


def _members(manifest: Manifest) -> list[dict[str, Any]]:
    """What its maker said of each image, where it has just these. Raises TypeError, ValueError, UsageError."""
    members: Any = manifest.about.get("members")
    told = [(_id(one.get("id")), one.get("size_bytes")) for one in members if isinstance(one, dict)]
    is_whole = len(told) == len(members) == len(dict(told)) > 0
    if not is_whole or told != [(one.member_id, one.size_bytes) for one in manifest.images]:
        raise ValueError(members)
    if any(one.size_bytes <= 0 or one.size_bytes % BLOCK for one in manifest.images) or manifest.size_bytes > LARGEST:
        raise ValueError(members)
    for one in members:
        for key in ("name", "description", "volume_type"):
            _text(one.get(key))
        _pairs(one.get("metadata"))
    _group(members[0].get(GROUP))
    return list(members)


def _pairs(value: Any) -> None:
    """Metadata, as commands take them; none in an older manifest. Raises TypeError, UsageError."""
    for pair in [] if value is None else dict.items(value):
        for text in pair:
            if _text(text) is None:
                raise TypeError(pair)


def _group(value: Any) -> None:
    """The same of what the group was; none of a volume. Raises TypeError, UsageError."""
    if value is None:
        return
    _text(dict.get(value, "description"))
    _pairs(value.get("metadata"))
    for name in (one for key in ("volume_types", "left_out") for one in list.copy(value.get(key, []))):
        _text(name)


def update(env: Environment, reference: str, changes: Mapping[str, Any]) -> None:
    """Change name, description or metadata (in the state: the manifest keeps those that it had)."""
    if not changes:
        raise UsageError(f"backup {reference}", "nothing to change was given", "give --name, --description, --metadata")
    checked_text("backup name", changes.get("name"))
    checked_text("backup description", changes.get("description"))

    def change(row: Backup) -> None:
        for key, value in changes.items():
            setattr(row, key, {**row.properties, **value} if key == "properties" else value)

    _change(env, reference, "backup-update", f"change {', '.join(changes)}", change)


def _change(env: Environment, reference: str, kind: str, step: str, change: Callable[[Backup], None]) -> None:
    with env.store.read() as session:
        key = find(session, Backup, reference).id
    wait_until_free(env, key)
    with env.store.write() as session:
        row = find(session, Backup, reference)
        change(row)
        row.updated_at = utc_now()
        if env.dry_run:
            told = word(row)
            session.rollback()
            raise DryRun([f"state only: {told}: {step}"])
        tell(session, row, kind, step)


def tell(session: Session, row: Backup, kind: str, message: str) -> None:
    """For the backup's history."""
    session.add(Event(subject_kind="backup", subject_id=row.id, subject_name=row.name, kind=kind, message=message))
