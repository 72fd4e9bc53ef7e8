"""Lists and shows of backups, from the state alone; and what a repository holds, known or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col

from cgctl.failures import explain
from cgctl.manager.activities.used import warn_left_alone
from cgctl.manager.backups.registry import readable
from cgctl.manager.environment import Environment, NamedRepository
from cgctl.manager.filters import Filters, allow, conditions, entries, having, outlived, size, table, text, time
from cgctl.manager.views import Keys, Shape, View
from cgctl.model.backups import Backup
from cgctl.model.names import size_gib
from cgctl.model.tables import Group, Volume
from cgctl.store.queries import find
from drivers.errors import DriverError

allow(
    Backup,
    table(
        Backup,
        "id name status host description snapshot_id group_snapshot_id parent_id compression",
        volume_id=outlived(Backup.volume_id, Volume),
        group_id=outlived(Backup.group_id, Group),
        container=text(Backup.repository),
        size=size(Backup.size_bytes),
        created_at=time(Backup.created_at),
    ),
    "metadata",
)
BACKUP = Shape(
    {
        "id": Backup.id,
        "name": Backup.name,
        "description": Backup.description,
        "status": Backup.status,
        "volume_id": Backup.volume_id,
        "snapshot_id": Backup.snapshot_id,
        "group_id": Backup.group_id,
        "group_snapshot_id": Backup.group_snapshot_id,
        "size": Backup.size_bytes,
        "object_count": Backup.chunk_count,
        "container": Backup.repository,
        "parent_id": Backup.parent_id,
        "compression": Backup.compression,
        "stored_bytes": Backup.stored_bytes,
        "new_bytes": Backup.new_bytes,
        "members": Backup.members,
        "host": Backup.host,
        "repository_host": Backup.kept_on,
        "availability_zone": Backup.availability_zone,
        "metadata": Backup.properties,
        "fail_reason": Backup.fail_reason,
        "data_timestamp": Backup.data_timestamp,
        "created_at": Backup.created_at,
        "updated_at": Backup.updated_at,
    },
    {"has_dependent_backups": False, "user_id": None, "encryption_key_id": None},  # each may go first
    ("is_incremental",),
    Backup.created_at,
)


def backups(env: Environment, filters: Filters, keys: Keys = None, *, groups: bool = False) -> list[View]:
    """All backups of volumes, or of groups, that pass the filters, oldest first."""
    with env.store.read() as session:
        of_group = col(Backup.group_id)
        where = [*conditions(session, Backup, filters), of_group.is_not(None) if groups else of_group.is_(None)]
        return having(Backup, entries(Backup, filters), lambda need: _views(session, where, need), keys)


def backup(env: Environment, reference: str) -> View:
    """One backup, of a volume or of a group."""
    with env.store.read() as session:
        row = find(session, Backup, reference)
        warn_left_alone(env, session, row.id)
        return _views(session, [col(Backup.id) == row.id])[0]


def held(env: Environment, repository: str, *, groups: bool = False) -> list[View]:
    """What a repository holds, whether the state knows it or not: read there."""
    named = env.repositories.get(repository)
    try:
        manifests, unfinished = named.repository.find_all()
    except DriverError as error:
        raise explain(error, f"backup repository {named.name}") from error
    _tell_unfinished(env, named, unfinished)
    rows, unusable = readable(named, manifests)
    for one in unusable:
        env.warn(f"{named.name}: {one}")
    return [_of_row(row) for row in rows if bool(row.group_id) is groups]


def _tell_unfinished(env: Environment, named: NamedRepository, unfinished: Sequence[str]) -> None:
    """What this state knows of, it ends; who else writes there is known where it was begun, if that is still there."""
    with env.store.read() as session:
        strange = [one for one in unfinished if session.get(Backup, one) is None]
    if len(strange) < len(unfinished):
        count = len(unfinished) - len(strange)
        env.warn(f"{named.name}: {count} backup(s) are under way or were interrupted: cgctl recover")
    where = named.repository.directory
    for one in strange:
        left = f"left by one that is lost: then, on {named.repository.runner.server}: "
        left += f"rm -rf {where}/.making-{one} {where}/.gone-{one}"
        env.warn(f"{named.name}: backup {one} is under way from another state, or was {left}")


def _of_row(row: Backup) -> View:
    names = {key: column.key for key, column in BACKUP.columns.items()}
    view: View = {key: getattr(row, name) for key, name in names.items()}
    return _finished([view | dict(BACKUP.constants)], None)[0]


def _views(session: Session, where: Sequence[Any], keys: Keys = None) -> list[View]:
    return _finished(BACKUP.rows(session, where, keys, {"is_incremental": "parent_id"}), keys)


def _finished(views: list[View], keys: Keys) -> list[View]:
    for view in views:
        if "size" in view:
            view["size"] = size_gib(int(str(view["size"])))
        if keys is None or "is_incremental" in keys:
            view["is_incremental"] = view["parent_id"] is not None
    return views
