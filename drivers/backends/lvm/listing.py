"""What stands in a thin pool, from the lines of `lvs` that the scripts print."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from drivers.contract import Manageable, ObjectKind, ServerObject

FIELDS = 11


@dataclass(frozen=True)
class Listing:
    """groups: ids. marks: group snapshot to (group, number of members). volumes: the tags of each LV of ours."""

    groups: tuple[str, ...] = ()
    marks: dict[str, tuple[str, int]] = field(default_factory=dict)
    volumes: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Listing:
        """Lines that are not of `lvs` are none of ours."""
        rows = [line.strip().split("|") for line in text.splitlines()]
        tagged = {row[0]: row[-1].split(",") for row in rows if len(row) == FIELDS and "cgctl." in row[-1]}
        pools = {row[0] for row in rows if len(row) == FIELDS and row[3].startswith("t")}
        of_pool = [pair for name, tags in tagged.items() if name in pools for pair in _pairs(tags)]
        marks = (value.split("/") for key, value in of_pool if key == "mark")
        return cls(
            tuple(value for key, value in of_pool if key == "group"),
            {mark[0]: (mark[1], int(mark[3])) for mark in marks},
            {name.removesuffix("_old"): dict(_pairs(tags)) for name, tags in tagged.items() if _counts(name, tagged)},
        )

    def objects(self) -> list[ServerObject]:
        """Everything of cgctl, complete or not, each once."""
        single = [self._single(name, tags) for name, tags in self.volumes.items()]
        return [
            *(ServerObject(ObjectKind.GROUP, one) for one in self.groups),
            *self._half_groups(),
            *single,
            *self._sets(),
        ]

    def _half_groups(self) -> Iterator[ServerObject]:
        """Groups whose volumes were made, and whose tag was not."""
        named = {tags["group"] for tags in self.volumes.values() if "group" in tags}
        yield from (ServerObject(ObjectKind.GROUP, one, complete=False) for one in sorted(named - set(self.groups)))

    def _single(self, name: str, tags: dict[str, str]) -> ServerObject:
        key, size = name.removeprefix("cgctl-"), int(tags.get("bytes", 0))
        if tags.get("kind") == "member":
            whole = self._is_whole(tags["set"])
            return ServerObject(ObjectKind.SNAPSHOT, tags["volume"], tags["set"], size, whole)
        if tags.get("kind") == "snapshot":
            return ServerObject(ObjectKind.SNAPSHOT, key, tags["volume"], size)
        group = tags.get("group")
        whole = "making" not in tags and (group is None or group in self.groups)
        return ServerObject(ObjectKind.VOLUME, key, group, size, whole)

    def _sets(self) -> Iterator[ServerObject]:
        for key in dict.fromkeys([*self.marks, *self._members()]):
            parent = self.marks[key][0] if key in self.marks else None
            yield ServerObject(ObjectKind.GROUP_SNAPSHOT, key, parent, complete=self._is_whole(key))

    def _members(self) -> list[str]:
        """The set of each member snapshot."""
        return [tags["set"] for tags in self.volumes.values() if "set" in tags]

    def _is_whole(self, key: str) -> bool:
        return key in self.marks and self.marks[key][1] == self._members().count(key)


def _counts(name: str, names: Collection[str]) -> bool:
    """Of a revert that was cut, what it was about to make is nothing yet, and what it put aside is the volume."""
    settled = name.removesuffix("_old")
    return (
        name.startswith("cgctl-") and not name.endswith(("_new", "_was")) and (settled == name or settled not in names)
    )


def _pairs(tags: list[str]) -> list[tuple[str, str]]:
    """Of tags of ours: `cgctl.KEY=VALUE`."""
    found = (tag.removeprefix("cgctl.").split("=", 1) for tag in tags if tag.startswith("cgctl.") and "=" in tag)
    return [(key, value) for key, value in found]


def manageable(text: str, kind: ObjectKind) -> list[Manageable]:
    """Thin LVs that could become objects of this kind, and those of this kind that are cgctl's, by reference."""
    rows = [line.strip().split("|") for line in text.splitlines()]
    foreign = [
        Manageable(row[0], int(row[2]), _reason(row[3]), source_reference=row[7] or None)
        for row in rows
        if len(row) == FIELDS and row[3].startswith("V") and not row[0].startswith("cgctl-")
    ]
    groups = {one.id for one in Listing.parse(text).objects() if one.kind is ObjectKind.GROUP_SNAPSHOT}
    own = [
        Manageable(f"cgctl-{one.id}", one.size_bytes or 0, "it is managed already", one.id, _source(one))
        for one in Listing.parse(text).objects()
        if one.kind is kind and one.complete and one.parent_id not in groups
    ]
    return sorted([*foreign, *own], key=lambda one: one.reference)


def _reason(attributes: str) -> str | None:
    """From lvs' lv_attr."""
    if attributes[5] == "o":
        return "it is in use on the server"
    return "it is read-only (lvchange -prw)" if attributes[1] == "r" else None


def _source(one: ServerObject) -> str | None:
    return f"cgctl-{one.parent_id}" if one.kind is ObjectKind.SNAPSHOT and one.parent_id else None
