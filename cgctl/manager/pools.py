"""Pools as `get-pools` shows them, and which of them pass its filters."""

from __future__ import annotations

from collections.abc import Mapping

from cgctl.errors import UsageError
from cgctl.manager.backends import Service, observe_services
from cgctl.manager.environment import Environment
from cgctl.manager.placement import specs_for
from cgctl.model.tables import VolumeType
from cgctl.scheduler.candidates import Request
from cgctl.scheduler.choose import rejections
from cgctl.store.queries import find

BY_TYPE = "volume_type"


def pools(env: Environment, filters: Mapping[str, str]) -> list[dict[str, object]]:
    """One object per pool with every capability, of those that pass. `key~` looks for a part; raises UsageError."""
    services = observe_services(env)
    if BY_TYPE in filters:
        services = _fitting(env, services, filters[BY_TYPE])
    rows = [_pool(service) for service in services]
    wanted = {key: value for key, value in filters.items() if key != BY_TYPE}
    _refuse_unknown(rows, wanted)
    return [row for row in rows if all(_passes(row, key, value) for key, value in wanted.items())]


def _pool(service: Service) -> dict[str, object]:
    return {"name": service.backend.id, "problem": service.problem, **service.capabilities()}


def _fitting(env: Environment, services: list[Service], volume_type: str) -> list[Service]:
    with env.store.read() as session:
        request = Request(specs_for(None, [find(session, VolumeType, volume_type)]))
    return [service for service in services if not rejections(request, service.candidate())]


def _refuse_unknown(rows: list[dict[str, object]], wanted: Mapping[str, str]) -> None:
    known = sorted({key for row in rows for key in row} | {BY_TYPE})
    for key in wanted:
        if rows and key.removesuffix("~") not in known:
            raise UsageError(f"filter {key}", "is unknown", f"known: {', '.join(known)}")


def _passes(row: Mapping[str, object], key: str, value: str) -> bool:
    has = str(row.get(key.removesuffix("~"))).casefold()
    return value.casefold() in has if key.endswith("~") else has == value.casefold()
