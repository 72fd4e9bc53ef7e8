"""Which backend a new object goes to: the joint between manager and scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, NotFound, Refused, ServerUnreachable
from cgctl.failures import explain
from cgctl.manager.backends import observe_services
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import specs_of
from cgctl.manager.operation import Intent
from cgctl.manager.quiesce import HOOK_KEYS
from cgctl.manager.rules.replication import asks_for_replication
from cgctl.manager.rules.status import called
from cgctl.model.names import CG_TYPE
from cgctl.model.tables import Group, GroupType, GroupVolumeType, Volume, VolumeType
from cgctl.scheduler.candidates import Request, Specs
from cgctl.scheduler.choose import Ranked, choose
from cgctl.store.queries import get

CG_SUPPORT = "consistencygroup_support"


def volume_types_of(session: Session, group_id: str) -> list[VolumeType]:
    """The volume types that a group takes, by name."""
    joined = select(VolumeType).join(GroupVolumeType, col(GroupVolumeType.volume_type_id) == VolumeType.id)
    return list(session.exec(joined.where(GroupVolumeType.group_id == group_id).order_by(col(VolumeType.name))))


def specs_for(
    group_type: GroupType | None, volume_types: Sequence[VolumeType], *, is_given: bool = False
) -> list[tuple[str, Specs]]:
    """The specs that take part; seed 000: a consistency group's volume types that do not ask for support, get it.

    is_given: for the backend to which a group was failed over, or that has what is copied or grows: there is no choice,
    and it need not have replication targets, too.
    """
    found = _specs(group_type, volume_types)
    if not is_given:
        return found
    return [
        (owner, {key: value for key, value in its.items() if not asks_for_replication(key)}) for owner, its in found
    ]


def _specs(group_type: GroupType | None, volume_types: Sequence[VolumeType]) -> list[tuple[str, Specs]]:
    types: list[tuple[str, Specs]] = [(f"volume type {one.name}", specs_of(one)) for one in volume_types]
    if group_type is None:
        return types
    if group_type.name == CG_TYPE:
        types = [(owner, _with_support(its)) for owner, its in types]
    asked = {key: value for key, value in specs_of(group_type).items() if key not in HOOK_KEYS}
    return [(f"group type {group_type.name}", asked), *types]


def _with_support(specs: Specs) -> dict[str, str | None]:
    asked = any(key in specs for key in (CG_SUPPORT, f"capabilities:{CG_SUPPORT}"))
    return {**specs} if asked else {**specs, CG_SUPPORT: "<is> True"}


@dataclass(frozen=True)
class Placement:
    """Where a new object goes, and the whole ranking that led there."""

    host: str
    ranking: Sequence[Ranked]

    def tell(self, intent: Intent) -> None:
        """The ranking, for --dry-run."""
        for place_number, one in enumerate(self.ranking, start=1):
            intent.will(f"backend {place_number}. {one.told()}" if not one.reasons else f"backend {one.told()}")


def placement(env: Environment, subject: str, request: Request, only: str | None = None) -> Placement:
    """Where a request goes; asks the servers. Raises Refused with every backend's reasons.

    A backend that could not be asked might have fitted: then its error is what the operator has to mend.
    """
    services = observe_services(env, only)
    try:
        ranking = choose(subject, request, [one.candidate() for one in services], env.settings().capacity_weight)
    except Refused as refused:
        problems = [explain(service.error, subject) for service in services if service.error]
        raise _why(refused, problems, alone=len(services) == 1) from None
    return Placement(ranking[0].backend_id, ranking)


def place(env: Environment, subject: str, request: Request, only: str | None = None) -> str:
    """The id of the backend that fits, as `placement` finds it."""
    return placement(env, subject, request, only).host


def check_offered(env: Environment, group: Group, volumes: Sequence[Volume], host: str) -> None:
    """Raise Refused where a backend has no room for a whole group, or does not offer what its types ask for."""
    with env.store.read() as session:
        specs = specs_for(get(session, GroupType, group.group_type_id), volume_types_of(session, group.id))
    size_bytes = sum(one.size_bytes for one in volumes)
    place(env, called("group", group), Request(specs, size_bytes), host)


def _why(refused: Refused, problems: Sequence[CgctlError], *, alone: bool) -> CgctlError:
    if problems and alone:
        return problems[0]
    for problem in sorted(problems, key=lambda one: not isinstance(one, ServerUnreachable)):
        return type(problem)(refused.subject, refused.reason, problem.hint)
    return refused


def checked_zone(env: Environment, subject: str, zone: str | None) -> str | None:
    """A zone that some backend is in; another is a typing mistake, unless the configuration lets any zone stand in."""
    zones = sorted({env.backends.get(backend_id).availability_zone for backend_id in env.backends.ids()})
    if not zone or zone in zones:
        return zone
    if env.settings().availability_zone_fallback:
        env.warn(f"{subject}: no backend is in availability zone '{zone}', so any zone is taken")
        return None
    raise NotFound(subject, f"no backend is in availability zone '{zone}'", f"zones: {', '.join(zones) or 'none'}")
