"""A move as it is asked for: what refuses it, before anything is written."""

from __future__ import annotations

from cgctl.manager.activities.copies import refuse_what_stands_there
from cgctl.manager.environment import Environment
from cgctl.manager.forms import refuse_unlike
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import wait_until_free
from cgctl.manager.placement import check_offered, place, specs_for
from cgctl.manager.relocation.checks import group_to_move, volume_to_move
from cgctl.manager.relocation.work import GroupRelocation, Relocation
from cgctl.model.tables import Group, Volume, VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.store.queries import find, get, subject


def group_relocation(env: Environment, reference: str, destination: str) -> GroupRelocation:
    """Of a group. Raises Refused with nothing changed, also where the destination does not offer what it asks for."""
    env.backends.get(destination)  # raises when it is not configured
    with env.store.read() as session:
        key = find(session, Group, reference).id
    wait_until_free(env, key)
    with env.store.read() as session:
        group, rows = group_to_move(session, reference, destination)
    refuse_unlike(env, subject(Group, shown(group)), str(group.host), destination, f"group-migrate {group.id}")
    check_offered(env, group, rows, destination)
    ids = {group.id, *(one.id for one in rows)}
    refuse_what_stands_there(env, subject(Group, shown(group)), destination, ids)
    return GroupRelocation(env, reference, destination)


def volume_relocation(env: Environment, reference: str, destination: str) -> Relocation:
    """Of a volume, wherever to."""
    env.backends.get(destination)
    with env.store.read() as session:
        key = lock_key(find(session, Volume, reference))
    wait_until_free(env, key)
    with env.store.read() as session:
        row = volume_to_move(session, reference, destination)
        types = [get(session, VolumeType, row.volume_type_id)] if row.volume_type_id else []
    refuse_unlike(env, subject(Volume, shown(row)), str(row.host), destination, f"migrate {row.id}")
    place(env, subject(Volume, shown(row)), Request(specs_for(None, types), row.size_bytes), destination)
    refuse_what_stands_there(env, subject(Volume, shown(row)), destination, {row.id})
    return Relocation(env, reference, destination)
