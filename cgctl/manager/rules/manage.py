"""What of a pool is taken over."""

from __future__ import annotations

from cgctl.errors import Refused
from cgctl.manager.objects import shown
from cgctl.model.tables import Group


def check_manageable(subject: str, cgctl_id: str | None, reason_not_safe: str | None) -> None:
    """Not cgctl's already, and safe as its server judges."""
    if cgctl_id:
        raise Refused(subject, f"is managed already, as {cgctl_id}", "see what there is: cgctl list")
    if reason_not_safe:
        raise Refused(subject, reason_not_safe, "mend that on the server, then run the same command again")


def check_place(subject: str, group: Group, host: str | None) -> None:
    """What becomes a member is in its group's pool."""
    if group.host != host:
        raise Refused(subject, f"is on {host}, group {shown(group)} on {group.host}", f"cgctl group-show {group.id}")
