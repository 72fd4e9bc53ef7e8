"""Backends as the scheduler and the operator see them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from sqlmodel import col, select

from cgctl import __version__
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.freezing import FROZEN, frozen_backends
from cgctl.model.replication import Replica
from cgctl.model.tables import Group, Snapshot, Volume, new_id, utc_now
from cgctl.scheduler.candidates import Candidate
from drivers.contract import Backend, Context, PoolStats
from drivers.errors import DriverError, PoolUnmarked

BINARY = "cgctl-volume"
"""What `service-list` calls the one kind of service there is."""


@dataclass(frozen=True)
class Service:
    """A backend with what it answered: stats, or why there are none."""

    backend: Backend
    stats: PoolStats | None
    error: DriverError | None = None
    frozen: bool = False

    @property
    def problem(self) -> str | None:
        """The error's message."""
        return self.error.message if self.error else None

    def capabilities(self) -> dict[str, object]:
        """What the scheduler matches specs against: the configuration's own capabilities, the driver's above them."""
        export = {"export_protocol": self.backend.export.protocol if self.backend.export else None}
        reserved = {"reserved_percentage": self.backend.reserved_percentage}
        return {
            **self.backend.capabilities,
            **replication_capabilities(self.backend),
            **reserved,
            **export,
            **(self.stats or {}),
        }

    def candidate(self) -> Candidate:
        """The scheduler's view."""
        return Candidate(
            self.backend.id,
            self.backend.availability_zone,
            self.backend.reserved_percentage,
            self.backend.max_over_subscription_ratio,
            self.capabilities() if self.stats else {},
            self.problem or (FROZEN if self.frozen else None),
        )


def replication_capabilities(backend: Backend) -> dict[str, object]:
    """What types ask for when their groups shall be replicated: it follows the configured replication targets."""
    able = backend.replication is not None and bool(backend.replication_targets)
    keys = ("replication_enabled", "group_replication_enabled", "consistent_group_replication_enabled")
    return {
        **dict.fromkeys(keys, able),
        "replication_count": len(backend.replication_targets),
        "replication_targets": [one.backend_id for one in backend.replication_targets],
    }


def observe_services(env: Environment, only: str | None = None) -> list[Service]:
    """Ask every backend (or one) for its stats, all at once; one execution on each server."""
    backends = [env.backends.get(backend_id) for backend_id in ([only] if only else env.backends.ids())]
    frozen = frozen_backends(env)
    with ThreadPoolExecutor(max_workers=max(len(backends), 1)) as pool:
        found = pool.map(lambda backend: _observe(env, backend), backends)
        return [replace(service, frozen=service.backend.id in frozen) for service in found]


def _observe(env: Environment, backend: Backend) -> Service:
    try:
        stats = backend.driver.get_volume_stats(env.context(new_id()))
    except DriverError as error:
        return Service(backend, None, error)
    if not stats["pool_marked"] and (other := not_the_pool(env, backend.id)):
        return Service(backend, None, other)
    return Service(backend, stats)


def not_the_pool(env: Environment, backend_id: str) -> PoolUnmarked | None:
    """Of a pool without a mark: why it gets nothing, where the state has anything in it. It is most likely the empty
    directory below a file system that is not mounted; what went there would be gone with the next mount."""
    reason = f"{env.backends.server(backend_id)}: has no owner mark although"
    with env.store.read() as session:
        for kind in (Group, Volume, Snapshot):
            made = select(kind.id).where(kind.host == backend_id, col(kind.status) != "creating")
            if session.exec(made.limit(1)).first():
                return PoolUnmarked(f"{reason} objects are in it")
        points = select(Replica.group_id).where(Replica.host == backend_id, col(Replica.point_id).is_not(None))
        group_id = session.exec(points.limit(1)).first()
    if group_id is None:
        return None
    new = f"if it is a new one, and what it had is lost: cgctl group-sync-replication --new-pool {group_id}"
    return PoolUnmarked(f"{reason} recovery points are in it", f"mount the pool's file system; {new}")


def require_pool(env: Environment, context: Context, backend_id: str) -> None:
    """Raises what a server says, and PoolUnmarked as not_the_pool tells it."""
    stats = env.backends.get(backend_id).driver.get_volume_stats(context)
    if not stats["pool_marked"] and (other := not_the_pool(env, backend_id)):
        raise other


def claim_activities(env: Environment, context: Context, backend_id: str) -> None:
    """A place for activities; a pool without a mark gets one, if it is the pool. Raises as require_pool."""
    require_pool(env, context, backend_id)
    env.backends.get(backend_id).driver.claim_activities(context)


STATS = (
    "namespace",
    "vendor_name",
    "volume_backend_name",
    "pool_name",
    "driver_version",
    "storage_protocol",
    "display_name",
    "description",
    "visibility",
    "replication_targets",
)
"""What Cinder calls the stats of a volume service; everything else is a property of the backend."""


def capabilities_view(env: Environment, backend_id: str) -> dict[str, object]:
    """`get-capabilities`: stats, and seed 004's read-only attributes."""
    backend = env.backends.get(backend_id)
    try:
        stats: Mapping[str, object] = backend.driver.get_volume_stats(env.context(new_id()))
    except DriverError as error:
        raise explain(error, f"backend {backend_id}") from error
    own = {
        "namespace": f"cgctl.backends.{backend.id}",
        "vendor_name": "cgctl",
        "volume_backend_name": backend.id,
        "pool_name": backend.id,
        "driver_version": __version__,
        "storage_protocol": backend.export.protocol if backend.export else "local",
        "display_name": env.backends.server(backend_id),
        "description": f"{backend.driver.name} pool",
        "visibility": "public",
        "replication_targets": [],
    }
    return {
        **own,
        "host": backend.id,
        "driver": backend.driver.name,
        "export_protocol": backend.export.protocol if backend.export else None,
        **backend.capabilities,
        **replication_capabilities(backend),
        **stats,
        "activity_attributes": backend.driver.activities.as_dict(),
    }


def _replication_word(backend: Backend) -> str:
    return "enabled" if replication_capabilities(backend)["replication_enabled"] else "not-capable"


def services_view(env: Environment, host: str | None = None) -> list[dict[str, object]]:
    """`service-list`: which backends answer, and which are frozen."""
    return [
        {
            "binary": BINARY,
            "host": service.backend.id,
            "zone": service.backend.availability_zone,
            "status": "disabled" if service.frozen else "enabled",
            "state": "down" if service.problem else "up",
            "updated_at": utc_now(),
            "cluster": None,
            # Groups fail over one by one: a backend as such has no status but whether its groups can be replicated.
            "replication_status": _replication_word(service.backend),
            "active_backend_id": None,
            "frozen": service.frozen,
            "disabled_reason": FROZEN if service.frozen else None,
            "backend_state": service.problem or "up",
        }
        for service in observe_services(env, host)
    ]


def backend_view(env: Environment, backend_id: str) -> dict[str, object]:
    """`backend-list`: what is configured; no server is asked."""
    backend = env.backends.get(backend_id)
    return {
        "id": backend.id,
        "driver": backend.driver.name,
        "server": env.backends.server(backend_id),
        "export": backend.export.protocol if backend.export else None,
        "availability_zone": backend.availability_zone,
        "reserved_percentage": backend.reserved_percentage,
        "max_over_subscription_ratio": backend.max_over_subscription_ratio,
    }
