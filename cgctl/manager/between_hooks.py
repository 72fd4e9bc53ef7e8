"""Taking something of a whole group between its quiesce hooks: a group snapshot, or a clone."""

from __future__ import annotations

from collections.abc import Callable

from cgctl.errors import ServerFailure
from cgctl.manager.creation import Made
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.quiesce import hooks_of, quiesced
from cgctl.model.tables import Group
from drivers.contract import Context, Updates
from drivers.errors import HoldBroken, HookFailed


def take_between_hooks(
    env: Environment,
    context: Context,
    group: Group,
    take: Callable[[], Updates],
    remove: Callable[[], None],
) -> Made:
    """What take makes between `pre` and `post`. A broken hold removes it and is raised: it would be no point in time.

    A `post` that fails does not spoil what was taken; it is the operator's to look after, so it is a complaint.
    """
    updates: Updates | None = None
    hooks = hooks_of(env, group)
    try:
        with quiesced(env, group, context.operation_id, hooks):
            updates = take()
    except HoldBroken:
        remove()
        raise
    except HookFailed as error:
        if updates is None or error.phase != "post":
            raise
        reason = f"its post hook failed ({error.message}); what was asked for is complete"
        hint = "look after the application, then mend the hook"
        return Made(updates, ServerFailure(f"group {shown(group)}", reason, hint))
    return Made(updates)
