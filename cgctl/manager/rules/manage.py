"""What of a pool is taken over."""

from __future__ import annotations

from cgctl.errors import Refused
from cgctl.manager.objects import shown
from cgctl.model.tables import Group


def check_manageable(subject: str, cgctl_id: str | None, reason_not_safe: str | None, *, known: bool) -> None:
    """Not cgctl's already, and safe as its server judges. known: whether the state has what is cgctl's."""
    if cgctl_id and known:
        raise Refused(subject, f"is managed already, as {cgctl_id}", "see what there is: cgctl list")
    if cgctl_id:
        way = "bring back a newer copy of the state; all that this one does not know: cgctl backend-check"
        raise Refused(subject, f"{reason_not_safe}", way)
    if reason_not_safe:
        raise Refused(subject, reason_not_safe, "mend that on the server, then run the same command again")


def check_place(subject: str, group: Group, host: str | None) -> None:
    """What becomes a member is in its group's pool."""
    if group.host != host:
        raise Refused(subject, f"is on {host}, group {shown(group)} on {group.host}", f"cgctl group-show {group.id}")
