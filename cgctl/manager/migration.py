"""`migrate` and `retype`: a volume to another pool of its server, and a volume of another type.

The data are copied on the server and compared there, with nobody attached. Removing the old volume decides: while it is
there whole, an interrupted migration is undone; once its name is gone, it is completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, DryRun, Refused, ServerFailure
from cgctl.manager import removal
from cgctl.manager.activities.copies import refuse_what_stands_there
from cgctl.manager.activities.launch import launch
from cgctl.manager.dependents import has_snapshots
from cgctl.manager.environment import Environment
from cgctl.manager.forms import DISK, form_of, of_other_form, refuse_unlike
from cgctl.manager.freezing import refuse_frozen
from cgctl.manager.objects import lock_key, shown, volume_object
from cgctl.manager.operation import Intent, perform, wait_until_free
from cgctl.manager.placement import place, specs_for
from cgctl.manager.relocation import Relocation
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.volume import check_migration, check_retype
from cgctl.model.states import MigrationStatus, VolumeStatus
from cgctl.model.tables import Event, Volume, VolumeType, utc_now
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, fresh, get, subject
from drivers.contract import Context, Driver, ObjectKind
from drivers.errors import DriverError, OutcomeUnknown, PoolUnmarked


@dataclass(frozen=True)
class Moving:
    """A volume, where it goes, what type it has there, and its status and migration status before."""

    row: Volume
    host: str
    volume_type_id: str | None
    before: Mapping[str, str | None]


@dataclass(frozen=True)
class Migration:
    """The operation `migrate`; lock_volume: shown as `maintenance` meanwhile."""

    env: Environment
    reference: str = ""
    host: str = ""
    lock_volume: bool = False
    volume_type_id: str | None = None
    kind: str = "migrate"

    def intend(self, intent: Intent) -> Moving:
        row = find(intent.session, Volume, self.reference)
        intent.lock(lock_key(row))
        _check(self.env, intent.session, row, self.host)
        before = {"status": row.status, "migration_status": row.migration_status}
        moving = Moving(row, self.host, self.volume_type_id or row.volume_type_id, before)
        intent.about("volume", row.id, row.name)
        plan = {"id": row.id, "host": self.host, "volume_type_id": moving.volume_type_id, "before": before}
        intent.settled_by("migrate", **plan)
        here, there = self.env.backends.server(row.host or ""), self.env.backends.server(self.host)
        intent.will(f"{there}: copy volume {shown(row)} from {row.host} and compare")
        intent.will(f"{here}: remove it there")
        row.migration_status = MigrationStatus.MIGRATING
        row.status = VolumeStatus.MAINTENANCE if self.lock_volume else row.status
        return moving

    def work(self, context: Context, subject: Moving) -> None:
        here, there = _drivers(self.env, subject)
        volume = volume_object(subject.row)
        there.copy_volume(context, volume, here.volume_source(volume))
        try:
            here.delete_volume(context, volume)
            there.repair(context)
        except DriverError as error:
            raise OutcomeUnknown(f"copied, but the old one could not be removed: {error.message}") from error

    def finish(self, session: Session, subject: Moving, outcome: None) -> CgctlError | None:  # noqa: ARG002
        _arrive(self.env, session, subject)
        return None

    def refuse(self, session: Session, subject: Moving) -> None:
        _stay(session, subject, subject.before["migration_status"])

    def fail(self, session: Session, subject: Moving) -> None:
        _stay(session, subject, MigrationStatus.ERROR)


def is_carried(env: Environment, reference: str, host: str) -> bool:
    """Whether `cgctl.manager.relocation` moves a volume: to another server, or by an image of its file system."""
    env.backends.get(host)  # raises when it is not configured
    with env.store.read() as session:
        row = find(session, Volume, reference)
    if row.host is None:
        return False
    return not env.backends.share_server(row.host, host) or form_of(env, row.host) != DISK


def migrate(env: Environment, reference: str, host: str, *, lock_volume: bool = False) -> Volume:
    """Move a volume to another pool of its server. Raises Refused with nothing changed (B.11)."""
    row = _look(env, reference)
    with env.store.read() as session:
        _check(env, session, row, host)
        types = [get(session, VolumeType, row.volume_type_id)] if row.volume_type_id else []
    place(env, f"volume {shown(row)}", Request(specs_for(None, types), row.size_bytes), host)
    refuse_what_stands_there(env, f"volume {shown(row)}", host, {row.id})
    return perform(env, Migration(env, reference, host, lock_volume)).row


def retype(env: Environment, reference: str, volume_type: str, *, on_demand: bool = False) -> str:
    """Give a volume another type; returns what was done. Where its backend does not offer what the type asks for:
    refused, or on_demand, moved to a pool of the same server that does. Raises Refused with nothing changed."""
    row = _look(env, reference)
    with env.store.read() as session:
        wanted = find(session, VolumeType, volume_type)
        check_retype(row, wanted)
    try:
        place(env, f"volume {shown(row)}", Request(specs_for(None, [wanted])), row.host)
    except Refused as refused:
        if not on_demand:
            hint = f"cgctl retype --migration-policy on-demand {row.id} {wanted.name}"
            raise Refused(refused.subject, f"needs migration, which is not allowed: {refused.reason}", hint) from None
        host = _elsewhere(env, row, wanted, refused)
        refuse_what_stands_there(env, f"volume {shown(row)}", host, {row.id})
        if is_carried(env, row.id, host):  # `_elsewhere` looks for its like
            launch(env, Relocation(env, row.id, host, volume_type_id=wanted.id))
        else:
            perform(env, Migration(env, row.id, host, volume_type_id=wanted.id, kind="retype"))
        return f"type {wanted.name}, migrated to {host}"
    _write_type(env, row, wanted)
    return f"type {wanted.name}"


def _look(env: Environment, reference: str) -> Volume:
    """The volume as it is when nobody works on it."""
    with env.store.read() as session:
        key = lock_key(find(session, Volume, reference))
    wait_until_free(env, key)
    with env.store.read() as session:
        return find(session, Volume, reference)


def _check(env: Environment, session: Session, row: Volume, host: str) -> None:
    env.backends.get(host)  # raises when it is not configured
    refuse_frozen(session, subject(Volume, shown(row)), host)
    check_migration(row, host, has_snapshots=has_snapshots(session, row))
    refuse_unlike(env, subject(Volume, shown(row)), row.host or "", host, f"migrate {row.id}")


def _elsewhere(env: Environment, row: Volume, wanted: VolumeType, refused: Refused) -> str:
    """The first other pool of the server that fits. Raises Refused with the reasons of all."""
    reasons = [refused.reason]
    others = of_other_form(env, form_of(env, row.host or ""))
    request = Request(specs_for(None, [wanted]), row.size_bytes, apart_from=others)
    for host in env.backends.ids():
        if host != row.host and env.backends.share_server(row.host or "", host):
            try:
                return place(env, f"volume {shown(row)}", request, host)
            except Refused as other:
                reasons.append(other.reason)
    raise Refused(refused.subject, "; ".join(reasons), refused.hint)


def _write_type(env: Environment, row: Volume, wanted: VolumeType) -> None:
    with env.store.write() as session:
        now = fresh(session, row)
        check_retype(now, wanted)
        if env.dry_run:
            session.rollback()
            raise DryRun([f"state only: volume {shown(row)} gets type {wanted.name}"])
        now.volume_type_id, now.updated_at = wanted.id, utc_now()
        message = f"type {wanted.name}"
        session.add(
            Event(subject_kind="volume", subject_id=now.id, subject_name=now.name, kind="retype", message=message)
        )


def _drivers(env: Environment, moving: Moving) -> tuple[Driver, Driver]:
    return env.backends.get(moving.row.host or "").driver, env.backends.get(moving.host).driver


def _arrive(env: Environment, session: Session, moving: Moving) -> None:
    row = fresh(session, moving.row)
    row.host, row.availability_zone = moving.host, env.backends.get(moving.host).availability_zone
    row.volume_type_id, row.status = moving.volume_type_id, str(moving.before["status"])
    row.migration_status, row.updated_at = MigrationStatus.SUCCESS, utc_now()


def _stay(session: Session, moving: Moving, migration_status: str | None) -> None:
    row = fresh(session, moving.row)
    row.status, row.migration_status = str(moving.before["status"]), migration_status


def settle_migration(env: Environment, context: Context, plan: Mapping[str, Any]) -> tuple[Moving, bool]:
    """Put an interrupted migration right on the server; whether the volume has arrived."""
    with env.store.read() as session:
        moving = Moving(session.get_one(Volume, plan["id"]), plan["host"], plan["volume_type_id"], plan["before"])
    here, there = _drivers(env, moving)
    if _is_whole(here, context, moving.row):
        copy = Volume(id=moving.row.id, status="", size_bytes=moving.row.size_bytes, host=moving.host)
        removal.remove_from_server(env, context, Doomed(copy))
        here.repair(context)
        return moving, False
    if not _is_whole(there, context, moving.row):
        named = subject(Volume, shown(moving.row))
        raise ServerFailure(named, f"is neither on {moving.row.host} nor on {moving.host}", "cgctl backend-check")
    here.delete_volume(context, volume_object(moving.row))
    there.repair(context)
    return moving, True


def write_settled(env: Environment, session: Session, settled: tuple[Moving, bool]) -> None:
    """What settle_migration found out."""
    moving, arrived = settled
    if arrived:
        _arrive(env, session, moving)
    else:
        _stay(session, moving, MigrationStatus.ERROR)


def _is_whole(driver: Driver, context: Context, row: Volume) -> bool:
    try:
        objects = driver.list_objects(context)
    except PoolUnmarked:
        return False
    return any(one.kind is ObjectKind.VOLUME and one.id == row.id and one.complete for one in objects)
