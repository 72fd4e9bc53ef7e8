"""`backend-check`: the server, the pool and the exports of a backend, compared with what shall be; and their repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.errors import CgctlError, DryRun, ServerFailure, ServerUnreachable
from cgctl.failures import explain
from cgctl.manager import unknown_objects
from cgctl.manager.activities import strangers
from cgctl.manager.backends import observe_services
from cgctl.manager.environment import Environment
from cgctl.manager.offering import offer, offered, wanted
from cgctl.model.tables import new_id
from drivers.contract import Backend, Context, ExportServer, Finding
from drivers.errors import DriverError, PoolUnmarked, ServerFailed


@dataclass(frozen=True)
class Checked:
    """One finding about one backend; unreached when its server could not be asked."""

    backend_id: str
    finding: Finding
    unreached: bool = False

    def view(self) -> dict[str, object]:
        """The row that is printed."""
        return {
            "backend": self.backend_id,
            "check": self.finding.check,
            "result": "ok" if self.finding.ok else "failed",
            "detail": self.finding.detail,
            "hint": None if self.finding.ok else self.finding.hint,
        }


def check(env: Environment, backend_ids: Sequence[str], *, repair: bool) -> list[Checked]:
    """Every finding about these backends; with repair servers and exports are made as they shall be first."""
    backends = [env.backends.get(backend_id) for backend_id in backend_ids]
    if repair and env.dry_run:
        raise DryRun(
            [
                f"{env.backends.server(one.id)}: make the server and {len(wanted(env, one))} exports as they shall be"
                for one in backends
            ]
        )
    return [finding for backend in backends for finding in _check_one(env, backend, repair=repair)]


def verdict(checked: Sequence[Checked]) -> CgctlError | None:
    """The error for the exit code, when something is not well."""
    failed = [one for one in checked if not one.finding.ok]
    if not failed:
        return None
    kind = ServerUnreachable if any(one.unreached for one in failed) else ServerFailure
    ids = ", ".join(sorted({one.backend_id for one in failed}))
    return kind(
        f"backend {ids}", f"{len(failed)} of {len(checked)} checks failed", "each failed check names what mends it"
    )


def _check_one(env: Environment, backend: Backend, *, repair: bool) -> list[Checked]:
    context = env.context(new_id())
    try:
        repaired = _repair(env, context, backend) if repair else []
        if repair and backend.replication_targets:
            from cgctl.manager.replication.ways import forget_unused_ways  # noqa: PLC0415 (only where there are any)

            forget_unused_ways(env, backend.id)
        findings = [*repaired, *backend.driver.check_for_setup_error(context), *_empty_pool(env, backend)]
        found = strangers.unknown_on(env, backend.id)
        findings += _left_by_strangers(env, backend, found)
        hidden = {key for one in found for key in one.hidden_ids(env)}
        findings += unknown_objects.findings(env, context, backend, hidden)
        if backend.export:
            exports = [one for peer in _peers(env, backend, backend.export) for one in offered(env, peer)]
            findings = [*findings, *backend.export.check_exports(context, exports)]
    except (DriverError, ServerFailure, ServerUnreachable) as error:
        told = explain(error, backend.id) if isinstance(error, DriverError) else error
        unreached = isinstance(told, ServerUnreachable)
        return [Checked(backend.id, Finding("server", False, told.reason, told.hint), unreached)]
    return [Checked(backend.id, finding) for finding in findings]


def _repair(env: Environment, context: Context, backend: Backend) -> list[Finding]:
    """What the server could not do for one volume keeps none of the others from their clients."""
    failed = []
    try:
        backend.driver.repair(context)
    except ServerFailed as error:
        told = explain(error, backend.id)
        failed = [Finding("repair", False, told.reason, told.hint)]
    offer(env, backend)
    return failed


def _empty_pool(env: Environment, backend: Backend) -> list[Finding]:
    """A pool without mark is fine for a driver; not where the state has objects in it."""
    error = observe_services(env, backend.id)[0].error
    return [Finding("objects", False, error.message, error.hint)] if isinstance(error, PoolUnmarked) else []


def _left_by_strangers(env: Environment, backend: Backend, found: Sequence[strangers.Stranger]) -> list[Finding]:
    """Of activities that began after the copy was made that this state was restored from."""
    try:
        there = {one.id for one in backend.driver.list_objects(env.context(new_id()))} if found else set()
    except DriverError:  # the other findings say what is wrong with the pool
        there = set()
    return [finding for one in found for finding in one.findings(env, backend.id, there)]


def _peers(env: Environment, backend: Backend, export: ExportServer) -> list[Backend]:
    """All backends that offer through the same daemon: the exports of one are not unknown to the other.

    Two servers may have one portal: an address that moves with a failover.
    """
    here = _place(export)
    backends = [env.backends.get(one) for one in env.backends.ids() if env.backends.share_machine(one, backend.id)]
    return [one for one in backends if one.export and _place(one.export) == here]


def _place(export: ExportServer) -> tuple[str, str]:
    return export.protocol, export.portal
