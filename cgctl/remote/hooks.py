"""Quiesce hooks: an operator's commands, run here, that hold an application still while a group is snapshotted.

The promise is about `post`: once `pre` was begun, it runs, once, and not later than the bound, whatever becomes of
cgctl. So cgctl runs neither of them. A guard does (`hook_guard.sh`), a session of its own with a clock of its own;
cgctl holds a pipe to it, whose end tells it that cgctl is gone. Whether the hold still stood when cgctl was done is
for the guard to say, because only it knows when it ran `post`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cgctl.remote.hook_guard import Guard
from drivers.errors import HoldBroken, HookFailed


@dataclass(frozen=True)
class Hooks:
    """A group's hooks: command lines for /bin/sh, each with so many seconds to end.

    They see CGCTL_HOOK (`pre` or `post`) and what the operation adds: CGCTL_GROUP_ID, CGCTL_GROUP_NAME,
    CGCTL_OPERATION_ID. Their input is /dev/null, their standard output is not kept.
    """

    pre: str | None
    post: str | None
    timeout_seconds: float


@dataclass
class Quiesce:
    """One hold. post_failure: what `post` failed with, for who catches another error that was raised within it."""

    post_failure: HookFailed | None = None


class HookRunner:
    """Runs the hooks of a group on this machine."""

    @contextlib.contextmanager
    def quiesced(self, hooks: Hooks, bound_seconds: float, environment: Mapping[str, str]) -> Iterator[Quiesce]:
        """The body runs between `pre` and `post`; bound_seconds count from when `pre` has succeeded.

        Raises HookFailed (phase `pre`) before the body, `post` having run; after the body HoldBroken when `post` had
        to run before its end, else HookFailed (phase `post`). An error of the body comes first: it gets a note, and
        the Quiesce has the post_failure.
        """
        if bound_seconds <= 0 or hooks.timeout_seconds <= 0:
            raise ValueError("a bound and a time-out are longer than 0 seconds")
        quiesce = Quiesce()
        with Guard(hooks.pre or "", hooks.post or "", hooks.timeout_seconds, bound_seconds, environment) as guard:
            _await_pre(guard)
            try:
                yield quiesce
            except BaseException as error:
                _end_after_error(guard, quiesce, error)
                raise
            _end(guard, quiesce, bound_seconds)


def _await_pre(guard: Guard) -> None:
    failure = guard.await_pre()
    if failure is None:
        return
    post_failure = guard.end().failure
    also = f"; the post hook failed too: {post_failure}" if post_failure else ""
    raise HookFailed(f"this machine: the pre hook failed: {failure}{also}", "pre")


def _end(guard: Guard, quiesce: Quiesce, bound_seconds: float) -> None:
    """A broken hold outweighs a failed `post`: a caller may keep the set after the one, never after the other."""
    ending = guard.end()
    quiesce.post_failure = _post_failed(ending.failure)
    if ending.reason != "released":
        reason = f"the hold ended after its bound of {bound_seconds:g} s" if ending.reason == "bound" else ending.reason
        also = f"; the post hook failed too: {ending.failure}" if ending.failure else ""
        raise HoldBroken(f"this machine: {reason}, before the group snapshot was complete{also}")
    if quiesce.post_failure is not None:
        raise quiesce.post_failure


def _end_after_error(guard: Guard, quiesce: Quiesce, error: BaseException) -> None:
    quiesce.post_failure = _post_failed(guard.end().failure)
    if quiesce.post_failure is not None:
        error.add_note(quiesce.post_failure.message)


def _post_failed(failure: str | None) -> HookFailed | None:
    if failure is None:
        return None
    hint = "the application may still be held: run the post hook by hand"
    return HookFailed(f"this machine: the post hook failed: {failure}", "post", hint)
