"""Rules as functions: for every status that there is, which command it allows; and that no rule is without a user."""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest

from cgctl.errors import Refused
from cgctl.manager.rules import clone, group, group_snapshot, membership, snapshot
from cgctl.model.states import GroupSnapshotStatus, GroupStatus, SnapshotStatus, VolumeStatus
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume, VolumeType

RULES = Path(__file__).parents[2] / "cgctl" / "manager" / "rules"
TYPE = VolumeType(id="gold", name="gold")
ATTACHED = {"in-use", "attaching", "detaching"}


def a_group(status: str = "available") -> Group:
    return Group(id="g", name="db", status=status, host="alpha", group_type_id="t")


def a_volume(status: str = "available", group_id: str | None = "g") -> Volume:
    return Volume(
        id="v", name="disk", status=status, size_bytes=512, host="alpha", group_id=group_id, volume_type_id="gold"
    )


def a_snapshot(status: str = "available") -> Snapshot:
    return Snapshot(id="s", status=status, volume_id="v", size_bytes=512, group_snapshot_id="gs", host="alpha")


def taken(status: str = "available") -> GroupSnapshot:
    return GroupSnapshot(id="gs", status=status, group_id="g", group_type_id="t", host="alpha")


def everything(kind: type[StrEnum]) -> set[str]:
    return {one.value for one in kind}


Check = Callable[[str], object]
ALLOWED: dict[str, tuple[type[StrEnum], Check, set[str]]] = {
    # of the group
    "B3, group": (
        GroupStatus, lambda s: group.check_new_member("v", a_group(s), [TYPE], TYPE), {"available", "creating"},
    ),
    "B4, group": (
        GroupStatus, lambda s: membership.check_movement(a_group(s), [TYPE], [], [a_volume()]), {"available"},
    ),
    "B4, words": (
        GroupStatus, lambda s: membership.check_movement(a_group(s), [TYPE], [], []), everything(GroupStatus),
    ),
    "B5, without the flag": (
        GroupStatus, lambda s: group.check_deletion(a_group(s), [], group.Dependents(), delete_volumes=False),
        {"available", "error"},
    ),
    "B5, with the flag": (
        GroupStatus, lambda s: group.check_deletion(a_group(s), [a_volume()], group.Dependents(), delete_volumes=True),
        everything(GroupStatus),
    ),
    "B6, group": (GroupStatus, lambda s: group_snapshot.check_creation(a_group(s), [a_volume()]), {"available"}),
    "B8, group": (GroupStatus, lambda s: clone.check_source("new", a_group(s), [a_volume()]), {"available"}),
    # of its members
    "B5, member": (
        VolumeStatus,
        lambda s: group.check_deletion(a_group(), [a_volume(s)], group.Dependents(), delete_volumes=True),
        everything(VolumeStatus) - ATTACHED,
    ),
    "B6, member": (
        VolumeStatus, lambda s: group_snapshot.check_creation(a_group(), [a_volume(), a_volume(s)]),
        {"available", "in-use"},
    ),
    "B8, member": (
        VolumeStatus, lambda s: clone.check_source("new", a_group(), [a_volume(), a_volume(s)]),
        {"available", "in-use"},
    ),
    "B9, snapshot of a member": (VolumeStatus, lambda s: snapshot.check_creation(a_volume(s)), {"available", "in-use"}),
    # of snapshots
    "B7": (
        GroupSnapshotStatus, lambda s: group_snapshot.check_deletion(taken(s), []),
        {"available", "error", "error_deleting"},
    ),
    "B8, group snapshot": (
        GroupSnapshotStatus, lambda s: clone.check_source_snapshot("new", taken(s), [a_snapshot()]), {"available"},
    ),
    "B8, member snapshot": (
        SnapshotStatus, lambda s: clone.check_source_snapshot("new", taken(), [a_snapshot(), a_snapshot(s)]),
        {"available"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", ALLOWED)
def test_a_rule_allows_these_statuses_and_no_other(rule: str) -> None:
    statuses, check, allowed = ALLOWED[rule]
    for one in statuses:
        if one.value in allowed:
            check(one.value)
        else:
            with pytest.raises(Refused, match=f"is {one.value}|is attached") as refused:
                check(one.value)
            assert refused.value.hint, "every refusal shows the way out"


@pytest.mark.parametrize("status", VolumeStatus)
def test_an_attachment_of_a_member_counts_whatever_its_status_says(status: str) -> None:
    dependents = group.Dependents(attached_members=["v"])
    with pytest.raises(Refused):
        group.check_deletion(a_group(), [a_volume(status)], dependents, delete_volumes=True)


def test_every_rule_has_an_operation_that_asks_it() -> None:
    operations = "\n".join(path.read_text() for path in RULES.parent.rglob("*.py") if path.parent != RULES)
    for path in sorted(RULES.glob("[a-z]*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("check"):
                used = node.name in operations or path.stem == "status"
                assert used, f"{path.stem}.{node.name} is asked by nobody"


def test_rules_read_no_state_and_ask_no_server() -> None:
    for path in RULES.glob("*.py"):
        source = path.read_text()
        assert not {"session", "env.", "driver("} & {word for word in ("session", "env.", "driver(") if word in source}
