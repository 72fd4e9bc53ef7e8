"""What must hold whenever nothing is running: the state says what is on the servers, and nothing is half done."""

from __future__ import annotations

import json
from collections.abc import Callable

from cgctl.model.states import TRANSITIONAL
from drivers.contract import ObjectKind
from tests.manager import world
from tests.manager.house import House

Shape = set[tuple[object, ...]]

_OBJECTS = {
    ObjectKind.GROUP: "SELECT id, NULL, NULL FROM groups",
    ObjectKind.VOLUME: "SELECT id, group_id, size_bytes FROM volumes",
    ObjectKind.GROUP_SNAPSHOT: "SELECT id, CASE WHEN replicates_id IS NULL THEN group_id END, NULL "
    "FROM group_snapshots",
    ObjectKind.SNAPSHOT: "SELECT CASE WHEN group_snapshot_id IS NULL THEN id ELSE COALESCE(member_id, volume_id) END, "
    "COALESCE(group_snapshot_id, member_id, volume_id), size_bytes FROM snapshots",
}
_TABLES = ("groups", "volumes", "snapshots", "group_snapshots", "attachments")


def disagreements(house: House) -> list[str]:
    """What the state and the servers tell differently, and what is left half done; nothing, where all is well."""
    rows = {(kind, *row) for kind, query in _OBJECTS.items() for row in house.rows(query)}
    replicas = {row[0] for row in house.rows("SELECT id FROM group_snapshots WHERE replicates_id IS NOT NULL")}
    objects = {
        (one.kind, one.id, None if one.id in replicas else one.parent_id, one.size_bytes) for one in house.objects()
    }
    found = [f"only in the state: {row}" for row in rows - objects]
    found += [f"only on a server: {one}" for one in objects - rows]
    found += [f"half-made: {one}" for one in house.objects() if not one.complete]
    return [*found, *_half_done(house), *_exports(house)]


def _half_done(house: House) -> list[str]:
    statuses = [(table, *row) for table in _TABLES for row in house.rows(f"SELECT id, status FROM {table}")]
    found = [f"transitional: {row}" for row in statuses if row[2] in TRANSITIONAL]
    found += [f"lock left: {row}" for row in house.rows("SELECT key, operation_id FROM locks")]
    unsettled = "SELECT kind, state FROM operations WHERE state IN ('running', 'unsettled')"
    return found + [f"not settled: {row}" for row in house.rows(unsettled)]


def _exports(house: House) -> list[str]:
    offers = {
        volume: offer
        for notes in house.root.glob("exports-*.json")
        for volume, offer in json.loads(notes.read_text()).items()
    }
    noted = {(volume, attachment) for volume, offer in offers.items() for attachment in offer["access"]}
    rows = set(house.rows("SELECT volume_id, id FROM attachments"))
    gone = [volume for volume, offer in offers.items() if not (house.root / offer["source"]).exists()]
    return [f"access differs: {one}" for one in noted ^ rows] + [f"nothing behind the export of {one}" for one in gone]


def shape(house: House) -> Shape:
    """Everything that an operator sees, without ids and times: names, statuses, groups, sizes, sources, contents."""
    names = dict(house.rows("SELECT id, name FROM groups") + house.rows("SELECT id, name FROM volumes"))
    names |= dict(house.rows("SELECT id, name FROM group_snapshots"))
    seen: Shape = {("group", *row) for row in house.rows("SELECT name, status FROM groups")}
    volumes = "SELECT id, name, status, group_id, size_bytes, host FROM volumes"
    for key, name, status, group_id, size, host in house.rows(volumes):
        seen.add(("volume", name, status, names.get(group_id), size, house.read(key, 16), host))
    for name, status, volume_id in house.rows("SELECT name, status, volume_id FROM snapshots"):
        seen.add(("snapshot", name, status, names[volume_id]))
    for name, status, group_id in house.rows("SELECT name, status, group_id FROM group_snapshots"):
        seen.add(("group snapshot", name, status, names[group_id]))
    for initiator, status, volume_id in house.rows("SELECT initiator, status, volume_id FROM attachments"):
        seen.add(("attachment", initiator, status, names[volume_id]))
    for path in house.root.glob("*/*.img"):
        seen.add(("foreign", path.parent.name, "-", path.name, path.read_bytes()[:16]))
    return seen


_ends: dict[str, tuple[Shape, Shape]] = {}


def ends(fresh: Callable[[], House], name: str) -> tuple[Shape, Shape]:
    """What is there before a change of the world, and after it; found out once."""
    if name not in _ends:
        _ends[name] = _find_ends(fresh(), name)
    return _ends[name]


def _find_ends(house: House, name: str) -> tuple[Shape, Shape]:
    words = world.ready(house, name)
    before = shape(house)
    house.ok(*words)
    assert disagreements(house) == []
    assert shape(house) != before
    return before, shape(house)
