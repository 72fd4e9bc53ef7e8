"""Which backend a new object goes to: the joint between manager and scheduler."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from cgctl.errors import CgctlError, NotFound, Refused, ServerUnreachable
from cgctl.failures import explain
from cgctl.manager.backends import observe_services
from cgctl.manager.environment import Environment
from cgctl.manager.kinds import specs_of
from cgctl.model.names import CG_TYPE
from cgctl.model.tables import GroupType, GroupVolumeType, VolumeType
from cgctl.scheduler.candidates import Request, Specs
from cgctl.scheduler.choose import choose

CG_SUPPORT = "consistencygroup_support"


def volume_types_of(session: Session, group_id: str) -> list[VolumeType]:
    """The volume types that a group takes, by name."""
    joined = select(VolumeType).join(GroupVolumeType, col(GroupVolumeType.volume_type_id) == VolumeType.id)
    return list(session.exec(joined.where(GroupVolumeType.group_id == group_id).order_by(col(VolumeType.name))))


def specs_for(group_type: GroupType | None, volume_types: Sequence[VolumeType]) -> list[tuple[str, Specs]]:
    """The specs that take part; seed 000: where a consistency group's types do not ask for support, it is asked for."""
    specs: list[tuple[str, Specs]] = [(f"volume type {one.name}", specs_of(one)) for one in volume_types]
    if group_type is None:
        return specs
    own = dict(specs_of(group_type))
    asked = any(key in its for _, its in specs for key in (CG_SUPPORT, f"capabilities:{CG_SUPPORT}"))
    if group_type.name == CG_TYPE and not asked:
        own[CG_SUPPORT] = "<is> True"
    return [(f"group type {group_type.name}", own), *specs]


def place(env: Environment, subject: str, request: Request, only: str | None = None) -> str:
    """The id of the backend that fits; asks the servers. Raises Refused with every backend's reasons.

    A backend that could not be asked might have fitted: then its error is what the operator has to mend.
    """
    services = observe_services(env, only)
    try:
        return choose(subject, request, [service.candidate() for service in services]).backend_id
    except Refused as refused:
        problems = [explain(service.error, subject) for service in services if service.error]
        raise _why(refused, problems, alone=len(services) == 1) from None


def _why(refused: Refused, problems: Sequence[CgctlError], *, alone: bool) -> CgctlError:
    if problems and alone:
        return problems[0]
    for problem in sorted(problems, key=lambda one: not isinstance(one, ServerUnreachable)):
        return type(problem)(refused.subject, refused.reason, problem.hint)
    return refused


def check_zone(env: Environment, subject: str, zone: str | None) -> None:
    """An availability zone that no backend is in is a typing mistake."""
    zones = sorted({env.backends.get(backend_id).availability_zone for backend_id in env.backends.ids()})
    if zone and zone not in zones:
        raise NotFound(subject, f"no backend is in availability zone '{zone}'", f"zones: {', '.join(zones) or 'none'}")
