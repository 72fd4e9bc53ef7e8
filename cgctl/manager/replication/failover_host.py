"""`failover-host`: every replicated group that a backend serves, several at once; what is not replicated is named."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from cgctl.errors import CgctlError, DryRun, PartlyFailed, Refused
from cgctl.manager.environment import Environment
from cgctl.manager.objects import shown
from cgctl.manager.replication.failover import Wishes, fail_over
from cgctl.manager.replication.outcome import loss_words
from cgctl.manager.side_by_side import side_by_side
from cgctl.manager.views import View
from cgctl.model.replication import Replicated
from cgctl.model.tables import Group, Volume

NOT_REPLICATED = "not replicated: stays"


def fail_over_host(env: Environment, backend_id: str, wishes: Wishes) -> tuple[list[View], CgctlError | None]:
    """One row for each group and volume of the backend; the error for the exit code when groups are left there."""
    env.backends.get(backend_id)
    replicated, left = _of(env, backend_id)
    if env.dry_run:
        raise _would(
            env, backend_id, replicated, wishes, [f"{kind} {shown(one)}: {NOT_REPLICATED}" for kind, one in left]
        )

    def move(group: Group) -> tuple[View, CgctlError | None]:
        try:
            generation = fail_over(env, group.id, wishes)
        except CgctlError as error:
            return _row("group", group, f"failed: {error.reason}"), error
        if generation.host == backend_id:
            staying = _stays(backend_id, group)
            return _row("group", group, f"failed: {staying.reason}"), staying
        return _row("group", group, f"served by {generation.host}, {loss_words(generation)}"), None

    moved = list(side_by_side(move, replicated))
    rows = [row for row, _ in moved] + [_row(kind, one, NOT_REPLICATED) for kind, one in left]
    return rows, _verdict(backend_id, [error for _, error in moved if error], len(replicated))


def _of(env: Environment, backend_id: str) -> tuple[Sequence[Group], list[tuple[str, Group | Volume]]]:
    with env.store.read() as session:
        ids = set(session.exec(select(Replicated.group_id)))
        groups = session.exec(select(Group).where(Group.host == backend_id).order_by(col(Group.created_at))).all()
        alone = select(Volume).where(Volume.host == backend_id, col(Volume.group_id).is_(None))
        volumes = session.exec(alone.order_by(col(Volume.created_at))).all()
    left: list[tuple[str, Group | Volume]] = [("group", one) for one in groups if one.id not in ids]
    return [one for one in groups if one.id in ids], [*left, *(("volume", one) for one in volumes)]


def _would(env: Environment, backend_id: str, replicated: Sequence[Group], wishes: Wishes, stays: list[str]) -> DryRun:
    """The plan of each group, checked as in earnest; the failure, where some would be refused."""

    def plan(group: Group) -> tuple[list[str], CgctlError | None]:
        try:
            fail_over(env, group.id, wishes)
        except DryRun as would:
            return would.steps, None
        except CgctlError as error:
            return [f"refuse it: {error.reason}"], error
        raise AssertionError("a dry run does nothing")

    plans = list(side_by_side(plan, replicated))
    steps = [f"group {shown(one)}: {step}" for one, (told, _) in zip(replicated, plans, strict=True) for step in told]
    return DryRun([*steps, *stays], _verdict(backend_id, [error for _, error in plans if error], len(replicated)))


def _stays(backend_id: str, group: Group) -> CgctlError:
    """Nobody shall shut the server down because of an exit code of 0."""
    reason = f"it is where it would go, and still served by backend {backend_id}"
    return Refused(f"group {shown(group)}", reason, f"cgctl failover-host {backend_id} --backend_id default")


def _row(kind: str, row: Group | Volume, result: str) -> View:
    return {"kind": kind, "id": row.id, "name": row.name, "result": result}


def _verdict(backend_id: str, failures: Sequence[CgctlError], tried: int) -> CgctlError | None:
    if not failures:
        return None
    alike = len(failures) == tried and len({one.exit_code for one in failures}) == 1
    kind = type(failures[0]) if alike else PartlyFailed
    hint = "; ".join(dict.fromkeys(one.hint for one in failures if one.hint)) or None
    return kind(f"backend {backend_id}", f"{len(failures)} of {tried} groups could not be failed over", hint)
