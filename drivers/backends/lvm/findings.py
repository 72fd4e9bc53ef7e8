"""What check_for_setup_error tells about a thin pool, from the facts that its script prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drivers import errors
from drivers.backends.lvm.listing import Listing
from drivers.backends.scripted.facts import fact, of_leftovers, of_owner
from drivers.contract import GIB, Finding, ObjectKind

FULLEST_PERCENT = 90.0
FILTER_HINT = (
    "put into the section devices of /etc/lvm/lvm.conf: "
    'global_filter = [ "a!^/dev/(vd|sd|nvme|md|mapper/mpath)!", "r|.*|" ]'
)
RULE = (
    'SUBSYSTEM=="block", ATTR{dm/uuid}=="CGCTL-*", ENV{DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG}="1", '
    'ENV{DM_UDEV_DISABLE_DISK_RULES_FLAG}="1", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}="1", OPTIONS:="nowatch"'
)
# The names by which LVM can meet a gate.
GATE_NAMES = ("/dev/mapper/cgctl-1", "/dev/dm-1", "/dev/disk/by-id/dm-name-cgctl-1", "/dev/disk/by-id/dm-uuid-CGCTL-1",
              "/dev/block/253:1")  # fmt: skip
HEALTH = {"F": "has failed", "D": "is out of room", "M": "has read-only metadata"}


@dataclass(frozen=True)
class Room:
    """The pool; used_percent is that of data or of metadata, whichever is fuller."""

    total_bytes: int
    data_percent: float
    metadata_percent: float

    @classmethod
    def parse(cls, text: str) -> Room:
        """From the line `room TOTAL_BYTES DATA_PERCENT METADATA_PERCENT`."""
        total, data, metadata = fact(text, "room").split()
        return cls(int(total), float(data), float(metadata))

    @property
    def used_percent(self) -> float:
        return max(self.data_percent, self.metadata_percent)

    @property
    def free_bytes(self) -> int:
        return int(self.total_bytes * (100 - self.used_percent) / 100)


def of_refusal(refusal: errors.ServerRefused) -> Finding:
    """The one finding of a pool that cannot be looked at."""
    if isinstance(refusal, errors.ToolMissing):
        return Finding("tools", False, refusal.message, "apt install lvm2 dmsetup thin-provisioning-tools")
    hint = "make the thin pool (lvcreate --type thin-pool), or correct `pool:` in the configuration: VG/THINPOOL"
    return Finding("pool", False, refusal.message, refusal.hint or hint)


def of_facts(text: str, owner: str, pool: str) -> Iterator[Finding]:
    """Every finding about a pool that could be looked at."""
    yield Finding("tools", True, "all programs are installed")
    yield _health(text, pool)
    yield _zero(text, pool)
    yield of_owner(fact(text, "owner"), owner, pool)
    yield _room(Room.parse(text), pool)
    yield _filter(fact(text, "filter"))
    yield _rule(text)
    yield from _gates(text)
    yield of_leftovers(Listing.parse(text).objects())


def _health(text: str, pool: str) -> Finding:
    letter = fact(text, "attr")[8:9]
    if letter in HEALTH:
        return Finding("pool", False, f"{pool} {HEALTH[letter]}", f"lvs -a {pool}; lvconvert --repair {pool}")
    return Finding("pool", True, f"{pool} is a healthy thin pool")


def _zero(text: str, pool: str) -> Finding:
    if fact(text, "zero") == "zero":
        return Finding("zero", True, "new blocks are zeroed")
    return Finding("zero", False, f"{pool} gives out blocks with old data in them", f"lvchange --zero y {pool}")


def _room(room: Room, pool: str) -> Finding:
    total = f"{room.total_bytes / GIB:.1f} GiB"
    detail = f"data {room.data_percent:.1f} % of {total}, metadata {room.metadata_percent:.1f} %"
    if room.used_percent < FULLEST_PERCENT:
        return Finding("room", True, detail)
    what = "-L+10G" if room.data_percent >= room.metadata_percent else "--poolmetadatasize +256M"
    return Finding("room", False, detail, f"lvextend {what} {pool}, or delete snapshots")


def hides_gates(filter_text: str) -> bool:
    """Whether this global_filter (as lvmconfig prints it) shows LVM none of a gate's names."""
    patterns = [re.fullmatch(r"([ar])(.)(.*)\2", word) for word in re.findall(r'"([^"]*)"', filter_text)]
    return bool(patterns) and not any(_shows(name, patterns) for name in GATE_NAMES)


def _shows(name: str, patterns: list[re.Match[str] | None]) -> bool:
    """The first pattern that matches decides; what none matches is shown."""
    for pattern in patterns:
        if pattern and re.search(pattern[3], name):
            return pattern[1] == "a"
    return True


def _filter(text: str) -> Finding:
    if hides_gates(text):
        return Finding("filter", True, "LVM does not see the gates")
    return Finding("filter", False, "LVM sees the gates: during a hold it would hang", FILTER_HINT)


def _rule(text: str) -> Finding:
    if fact(text, "udevd") == "no":
        return Finding("udev", True, "no udevd runs that could open a gate")
    if fact(text, "rule") == "yes":
        return Finding("udev", True, "udevd leaves the gates alone")
    return Finding("udev", False, "udevd opens the gates", f"put into /etc/udev/rules.d/12-cgctl.rules: {RULE}")


def _gates(text: str) -> Iterator[Finding]:
    lines = [line.split() for line in text.splitlines() if line.startswith("gate ")]
    volumes = {one.id for one in Listing.parse(text).objects() if one.kind is ObjectKind.VOLUME and one.complete}
    missing = sorted(volumes - {line[1] for line in lines})
    hint = "create the volume again, or take a snapshot of its group: either makes its gate"
    yield (
        Finding("gates", not missing, f"missing: {', '.join(missing)}", hint)
        if missing
        else Finding("gates", True, "every volume has its gate")
    )
    suspended = [line[1] for line in lines if line[2] == "Suspended" and line[1] in volumes]
    if suspended:
        hint = "dmsetup resume " + " ".join(f"cgctl-{key}" for key in suspended)
        yield Finding("holds", False, f"held, unless a group snapshot runs now: {', '.join(suspended)}", hint)
    held = [f"{line[1]} ({' '.join(line[3:])})" for line in lines if len(line) > 3 and line[1] in volumes]
    if held:
        hint = "a client's volume group is active on this server: vgchange -an VG"
        yield Finding("holders", False, f"other devices stand on gates: {', '.join(held)}", hint)
