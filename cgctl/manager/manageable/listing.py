"""What a pool holds that is not cgctl's, and what is chosen of it."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.errors import NotFound
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.operation import wait_until_free
from cgctl.manager.rules.manage import check_manageable
from cgctl.model.names import size_gib
from cgctl.model.tables import new_id
from drivers.contract import Manageable
from drivers.errors import DriverError

View = dict[str, object]


def list_manageable(env: Environment, host: str, *, snapshots: bool = False) -> list[View]:
    """What a backend's pool holds, with Cinder's keys; its server is asked once, and nothing is changed."""
    return [_view(one) for one in _listed(env, host, snapshots=snapshots)]


def _view(one: Manageable) -> View:
    return {
        "reference": one.reference,
        "size": size_gib(one.size_bytes),
        "safe_to_manage": one.reason_not_safe is None,
        "source_reference": one.source_reference,
        "reason_not_safe": one.reason_not_safe,
        "cinder_id": one.cgctl_id,
        "extra_info": None,
    }


def _listed(env: Environment, host: str, *, snapshots: bool) -> Sequence[Manageable]:
    driver = env.backends.get(host).driver
    try:
        return (driver.list_manageable_snapshots if snapshots else driver.list_manageable)(env.context(new_id()))
    except DriverError as error:
        raise explain(error, f"backend {host}") from error


def chosen(env: Environment, host: str, reference: str, *, snapshots: bool) -> Manageable:
    """What answers to the reference, if it is safe. Raises NotFound and Refused."""
    wait_until_free(env, place_key(host, reference))
    found = {one.reference: one for one in _listed(env, host, snapshots=snapshots)}.get(reference)
    word = "snapshot-manageable-list" if snapshots else "manageable-list"
    if found is None:
        raise NotFound(f"{host}: {reference}", "is not in the pool", f"see what is there: cgctl {word} {host}")
    check_manageable(f"{host}: {reference}", found.cgctl_id, found.reason_not_safe)
    return found


def place_key(host: str, reference: str) -> str:
    """The lock of a place: two commands do not manage the same, and the next one settles what was interrupted."""
    return f"{host}/{reference}"
