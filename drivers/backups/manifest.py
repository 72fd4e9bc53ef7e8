"""What a repository says of a backup."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

FORMAT = "cgctl-backup 1"


@dataclass(frozen=True)
class Image:
    """One image of a backup: a volume's id, and its size."""

    member_id: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """A backup that is there whole. about: what its maker said of it (JSON). is_sound: nothing has changed it since.

    chunk_count, stored_bytes: of all chunks that it needs; new_bytes: of those that came with it. damage_count: what
    its last verification has found.
    """

    id: str
    images: tuple[Image, ...]
    about: Mapping[str, object] = field(default_factory=dict)
    chunk_count: int = 0
    stored_bytes: int = 0
    new_chunk_count: int = 0
    new_bytes: int = 0
    damage_count: int = 0
    is_sound: bool = True

    @property
    def size_bytes(self) -> int:
        return sum(image.size_bytes for image in self.images)


def head(about: Mapping[str, object]) -> str:
    """The lines that stand in front of what the repository itself knows."""
    return f"format {FORMAT}\nabout {json.dumps(about)}\n"


def parse(text: str) -> Iterator[Manifest]:
    """From the lines of show.sh."""
    backups: dict[str, list[list[str]]] = defaultdict(list)
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        backups[key].append(rest.split(" ", 1))
    for key, lines in backups.items():
        if ["unfinished"] not in lines:
            yield _manifest(key, lines)


def unfinished(text: str) -> list[str]:
    """The ids of what is being made or removed, or was."""
    return [line.split(" ")[0] for line in text.splitlines() if line.endswith(" unfinished")]


def _manifest(key: str, lines: list[list[str]]) -> Manifest:
    damaged = Manifest(key, (), is_sound=False)
    try:
        return damaged if ["damaged"] in lines else _sound(key, lines)
    except (IndexError, ValueError):
        return damaged


def _sound(key: str, lines: list[list[str]]) -> Manifest:
    words = {line[0]: line[1].split(" ") for line in lines if len(line) == 2}
    images = [line[1].split(" ") for line in lines if line[0] == "image"]
    chunks, new = words.get("chunks", ["0", "0"]), words.get("new", ["0", "0"])
    return Manifest(
        id=key,
        images=tuple(Image(image[0], int(image[1])) for image in images),
        about=_about(" ".join(words.get("about", []))),
        chunk_count=int(chunks[0]),
        stored_bytes=int(chunks[1]),
        new_chunk_count=int(new[0]),
        new_bytes=int(new[1]),
        damage_count=int(words.get("found", ["0"])[0]),
    )


def _about(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
