"""What a pool holds that is not cgctl's, and what is chosen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import select

from cgctl.errors import NotFound
from cgctl.failures import explain
from cgctl.manager.environment import Environment
from cgctl.manager.operation import wait_until_free
from cgctl.manager.rules.manage import check_manageable
from cgctl.manager.unknown_objects import is_worked_on
from cgctl.model.names import size_gib
from cgctl.model.tables import Snapshot, Volume, new_id
from drivers.contract import Manageable
from drivers.errors import DriverError

View = dict[str, object]
UNKNOWN = "cgctl made it, and this state does not know it"


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
        found = (driver.list_manageable_snapshots if snapshots else driver.list_manageable)(env.context(new_id()))
    except DriverError as error:
        raise explain(error, f"backend {host}") from error
    with env.store.read() as session:
        known = {None, *session.exec(select(Snapshot.id if snapshots else Volume.id))}
        strange = {
            one.cgctl_id for one in found if one.cgctl_id not in known and not is_worked_on(session, one.cgctl_id)
        }
    return [replace(one, reason_not_safe=UNKNOWN) if one.cgctl_id in strange else one for one in found]


def chosen(env: Environment, host: str, reference: str, *, snapshots: bool) -> Manageable:
    """What answers to the reference, if it is safe. Raises NotFound and Refused."""
    wait_until_free(env, place_key(host, reference))
    found = {one.reference: one for one in _listed(env, host, snapshots=snapshots)}.get(reference)
    word = "snapshot-manageable-list" if snapshots else "manageable-list"
    if found is None:
        raise NotFound(f"{host}: {reference}", "is not in the pool", f"see what is there: cgctl {word} {host}")
    known = found.reason_not_safe != UNKNOWN
    check_manageable(f"{host}: {reference}", found.cgctl_id, found.reason_not_safe, known=known)
    return found


def place_key(host: str, reference: str) -> str:
    """The lock of a place: two commands do not manage the same, and the next one settles what was interrupted."""
    return f"{host}/{reference}"
