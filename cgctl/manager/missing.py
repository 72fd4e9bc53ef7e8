"""Members that the server of their group has not: of a creation that failed, or gone by another hand.

Decided 2026-11-22: no recovery point leaves one out by itself. What the server has lost would be lost in silence from
point to point; so the point is refused, and the operator lets the member out of its group.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.model.tables import Group, Volume
from drivers.contract import Context, ObjectKind, ServerObject
from drivers.errors import DriverError, NotOnServer, ServerRefused


def never_made(env: Environment, context: Context, group: Group, members: Sequence[Volume]) -> list[Volume]:
    """Of these, those of which the group's server has nothing at all, no snapshot either; none where it has no group.

    Raises what the server says.
    """
    objects = _objects(env, context, group)
    known = {one.id for one in objects} | {one.parent_id for one in objects}
    has_group = any(one.kind is ObjectKind.GROUP and one.id == group.id for one in objects)
    return [one for one in members if has_group and one.id not in known]


def named(
    env: Environment, context: Context, group: Group, members: Sequence[Volume], refusal: ServerRefused
) -> ServerRefused:
    """The refusal of what is done with all members, or, where some are not there, one that names them."""
    missing: list[Volume] = []
    with suppress(DriverError):  # what was refused says more than a look that fails
        live = {one.id for one in _objects(env, context, group) if one.kind is ObjectKind.VOLUME}
        missing = [one for one in members if one.id not in live]
    if not missing:
        return refusal
    names, ids = ", ".join(f"{shown(one)} ({one.status})" for one in missing), [one.id for one in missing]
    reason = f"volume {names} is not on backend {group.host}: it was never made there, or is gone"
    leave = f"cgctl group-update {group.id} --remove-volumes {','.join(ids)}; cgctl delete {' '.join(ids)}"
    return NotOnServer(reason, f"why: cgctl history {ids[0]}; when it was never made: {leave}")


def _objects(env: Environment, context: Context, group: Group) -> list[ServerObject]:
    return env.backends.get(group.host or "").driver.list_objects(context)
