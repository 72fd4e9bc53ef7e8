"""What check_for_setup_error tells about a thin pool, from the facts that its script prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drivers import errors
from drivers.backends.lvm.listing import Listing
from drivers.backends.lvm.scripts import boot_script_sum
from drivers.backends.scripted.facts import fact, of_leftovers, of_owner
from drivers.contract import GIB, Finding, ObjectKind

FULLEST_PERCENT = 90.0
FILTER_HINT = "put into the section devices of /etc/lvm/lvm.conf: global_filter = [ {} ]"
DISKS = "^/dev/(vd|sd|nvme|md|mapper/mpath)"
REPAIR = "cgctl backend-check --repair"
BLOCK_BYTES = "512"
"""All that was tried, and what every other export offers."""
LEAST_METADATA_AREA = 128 * 1024
GATE_PREFIXES = ("/dev/mapper/cgctl-", "/dev/dm-", "/dev/disk/", "/dev/block/")
MISSING = (
    "bring the missing disk back, see: pvs -o+pv_missing; then: vgextend --restoremissing {0} DISK "
    "(never vgreduce --removemissing: it removes what has a part on it)"
)
# Tried with LVM 2.03.16: `lvchange -an` of the pool alone leaves it active beside active LVs, and says nothing; what
# `lvconvert --repair` writes must still be checked, and thin_check takes that back only when it is told to.
BY_CHECK = (
    "end all exports, then on the server: umount /run/cgctl/volumes/*; "
    "dmsetup remove $(dmsetup info -c --noheadings -o name -S uuid=~^CGCTL-); "
    "lvchange -an $(lvs --noheadings -o lv_full_name -S pool_lv={1} {0}) {0}/{1}; "
    'lvchange -ay --config \'global/thin_check_options=["-q","--clear-needs-check-flag"]\' {0}/{1} '
    "(where that asks for a repair by hand: first lvconvert --repair {0}/{1}); "
    f"then: {REPAIR}"
)
REMOUNT = (
    "when the pool has room, on the server: systemctl stop nfs-server; umount /run/cgctl/nfs/*; "
    f"systemctl start nfs-server; then: {REPAIR}"
)
"""A file system is mounted anew when nothing holds it; the server for NFS does even when its clients are gone."""
MISPLACED = f"detach the volume, then: {REPAIR}; where another pool of the server has it too, delete one of both"
HEALTH = {
    "F": ("has failed", BY_CHECK),
    "D": ("is out of room", "lvextend -L+10G {0}/{1}"),
    "M": ("is out of room for its metadata", "lvextend --poolmetadatasize +256M {0}/{1}"),
}
"""By the ninth letter of lv_attr, with what mends it."""


@dataclass(frozen=True)
class Room:
    """The pool; used_percent is that of data, or of the metadata that LVM gives out, whichever is fuller.

    Where LVM knows nothing (`-`: the pool is not active) nothing can be made, so there is no room.
    """

    total_bytes: int
    data_percent: float
    metadata_percent: float
    metadata_limit_percent: float

    @classmethod
    def parse(cls, text: str) -> Room:
        """From the line `room` with what how_full of pool.sh prints."""
        total, *percents = fact(text, "room").split()
        return cls(int(total), *(100.0 if word == "-" else float(word) for word in percents))

    @property
    def used_percent(self) -> float:
        return min(100.0, max(self.data_percent, self._metadata_used_percent))

    @property
    def _metadata_used_percent(self) -> float:
        return self.metadata_percent / self.metadata_limit_percent * 100

    @property
    def is_short_of_metadata(self) -> bool:
        """Rather than of data."""
        return self._metadata_used_percent > self.data_percent

    @property
    def free_bytes(self) -> int:
        return int(self.total_bytes * (100 - self.used_percent) / 100)


def of_refusal(refusal: errors.ServerRefused) -> Finding:
    """The one finding of a pool that cannot be looked at."""
    if isinstance(refusal, errors.ToolMissing):
        return Finding("tools", False, refusal.message, "apt install lvm2 dmsetup thin-provisioning-tools xfsprogs")
    hint = "make the thin pool (lvcreate --type thin-pool), or correct `pool:` in the configuration: VG/THINPOOL"
    return Finding("pool", False, refusal.message, refusal.hint or hint)


def of_facts(text: str, owner: str, pool: str) -> Iterator[Finding]:
    """Every finding about a pool that could be looked at."""
    marked = bool(fact(text, "owner"))
    yield Finding("tools", True, "all programs are installed")
    yield _health(text, pool)
    yield _zero(text, pool)
    yield of_owner(fact(text, "owner"), owner, pool)
    yield _room(Room.parse(text), pool)
    yield _blocks(fact(text, "blocks"))
    yield _metadata_area(int(fact(text, "metadata_area")), pool)
    yield _autoextend(text, pool)
    yield _filter(text, pool)
    yield _rule(text, marked=marked)
    yield _boot(text, marked=marked)
    yield from _gates(text)
    yield from _file_systems(text)
    yield of_leftovers(Listing.parse(text).objects())


def _answer(text: str, word: str) -> str:
    """What LVM printed behind `word=`; empty where it printed none."""
    found = re.search(rf"(?:^|\s){word}=(.*?)(?=\s+LVM2_|$)", text, re.M)
    return found[1].strip() if found else ""


def _health(text: str, pool: str) -> Finding:
    attributes = fact(text, "attr")
    letter = attributes[8:9]
    if attributes[4:5] in {"c", "C"} or _answer(text, "LVM2_LV_CHECK_NEEDED"):
        return Finding(
            "pool", False, f"{pool} must be checked before it can be used", BY_CHECK.format(*pool.split("/"))
        )
    if letter in HEALTH:
        what, hint = HEALTH[letter]
        return Finding("pool", False, f"{pool} {what}", hint.format(*pool.split("/")))
    if _answer(text, "LVM2_VG_MISSING_PV_COUNT") not in {"", "0"}:
        vg = pool.partition("/")[0]
        return Finding("pool", False, f"{vg} lacks a disk: nothing can be made in it", MISSING.format(vg))
    if attributes[4:5] != "a":
        return Finding("pool", False, f"{pool} is not active", f"lvchange -ay {pool}")
    return Finding("pool", True, f"{pool} is a healthy thin pool")


def _metadata_area(free_bytes: int, pool: str) -> Finding:
    """LVM's text about the volume group, of which each LV takes half a KiB; not the thin pool's metadata."""
    detail = f"{free_bytes // 1024} KiB free in the metadata area of the volume group"
    if free_bytes >= LEAST_METADATA_AREA:
        return Finding("metadata area", True, detail)
    hint = f"delete snapshots: the size of the area is fixed (see: vgs -o+vg_mda_free {pool.partition('/')[0]})"
    return Finding("metadata area", False, detail, hint)


def _blocks(block_bytes: str) -> Finding:
    """Clients count in blocks: partitions and file systems that were made on 512 bytes are not found on 4096."""
    if block_bytes in {"", BLOCK_BYTES}:
        return Finding("blocks", True, "the disks of the pool take blocks of 512 bytes")
    detail = (
        f"the disks of the pool take blocks of {block_bytes} bytes: what comes from other pools cannot be read there"
    )
    hint = (
        "take disks of 512-byte blocks; one of 4096 can often be formatted so, and loses its data: nvme format --lbaf"
    )
    return Finding("blocks", False, detail, hint)


def _autoextend(text: str, pool: str) -> Finding:
    if _answer(text, "thin_pool_autoextend_threshold") == "100":
        return Finding("autoextend", True, "off: a pool that fills up is extended by hand")
    if _answer(text, "LVM2_SEG_MONITOR") == "monitored":
        return Finding("autoextend", True, "on, and dmeventd watches the pool")
    hint = f"lvchange --monitor y {pool} (with monitoring = 1 in /etc/lvm/lvm.conf)"
    return Finding("autoextend", False, "configured, but dmeventd does not watch the pool", hint)


def _zero(text: str, pool: str) -> Finding:
    if fact(text, "zero") == "zero":
        return Finding("zero", True, "new blocks are zeroed")
    return Finding("zero", False, f"{pool} gives out blocks with old data in them", f"lvchange --zero y {pool}")


def _room(room: Room, pool: str) -> Finding:
    total = f"{room.total_bytes / GIB:.1f} GiB"
    of_metadata = f"metadata {room.metadata_percent:.1f} % (LVM takes up to {room.metadata_limit_percent:.0f} %)"
    detail = f"data {room.data_percent:.1f} % of {total}, {of_metadata}"
    if room.used_percent < FULLEST_PERCENT:
        return Finding("room", True, detail)
    what = "--poolmetadatasize +256M" if room.is_short_of_metadata else "-L+10G"
    return Finding("room", False, detail, f"lvextend {what} {pool}, or delete snapshots")


def _filter(text: str, pool: str) -> Finding:
    if fact(text, "gates") == "hidden":
        return Finding("filter", True, "LVM does not see the gates")
    if _answer(text, "use_devicesfile") == "1":
        return _devices_file(fact(text, "devices_file"), pool)
    detail = "LVM sees the gates: it would hang during a hold, and activate what clients have made in their volumes"
    return Finding("filter", False, detail, FILTER_HINT.format(_accept_list(text)))


def _accept_list(text: str) -> str:
    """Without it LVM would not find the disk of another volume group, that of the server's own system perhaps."""
    found = re.findall(r"^\s*LVM2_PV_NAME=(/\S+)$", text, re.M)
    others = [one for one in found if not re.match(DISKS, one) and not one.startswith(GATE_PREFIXES)]
    words = [f"a!{DISKS}!", *(f"a!^{re.sub(r'[^0-9A-Za-z/_-]', '.', one)}$!" for one in sorted(others)), "r|.*|"]
    return ", ".join(f'"{one}"' for one in words)


def _devices_file(has: str, pool: str) -> Finding:
    """RHEL 9's default; tried with Debian 12's LVM 2.03.16, where it has to be switched on."""
    if has == "disks":
        return Finding("filter", True, "LVM does not see the gates: they are not in its devices file")
    if has == "gates":
        hint = "lvm lvmdevices, then for each line with cgctl-: lvm lvmdevices --deldev DEVICE"
        return Finding("filter", False, "LVM sees gates: they are in its devices file", hint)
    detail = "use_devicesfile = 1, but there is no devices file: LVM sees the gates"
    return Finding(
        "filter", False, detail, f"lvm vgimportdevices {pool.partition('/')[0]}, and each other VG of the server"
    )


def _rule(text: str, *, marked: bool) -> Finding:
    if fact(text, "udevd") == "no":
        return Finding("udev", True, "no udevd runs that could open a gate")
    if fact(text, "rule") == "yes":
        return Finding("udev", True, "udevd leaves the gates alone")
    if not marked:
        return Finding("udev", True, "the rule for gates comes with the first object")
    return Finding("udev", False, "udevd opens the gates: the rule for them is gone", REPAIR)


def _boot(text: str, *, marked: bool) -> Finding:
    if fact(text, "boot") == "none":
        return Finding("boot", True, "no systemd runs here: after a boot, backend-check --repair makes the gates")
    if fact(text, "boot") == "yes" and fact(text, "boot_script") != boot_script_sum():
        return Finding("boot", False, "what makes gates at a boot is of another version of cgctl", REPAIR)
    if fact(text, "boot") == "yes":
        return Finding("boot", True, "gates are made again at a boot")
    if not marked:
        return Finding("boot", True, "the unit that makes gates at a boot comes with the first object")
    return Finding("boot", False, "gates are not made at a boot: cgctl-lvm-gates.service is not enabled", REPAIR)


def _gates(text: str) -> Iterator[Finding]:
    lines = [line.split() for line in text.splitlines() if line.startswith("gate ")]
    volumes = {one.id for one in Listing.parse(text).objects() if one.kind is ObjectKind.VOLUME and one.complete}
    missing = sorted(volumes - {line[1] for line in lines})
    yield (
        Finding("gates", not missing, f"missing: {', '.join(missing)}", REPAIR)
        if missing
        else Finding("gates", True, "every volume has its gate")
    )
    misplaced = [line.split()[1:] for line in text.splitlines() if line.startswith("misplaced ")]
    if misplaced:
        what = ", ".join(f"that of {volume} on {' '.join(below) or 'nothing'}" for volume, *below in misplaced)
        yield Finding("gates", False, f"stand elsewhere than on their volumes: {what}", MISPLACED)
    suspended = [line[1] for line in lines if line[2] == "Suspended" and line[1] in volumes]
    if suspended:
        yield Finding("holds", False, f"held, unless a group snapshot runs now: {', '.join(suspended)}", REPAIR)
    holders = {name: line[1] for line in lines for name in line[3:] if line[1] in volumes}
    if holders:
        standing = ", ".join(f"{name} on {volume}" for name, volume in holders.items())
        hint = f"dmsetup remove {' '.join(holders)}"
        yield Finding("holders", False, f"what a client made in its volume is active on the server: {standing}", hint)


def _file_systems(text: str) -> Iterator[Finding]:
    """Of volumes offered over NFS. A volume keeps the form that it was made in."""
    tags = Listing.parse(text).volumes
    volumes = [one.id for one in Listing.parse(text).objects() if one.kind is ObjectKind.VOLUME and one.complete]
    forms = {one: tags[f"cgctl-{one}"].get("fs") for one in volumes}
    formatted = {one for one, form in forms.items() if form == "xfs"}
    disks = {one for one, form in forms.items() if form is None}  # the rest are images, which nobody is offered
    expected = "form xfs" in text.splitlines()
    strange = sorted(disks if expected else formatted)
    if strange:
        what = "are disks, and NFS offers file systems" if expected else "are file systems, and iSCSI offers disks"
        hint = "offer them as they were made: `protocol:` below `export:` in the configuration"
        yield Finding("file systems", False, f"{', '.join(strange)} {what}", hint)
    stopped = sorted(line.split()[1] for line in text.splitlines() if line.startswith("stopped "))
    if stopped:
        yield Finding("file systems", False, f"stopped, for they could not be written: {', '.join(stopped)}", REMOUNT)
    excused = {line.split()[1] for line in text.splitlines() if line.startswith(("mounted ", "fenced "))}
    missing = sorted(formatted - excused)
    if missing:
        yield Finding("mounts", False, f"not mounted: {', '.join(missing)}", REPAIR)
    elif formatted:
        yield Finding("mounts", True, "every file system is mounted")
