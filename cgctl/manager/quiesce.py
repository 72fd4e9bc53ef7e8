"""When a group's writers must be quiet, and how they are made so.

A driver method that is not among its `stateless_activities` wants the volumes quiesced first (seed 004): no member
attached, or the group's hooks run. Hooks, where a group has them, surround every group snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from cgctl.errors import Refused, UsageError
from cgctl.manager.environment import Environment, QuiesceHooks
from cgctl.manager.objects import shown
from cgctl.model.tables import Group, GroupType, Volume
from drivers.contract import Context, Driver

HOOK_KEYS = ("quiesce_pre", "quiesce_post", "quiesce_timeout")
"""Keys of a group's metadata, and of its type's specs."""

MAX_HOOK_SECONDS = 600.0


def hooks_of(env: Environment, group: Group) -> QuiesceHooks:
    """The hooks in a group's metadata, else the configuration's for its id or name; what both leave open, its type's.

    The nearest to the group wins, key by key between metadata and type.
    """
    own = {key: group.properties[key] for key in HOOK_KEYS if key in group.properties}
    configured = env.settings().hooks
    named = configured.get(group.id) or configured.get(group.name or "")
    if named and not own:
        return named
    with env.store.read() as session:
        of_type = session.get_one(GroupType, group.group_type_id).group_specs
    pre, post, timeout = (own.get(key, of_type.get(key)) for key in HOOK_KEYS)
    return QuiesceHooks(pre, post, hook_seconds(timeout) if timeout else QuiesceHooks.timeout_seconds)


def check_hook_words(subject: str, words: Mapping[str, str]) -> None:
    """Hooks are checked when they are written, not when they are needed."""
    unknown = [key for key in words if key.startswith("quiesce_") and key not in HOOK_KEYS]
    if unknown:
        raise UsageError(subject, f"{', '.join(unknown)} is unknown", f"hooks are {', '.join(HOOK_KEYS)}")
    if words.get("quiesce_timeout"):
        hook_seconds(words["quiesce_timeout"])


def hook_seconds(text: str) -> float:
    """A hook's time-out from metadata, in seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_HOOK_SECONDS:
        raise UsageError(
            f"quiesce_timeout '{text}'", f"is not a number of seconds up to {MAX_HOOK_SECONDS:g}", "for example 30"
        )
    return seconds


def require_quiet(
    driver: Driver, method: str, subject: str, volumes: Sequence[Volume], hooks: QuiesceHooks | None = None
) -> None:
    """Refuse a method that cannot hold writes while a volume is attached and no hook quiesces it."""
    if method in driver.activities.stateless_activities or hooks:
        return
    attached = [shown(volume) for volume in volumes if volume.status == "in-use"]
    if attached:
        raise Refused(
            subject,
            f"the {driver.name} driver cannot hold writes, and {', '.join(attached)} is attached",
            "detach it: cgctl attachment-list; or give the group quiesce hooks: "
            "cgctl group-update GROUP --metadata quiesce_pre='…' quiesce_post='…'",
        )


def bounded(env: Environment, driver: Driver, method: str, context: Context, hooks: QuiesceHooks) -> Context:
    """The context with the bound of what is held: where nobody writes and no hook runs, a copy may take its time."""
    if method in driver.activities.stateless_activities or hooks:
        return context
    return replace(context, hold_bound_seconds=env.operation_seconds)


def quiesced_by(driver: Driver, method: str, hooks: QuiesceHooks) -> str | None:
    """What kept the writers quiet, for the receipt."""
    if hooks:
        return "hooks"
    return None if method in driver.activities.stateless_activities else "detachment"


def quiesced(env: Environment, group: Group, operation_id: str, hooks: QuiesceHooks) -> AbstractContextManager[object]:
    """The time between the group's hooks; nothing to wait for where it has none."""
    if not hooks:
        return nullcontext()
    environment = {
        "CGCTL_GROUP_ID": group.id,
        "CGCTL_GROUP_NAME": group.name or "",
        "CGCTL_OPERATION_ID": operation_id,
    }
    return env.quiesced(hooks, env.settings().hold_seconds, environment)
