"""`retype`: another type for a volume, where it is, or, on demand, in a pool of its server that offers it."""

from __future__ import annotations

from dataclasses import dataclass

from cgctl.errors import DryRun, Refused
from cgctl.manager.activities.copies import refuse_what_stands_there
from cgctl.manager.activities.launch import launch
from cgctl.manager.environment import Environment
from cgctl.manager.forms import form_of, of_other_form
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import wait_until_free
from cgctl.manager.placement import place, specs_for
from cgctl.manager.relocation.work import Relocation
from cgctl.manager.rules.volume import check_retype
from cgctl.model.activities import Activity
from cgctl.model.tables import Event, Volume, VolumeType, utc_now
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, fresh


@dataclass(frozen=True)
class Retyped:
    """What was done; moved_by: the activity that moves the volume, where it has to move."""

    told: str
    moved_by: Activity | None = None


def retype(
    env: Environment, reference: str, volume_type: str, *, on_demand: bool = False, detach: bool = False
) -> Retyped:
    """Give a volume another type. Where its backend does not offer what the type asks for: refused, or on_demand, moved
    to a pool of the same server that does. Raises Refused with nothing changed."""
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
        moved_by = launch(env, Relocation(env, row.id, host, volume_type_id=wanted.id), detach=detach)
        return Retyped(f"type {wanted.name}, migrated to {host}", moved_by)
    _write_type(env, row, wanted)
    return Retyped(f"type {wanted.name}")


def _look(env: Environment, reference: str) -> Volume:
    """The volume as it is when nobody works on it."""
    with env.store.read() as session:
        key = lock_key(find(session, Volume, reference))
    wait_until_free(env, key)
    with env.store.read() as session:
        return find(session, Volume, reference)


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
