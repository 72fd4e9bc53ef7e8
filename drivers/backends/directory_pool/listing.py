"""What stands in a pool, from the lines that `list_files` of pool.sh prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drivers.contract import Manageable, ObjectKind, ServerObject

_FILE = re.compile(r"file (?P<type>.) (?P<bytes>\d+) (?P<path>.+)")
_NOTE = re.compile(r"(?P<word>mark|snapshot) (?P<id>[0-9a-f-]{36}) (?P<parent>[0-9a-f-]{36})")
_NAME = re.compile(r"cgctl-(?P<id>[0-9a-f-]{36})")
_FOREIGN = re.compile(r"foreign (?P<bytes>\d+)\|(?P<reason>[^|]*)\|(?P<path>.+)", re.S)
_STAGING = re.compile(r"\.staging-(?P<kind>[a-z_]+)-(?P<id>[0-9a-f-]{36})")


@dataclass(frozen=True)
class Listing:
    """disks: path to size in bytes; directories: paths; parents: (`mark` or `snapshot`, id) to the parent's id."""

    disks: dict[str, int] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    parents: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Listing:
        """Lines of other words are none of ours."""
        listing = cls()
        for line in text.splitlines():
            if found := _NOTE.fullmatch(line):
                listing.parents[found["word"], found["id"]] = found["parent"]
            elif found := _FILE.fullmatch(line):
                listing._take_file(found["type"], int(found["bytes"]), found["path"])
        return listing

    def _take_file(self, kind: str, size_bytes: int, path: str) -> None:
        if kind == "d":
            self.directories.add(path)
        elif kind == "f" and path.endswith("/disk"):
            self.disks[path] = size_bytes

    def objects(self) -> list[ServerObject]:
        """Everything of cgctl, complete or not, each once."""
        found = (item for path in sorted(self.directories) for item in self._object(path.split("/")))
        marks_alone = (
            ServerObject(ObjectKind.GROUP_SNAPSHOT, key, parent, complete=False)
            for (word, key), parent in sorted(self.parents.items())
            if word == "mark" and f"groupsnap/cgctl-{key}" not in self.directories
        )
        return list(dict.fromkeys([*found, *marks_alone]))

    def _object(self, parts: list[str]) -> Iterator[ServerObject]:
        staging = _STAGING.fullmatch(parts[-1])
        inside = [_NAME.fullmatch(part) for part in parts[1:]]
        if staging and (parts[0] != "groupsnap" or len(parts) == 2):
            yield from _half_made(staging["kind"], staging["id"], inside[0] if len(parts) == 3 else None)
        elif all(inside) and len(parts) in (2, 3):
            ids = [name["id"] for name in inside if name]
            yield from self._settled("/".join(parts), parts[0], ids)

    def _settled(self, path: str, folder: str, ids: list[str]) -> Iterator[ServerObject]:
        disk = self.disks.get(f"{path}/disk")
        match folder, ids:
            case "live", [one] if f"live/cgctl-{one}/cgctl-{one}" not in self.directories:
                yield ServerObject(ObjectKind.GROUP, one)
            case "live", [holder, one]:
                parent = None if holder == one else holder
                yield ServerObject(ObjectKind.VOLUME, one, parent, disk, disk is not None)
            case "groupsnap", [one]:
                parent = self.parents.get(("mark", one))
                yield ServerObject(ObjectKind.GROUP_SNAPSHOT, one, parent, complete=parent is not None)
            case "groupsnap", [one, member]:
                whole = ("mark", one) in self.parents and disk is not None
                yield ServerObject(ObjectKind.SNAPSHOT, member, one, disk, whole)
            case "snap", [one]:
                parent = self.parents.get(("snapshot", one))
                yield ServerObject(ObjectKind.SNAPSHOT, one, parent, disk, disk is not None and parent is not None)


def _half_made(kind: str, key: str, holder: re.Match[str] | None) -> Iterator[ServerObject]:
    if kind in ObjectKind.__members__.values():
        yield ServerObject(ObjectKind(kind), key, holder["id"] if holder else None, complete=False)


def manageable(text: str, kind: ObjectKind) -> list[Manageable]:
    """Files that could become objects of this kind, and those of this kind that are cgctl's, by reference."""
    found = [match for line in text.split("\n") if (match := _FOREIGN.fullmatch(line))]
    foreign = [Manageable(one["path"], int(one["bytes"]), _reason(one)) for one in found]
    groups = {one.id for one in Listing.parse(text).objects() if one.kind is ObjectKind.GROUP_SNAPSHOT}
    own = [
        Manageable(f"cgctl-{one.id}", one.size_bytes or 0, "it is managed already", one.id, _source(one))
        for one in Listing.parse(text).objects()
        if one.kind is kind and one.complete and one.parent_id not in groups
    ]
    return sorted([*foreign, *own], key=lambda one: one.reference)


def _reason(found: re.Match[str]) -> str | None:
    """A character that is not UTF-8 came as the replacement character: such a name cannot be sent back."""
    return found["reason"] or ("its name is not UTF-8" if "\ufffd" in found["path"] else None)


def _source(one: ServerObject) -> str | None:
    return f"cgctl-{one.parent_id}" if one.kind is ObjectKind.SNAPSHOT and one.parent_id else None
