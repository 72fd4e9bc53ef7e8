"""A thin pool that runs out of room for its metadata, and one that must be checked, on the virtual machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drivers import errors
from drivers.backends.lvm.driver import LvmDriver
from drivers.contract import Finding, Group, Volume
from tests.contract.test_groups import contents, make_group, take
from tests.contract.thin_pool import MachineBench, on_machine
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

POOL = "cgvg/tiny"
MAKE = """
lvcreate -q --type thin-pool -L 400M --poolmetadatasize 2M -Zy -c 64k -n tiny cgvg
lvcreate -q -V 16G -T cgvg/tiny -n filler
python3 -c "$1" /dev/cgvg/filler 64
for number in $(seq 32); do echo "lvcreate -q -s -kn -ay -n filler$number cgvg/filler"; done | lvm
"""
REMOVE = """
gates=$(dmsetup info -c --noheadings -o name -S uuid=~^CGCTL-)
[ -z "$gates" ] || dmsetup remove $gates
lvremove -fy -q cgvg/tiny $(lvs --noheadings -o lv_full_name -S lv_name=~^tiny_meta cgvg)
"""
# Writes a chunk here and there, so that much metadata is copied for few data.
SPREAD = """
import mmap, os, sys
chunk = 65536
file, block = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT), mmap.mmap(-1, chunk)
try:
    for number in range(0, os.lseek(file, 0, os.SEEK_END) // chunk, int(sys.argv[2])):
        os.pwrite(file, block, number * chunk)
except OSError:
    pass
"""
FILL = """
program=$1 percent=$2
for number in $(seq 32); do
    set -- $(dmsetup status cgvg-tiny-tpool)
    [ "$8" = rw ] && [ "$((${5%/*} * 100 / ${5#*/}))" -lt "$percent" ] || exit 0
    python3 -c "$program" "/dev/cgvg/filler$number" 7680
done
exit 1
"""
# The superblock can be written, so that the kernel notes what happened; nothing else of the metadata can.
BREAK = """
modprobe dm-flakey
table=$(dmsetup table cgvg-tiny_tmeta)
reload() {
    dmsetup load cgvg-tiny_tmeta
    dmsetup suspend --noflush cgvg-tiny_tmeta
    dmsetup resume cgvg-tiny_tmeta
}
set -- $table
reload <<END
0 8 linear $4 $5
8 $(($2 - 8)) flakey $4 $(($5 + 8)) 0 600 1 error_writes
$(printf '%s' "$table" | tail -n +2)
END
dd if=/dev/zero of=/dev/cgvg/filler bs=64k count=1 seek=9 oflag=direct status=none || :
dmsetup status cgvg-tiny-tpool | grep -q needs_check
printf '%s\\n' "$table" | reload
"""


@pytest.fixture
def tiny(vm1: Machine) -> Iterator[MachineBench]:
    """A pool of its own with the smallest metadata that LVM makes."""
    for bench in on_machine(vm1):
        bench.script(MAKE, SPREAD)
        try:
            yield replace(bench, driver=LvmDriver("vm1", POOL, bench.runner))
        finally:
            bench.script(REMOVE)


def failing(bench: MachineBench) -> list[Finding]:
    return [one for one in bench.driver.check_for_setup_error(bench.context) if not one.ok]


def assert_refused(bench: MachineBench, group: Group, volumes: list[Volume], words: str) -> None:
    """Nothing can be made, nothing is left of the try, and what is there can be read."""
    before = bench.objects()
    for call in (lambda: take(bench, group, volumes), bench.volume):
        with pytest.raises(errors.ServerRefused, match=words):
            call()
    assert bench.objects() == before
    assert contents(bench, volumes) == [b"member 0", b"member 1"]


def test_a_pool_without_room_for_metadata_is_refused_and_mended_as_the_check_tells(tiny: MachineBench) -> None:
    """LVM makes nothing from 75 % of a small metadata device on; the kernel writes no new block at 100 %."""
    group, volumes = make_group(tiny)
    tiny.script(FILL, SPREAD, "75")
    assert_refused(tiny, group, volumes, "poolmetadatasize")
    assert [one.check for one in failing(tiny)] == ["room"]
    tiny.script(FILL, SPREAD, "101")
    assert_refused(tiny, group, volumes, "poolmetadatasize")
    pool, room = failing(tiny)
    assert (pool.check, room.check) == ("pool", "room")
    assert pool.hint
    tiny.script(pool.hint)
    assert failing(tiny) == []
    take(tiny, group, volumes)
    tiny.write(volumes[0], b"goes on ")


def test_a_pool_that_must_be_checked_is_refused_and_mended_as_the_check_tells(tiny: MachineBench) -> None:
    group, volumes = make_group(tiny)
    taken, _ = take(tiny, group, volumes)
    tiny.script(BREAK)
    assert_refused(tiny, group, volumes, "must be checked")
    (finding,) = failing(tiny)
    assert finding.hint
    on_server = finding.hint.partition("on the server: ")[2].partition(" (where")[0]
    tiny.script(f"set +e; {on_server}")
    tiny.driver.repair(tiny.context)
    assert failing(tiny) == []
    assert contents(tiny, volumes) == [b"member 0", b"member 1"]
    assert taken.id in {one.id for one in tiny.objects() if one.complete}
    take(tiny, group, volumes)
