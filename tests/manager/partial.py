"""A server that does part of what it is asked for."""

from __future__ import annotations

from typing import Any

from drivers.contract import Context, Volume
from tests.manager.faulty import Call, Fault
from tests.manager.house import House


def only_first_goes(house: House, group: str, context: Context) -> Fault:
    """A delete_consistencygroup that really deletes the first member and fails with the others."""
    group_id = house.show("group-show", group)["id"]
    first, *rest = house.members(group)

    def fault(name: str, call: Call) -> Any:
        if name != "delete_consistencygroup":
            return call()
        house.driver("alpha").delete_volume(context, Volume(first, 1024**2, group_id))
        failed = [{"id": one, "status": "error_deleting", "reason": "is mounted on the server"} for one in rest]
        return {"status": "error"}, [{"id": first, "status": "deleted"}, *failed]

    return fault
