"""What two sides hold of a recovery point, compared by the checksums of its blocks. All of it is pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cgctl.manager.views import View
from drivers.replication import MemberSums

MEBIBYTE = 2**20
MOST_CHUNKS = 4096
"""Of one member: what a server prints stays below 300 kB for each."""

Sums = Mapping[str, MemberSums]


def compared(ours: Sums, theirs: Sums, names: Mapping[str, str], chunk_bytes: int) -> Iterator[View]:
    """One for each member, by name."""
    for key in sorted({*ours, *theirs}, key=lambda key: names.get(key, key)):
        mine, its = ours.get(key), theirs.get(key)
        yield {
            "name": names.get(key, key),
            "volume_id": key,
            "size": (mine or its or MemberSums(0, ())).size_bytes,
            "chunk_bytes": chunk_bytes,
            "result": difference(mine, its, chunk_bytes),
            "ranges": ranges(mine, its, chunk_bytes) if mine and its else [],
        }


def chunk_for(size_bytes: int) -> int:
    """A power of two from 1 MiB on that makes no more than MOST_CHUNKS. Pure."""
    chunk = MEBIBYTE
    while size_bytes > chunk * MOST_CHUNKS:
        chunk *= 2
    return chunk


def difference(mine: MemberSums | None, its: MemberSums | None, chunk_bytes: int) -> str:
    """`same`, or how it differs. Pure."""
    if mine is None or its is None:
        return "is not in the replica" if its is None else "is only in the replica"
    if mine.size_bytes != its.size_bytes:
        return f"has {its.size_bytes} bytes, not {mine.size_bytes}"
    found = ", ".join(f"{begin}-{end}" for begin, end in ranges(mine, its, chunk_bytes))
    return f"differs in bytes {found}" if found else "same"


def ranges(mine: MemberSums, its: MemberSums, chunk_bytes: int) -> list[tuple[int, int]]:
    """The byte ranges that differ, first and last byte, neighbours joined. Pure."""
    found: list[tuple[int, int]] = []
    size = max(mine.size_bytes, its.size_bytes)
    for number in range(max(len(mine.chunks), len(its.chunks))):
        if mine.chunks[number : number + 1] == its.chunks[number : number + 1]:
            continue
        begin, end = number * chunk_bytes, min((number + 1) * chunk_bytes, size) - 1
        if found and found[-1][1] + 1 == begin:
            begin = found.pop()[0]
        found.append((begin, end))
    return found
