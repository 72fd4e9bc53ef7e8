"""What check_for_setup_error tells about a pool, from the facts that its script prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivers import errors
from drivers.backends.directory_pool.listing import Listing
from drivers.backends.scripted.facts import fact, of_leftovers, of_owner
from drivers.contract import GIB, Finding

LEAST_FREE_PERCENT = 5


@dataclass(frozen=True)
class Room:
    """The pool's file system as statfs sees it."""

    total_bytes: int
    free_bytes: int

    @classmethod
    def parse(cls, text: str) -> Room:
        """From the line `room BLOCK_BYTES BLOCKS AVAILABLE`."""
        block, blocks, available = (int(word) for word in fact(text, "room").split())
        return cls(block * blocks, block * available)


def of_refusal(refusal: errors.ServerRefused) -> Finding:
    """The one finding of a pool that cannot be looked at."""
    check = "tools" if isinstance(refusal, errors.ToolMissing) else "pool"
    hints = {
        "tools": "install the package that has it",
        "pool": "create the directory, mount its file system, or correct `pool:` in the configuration",
    }
    return Finding(check, False, refusal.message, refusal.hint or hints[check])


def of_facts(text: str, owner: str, pool: str) -> Iterator[Finding]:
    """Every finding about a pool that could be looked at."""
    yield Finding("tools", True, "all programs are installed")
    yield Finding("pool", True, f"{pool} is on {fact(text, 'kind')}")
    yield _writable(text, pool)
    yield of_owner(fact(text, "owner"), owner, pool)
    yield _room(Room.parse(text), pool)
    yield of_leftovers(Listing.parse(text).objects())


def _writable(text: str, pool: str) -> Finding:
    if fact(text, "writable") == "yes":
        return Finding("writable", True, f"{pool} can be written")
    hint = "remount it read-write, or give the user of the backend the right to write (root: `sudo: true`)"
    return Finding("writable", False, f"{pool} cannot be written", hint)


def _room(room: Room, pool: str) -> Finding:
    percent = 100 * room.free_bytes // max(room.total_bytes, 1)
    detail = f"{room.free_bytes / GIB:.1f} of {room.total_bytes / GIB:.1f} GiB free ({percent} %)"
    if percent >= LEAST_FREE_PERCENT:
        return Finding("room", True, detail)
    return Finding("room", False, detail, f"make room in {pool}: delete snapshots, or grow the file system")
