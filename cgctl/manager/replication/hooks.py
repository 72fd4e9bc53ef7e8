"""The operator's commands around a failover, on this machine: the fence of a source, and what follows."""

from __future__ import annotations

from collections.abc import Collection

from cgctl.manager.environment import Environment
from cgctl.manager.exports import connection_of
from cgctl.manager.replication.members import ReplicatedGroup

TIMEOUT_SECONDS = 600.0


def run_fence_hook(env: Environment, replicated: ReplicatedGroup) -> bool:
    """Whether the source's `fence` proves that it serves nobody any more; False where there is none."""
    host = replicated.active
    line = env.backends.get(host).fence
    if line is None:
        return False
    why = env.run_here(line, _environment(replicated) | {"CGCTL_BACKEND": host}, TIMEOUT_SECONDS).reason
    if why:
        env.warn(f"{replicated.name}: the fence hook of backend {host} failed: {why}")
    else:
        env.warn(f"{replicated.name}: the fence hook of backend {host} has cut it off")
    return why is None


def run_post_failover(env: Environment, replicated: ReplicatedGroup, host: str, present: Collection[str]) -> None:
    """Portals and ids in its environment: CGCTL_PORTAL, CGCTL_VOLUMES (ids), CGCTL_CONNECTIONS (lines `id iqn`, or
    `id path`), of the members that are present; who was left behind is served by nobody."""
    hooks = env.settings().post_failover
    line = hooks.get(replicated.id) or hooks.get(replicated.group.name or "")
    if line is None:
        return
    backend = env.backends.get(host)
    export = backend.export
    served = [one.id for one in replicated.volumes if one.id in present]
    found = {one: connection_of(backend, export, one) for one in served} if export else {}
    environment = _environment(replicated) | {
        "CGCTL_OLD_BACKEND": replicated.active,
        "CGCTL_BACKEND": host,
        "CGCTL_VOLUMES": " ".join(served),
        "CGCTL_PORTAL": next((one.portal for one in found.values()), ""),
        "CGCTL_CONNECTIONS": "\n".join(f"{key} {one.iqn or one.path or ''}" for key, one in found.items()),
    }
    why = env.run_here(line, environment, TIMEOUT_SECONDS).reason
    if why:
        env.warn(f"{replicated.name}: the post_failover hook failed: {why}; the failover itself goes on")


def _environment(replicated: ReplicatedGroup) -> dict[str, str]:
    return {"CGCTL_GROUP_ID": replicated.id, "CGCTL_GROUP_NAME": replicated.group.name or ""}
