"""`backup-create` and `group-backup-create`: the hidden clone's images, as chunks, into a repository."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, col, delete, select

from cgctl.errors import CgctlError, ServerFailure
from cgctl.manager.activities.work import Intended, Plan, first_step
from cgctl.manager.backends import claim_activities
from cgctl.manager.backups import origin as origins
from cgctl.manager.backups.origin import Origin
from cgctl.manager.backups.streams import Stream, to_repository, working_host
from cgctl.manager.backups.whereabouts import kept_on
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.objects import lock_key
from cgctl.manager.operation import Intent
from cgctl.manager.quiesce import hooks_of
from cgctl.model.backups import Backup
from cgctl.model.names import checked_text
from cgctl.model.states import BackupStatus
from cgctl.model.tables import Group, Lock, Volume, utc_now
from cgctl.store.queries import fresh
from drivers.activities.values import ActivityState, Program
from drivers.backups.manifest import Manifest
from drivers.backups.repository import forget_known, send, tell_known
from drivers.contract import Context
from drivers.errors import DriverError, NotOnServer


@dataclass(frozen=True)
class Wanted:
    """What was asked for; reference: a volume or a group. taken: one of its snapshots, or group snapshots."""

    reference: str
    taken: str | None = None
    repository: str | None = None
    name: str | None = None
    description: str | None = None
    compression: str | None = None
    incremental: bool = False
    metadata: dict[str, str] | None = None


@dataclass(frozen=True)
class BackupCreation:
    """The long work. wanted is not needed to settle it."""

    env: Environment
    wanted: Wanted = Wanted("")
    kind: str = "backup-create"

    def intend(self, intent: Intent) -> Intended:
        session, wanted = intent.session, self.wanted
        checked_text("backup name", wanted.name)
        checked_text("backup description", wanted.description)
        named = self.env.repositories.get(wanted.repository)
        origin, rows, source = self._origin(intent)
        refuse_frozen(session, f"{intent.journal.subject_kind} {wanted.name or ''}".strip(), origin.host)
        parent = self._parent(session, origin, named.name) if wanted.incremental else None
        row = Backup(
            name=wanted.name,
            description=wanted.description,
            status=BackupStatus.CREATING,
            repository=named.name,
            size_bytes=origin.size_bytes,
            volume_id=origin.volume_id,
            snapshot_id=origin.snapshot_id,
            group_id=origin.group_id,
            group_snapshot_id=origin.group_snapshot_id,
            parent_id=parent.id if parent else None,
            group_type=source.group_type.name if source else None,
            compression=wanted.compression or named.compression,
            members=origins.describe(self.env, session, rows, origin, source.group if source else None),
            kept_on=kept_on(named),
            host=origin.host,
            availability_zone=self.env.backends.get(origin.host).availability_zone,
            properties=wanted.metadata or {},
        )
        intent.lock(row.id)
        intent.add(row)
        intent.about("backup", row.id, row.name)
        where = self.env.repositories.get(named.name).repository
        intent.will(f"{self.env.backends.server(origin.host)}: clone {len(rows)} hidden volume(s)")
        intent.will(
            f"{named.name} ({where.runner.server}:{where.directory}): store {origin.size_bytes} bytes in chunks"
        )
        group = source.group if source and not source.group_snapshot else None
        return Intended(
            plan=self._plan(session, row, origin, source.group if source else None),
            host=working_host(self.env, named, origin.host),
            made_ids=[row.id],
            source_ids=[one for one in (origin.snapshot_id, origin.group_snapshot_id, row.parent_id) if one],
            method=origin.method,
            driver_host=origin.host,
            volumes=() if group and hooks_of(self.env, group) else self._read(origin, rows),
        )

    def _origin(self, intent: Intent) -> tuple[Origin, Sequence[Volume], Any]:
        wanted = self.wanted
        if self.kind == "group-backup-create":
            origin, source = origins.of_group(self.env, intent.session, wanted.reference, wanted.taken)
            intent.lock(source.group.id)
            return origin, source.volumes, source
        origin, row = origins.of_volume(intent.session, wanted.reference, wanted.taken)
        intent.lock(lock_key(row))
        return origin, [row], None

    def _read(self, origin: Origin, rows: Sequence[Volume]) -> Sequence[Volume]:
        """The volumes whose own data are read."""
        return () if origin.snapshot_id or origin.group_snapshot_id else rows

    def _parent(self, session: Session, origin: Origin, repository: str) -> Backup | None:
        """The newest whole backup of the same source in the same repository; never one that is known to be damaged."""
        of = col(Backup.group_id) == origin.group_id if origin.group_id else col(Backup.volume_id) == origin.volume_id
        wanted = select(Backup).where(of, Backup.repository == repository, Backup.status == BackupStatus.AVAILABLE)
        sound = wanted.where(col(Backup.fail_reason).is_(None))  # whatever reset-state has said
        found = session.exec(sound.order_by(col(Backup.created_at).desc())).first()
        if found is None:
            self.env.warn(f"no sound backup of it is in {repository}: this one is whole")
        return found

    def _plan(self, session: Session, row: Backup, origin: Origin, group: Group | None) -> dict[str, Any]:
        fresh_one = select(Backup.id).where(Backup.repository == row.repository, Backup.id != row.id).limit(1)
        about = {
            "name": row.name,
            "description": row.description,
            "created_at": row.created_at.isoformat(),
            "volume_id": row.volume_id,
            "snapshot_id": row.snapshot_id,
            "group_id": row.group_id,
            "group_name": group.name if group else None,
            "group_snapshot_id": row.group_snapshot_id,
            "group_type": row.group_type,
            "parent_id": row.parent_id,
            "compression": row.compression,
            "members": row.members,
            "metadata": row.properties,
            "host": row.host,
            "availability_zone": row.availability_zone,
        }
        return {
            "backup_id": row.id,
            "repository": row.repository,
            "origin": asdict(origin),
            "about": about,
            "fresh": session.exec(fresh_one).first() is None,
        }

    def begin(self, context: Context, plan: Plan) -> Program:
        env, origin, about = self.env, Origin.of(plan["origin"]), plan["about"]
        named, key = env.repositories.get(plan["repository"]), plan["backup_id"]
        backend = env.backends.get(origin.host)
        assert backend.activities
        with first_step():
            claim_activities(env, context, origin.host)
            known = named.repository.begin(key, about["parent_id"], about, fresh=plan["fresh"])
        path = tell_known(backend.activities.runner, backend.activities.directory, key, known)
        origins.clone(env, context, origin)
        algorithm = about["compression"]
        offers = algorithm in backend.driver.activities.backup_compression
        stream = Stream(
            send(path, algorithm if offers else "none", origin.sources(backend.driver)),
            named.repository.store(key, algorithm),
            origin.size_bytes,
        )
        return to_repository(env, named, origin.host, stream, f"{self.kind} to {named.name}")

    def complete(self, context: Context, plan: Plan) -> Manifest | None:
        manifest = self.find_result(context, plan)
        if manifest is None:
            self.clear(context, plan)
            return None
        try:
            self.let_go(context, plan)
        except (DriverError, CgctlError):
            self._tell(plan, manifest)
            raise
        return manifest

    def find_result(self, context: Context, plan: Plan) -> Manifest | None:  # noqa: ARG002
        """In its repository, and as it was written."""
        manifest = self.env.repositories.get(plan["repository"]).repository.find(plan["backup_id"])
        return manifest if manifest and manifest.is_sound else None

    def _tell(self, plan: Plan, manifest: Manifest) -> None:
        """It is available, although its hidden clone is still there: just when that server is down it is wanted."""
        with self.env.store.write() as session:
            row = session.get(Backup, plan["backup_id"])
            if row and row.status == BackupStatus.CREATING:
                write_manifest(row, manifest)
                session.exec(delete(Lock).where(col(Lock.key) == row.id))  # kept where the source had to be quiet

    def hidden_ids(self, plan: Plan) -> set[str]:
        return Origin.of(plan["origin"]).hidden_ids()

    def end_unknown(self, context: Context, plan: Plan, ended: ActivityState) -> str | None:  # noqa: ARG002
        self.let_go(context, plan)
        if self.find_result(context, plan) is None:
            self.env.repositories.get(plan["repository"]).repository.delete(plan["backup_id"])
            return None
        with self.env.store.read() as session:
            if session.get(Backup, plan["backup_id"]):
                return None
        where = f"{plan['repository']}/{plan['backup_id']}"
        return f"the backup is whole, and stays; to know it: cgctl backup-import cgctl {where}"

    def clear(self, context: Context, plan: Plan) -> None:
        named = self.env.repositories.get(plan["repository"])
        try:
            named.repository.delete(plan["backup_id"])
        finally:
            self.let_go(context, plan)

    def let_go(self, context: Context, plan: Plan) -> None:
        origin = Origin.of(plan["origin"])
        place = self.env.backends.get(origin.host).activities
        assert place
        left = origins.remove(self.env, context, origin)
        if left:
            raise left
        with suppress(NotOnServer):  # the pool is there, as was seen just now, and no activity was ever begun in it
            forget_known(place.runner, place.directory, plan["backup_id"])

    def finish(self, session: Session, plan: Plan, outcome: Any) -> CgctlError | None:
        if outcome is None:
            self.give_up(session, plan)
            return ServerFailure(f"backup {plan['backup_id']}", f"is not in {plan['repository']}", "make another one")
        write_manifest(session.get_one(Backup, plan["backup_id"]), outcome)
        return None

    def give_up(self, session: Session, plan: Plan) -> None:
        row = session.get(Backup, plan["backup_id"])
        if row:
            session.delete(fresh(session, row))


class GroupBackupCreation(BackupCreation):
    """The same of a whole group."""

    def __init__(self, env: Environment, wanted: Wanted = Wanted("")) -> None:
        super().__init__(env, wanted, "group-backup-create")


def write_manifest(row: Backup, manifest: Manifest) -> None:
    """A backup that is there whole; what a verification has found in it, or in what it shares, stays."""
    row.updated_at = utc_now()
    if manifest.damage_count:
        row.fail_reason = damaged(manifest.damage_count)
    row.status = BackupStatus.ERROR if row.fail_reason else BackupStatus.AVAILABLE
    row.chunk_count, row.stored_bytes, row.new_bytes = manifest.chunk_count, manifest.stored_bytes, manifest.new_bytes


def damaged(count: int) -> str:
    """A backup's fail_reason."""
    return f"{count} damaged chunk(s)"


def word(row: Backup) -> str:
    """`backup nightly`, for messages."""
    return f"backup {row.name or row.id}"
