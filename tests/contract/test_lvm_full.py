"""A thin pool whose data room runs out in the middle, on the virtual machine.

The kernel lets writes wait for room, a minute by default; here until the operator has done as the check tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import pytest

from drivers import errors
from drivers.backends.lvm.driver import LvmDriver
from drivers.contract import Driver, Finding, Group, GroupSnapshot, Volume
from tests.contract.bench import MIB, new_id
from tests.contract.file_systems import ScaledDriver, on_machine_for_nfs
from tests.contract.test_groups import contents, members_of, take
from tests.contract.thin_pool import MachineBench, on_machine
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

POOL = "cgvg/small"
MEGABYTES = {"disk": 128, "file system": 336}
MEMBERS = 3
MAKE = """
lvcreate -q --type thin-pool -L "$1M" --poolmetadatasize 4M -Zy -c 64k -n small cgvg
echo 0 >/sys/module/dm_thin_pool/parameters/no_space_timeout
"""
REMOVE = """
rm -f /usr/local/sbin/dmsetup
echo 60 >/sys/module/dm_thin_pool/parameters/no_space_timeout
lvextend -q -L +64M cgvg/small
flock -w 300 /run/lock/cgctl-lvm-cgvg true
findmnt -rno TARGET | grep ^/run/cgctl/volumes/ | while read -r place; do umount "$place" && rmdir "$place"; done
gates=$(dmsetup info -c --noheadings -o name -S uuid=~^CGCTL-)
[ -z "$gates" ] || dmsetup remove $gates
lvremove -fy -q cgvg/small
"""
# Up to a share at which cgctl still takes group snapshots.
FILL = """
lvcreate -q -V 1G -T cgvg/small -n filler
number=0
while set -- $(dmsetup status cgvg-small-tpool) && [ "$((${6%/*} * 100 / ${6#*/}))" -lt 92 ]; do
    dd if=/dev/zero of=/dev/cgvg/filler bs=1M count=1 seek="$number" oflag=direct status=none
    number=$((number + 1))
done
"""
# A client that writes more than there is room for.
WRITE = """
if [ -b "$1" ]; then
    dd if=/dev/zero of="$1" bs=1M seek=1 count=40 oflag=direct status=none
else
    dd if=/dev/zero of="$1/more" bs=1M count=40 conv=fsync status=none
fi
"""
UNTIL_FULL = "until dmsetup status cgvg-small-tpool | grep -q out_of_data_space; do sleep 0.1; done"
IS_FULL = "dmsetup status cgvg-small-tpool | grep -q out_of_data_space"
# It comes when the first gate is about to be suspended, behind all checks.
IN_THE_HOLD = f"""#!/bin/sh
if [ "$1" = suspend ] && mkdir /run/filled 2>/dev/null; then
    setsid sh -c 'sh -c "$1" write "$2"; echo "$?" >/run/filled/status' write "$(cat /run/filler-writes)" \\
        "$(cat /run/filler-where)" </dev/null >/dev/null 2>&1 8>&- 9>&- &
    {UNTIL_FULL}
fi
exec /usr/sbin/dmsetup "$@"
"""


@dataclass(frozen=True)
class Full:
    """A group in a pool that its second member's client fills in the hold."""

    bench: MachineBench
    group: Group
    volumes: list[Volume]

    def source(self, number: int) -> str:
        return self.bench.driver.volume_source(self.volumes[number])

    def failing(self) -> list[Finding]:
        return [one for one in self.bench.driver.check_for_setup_error(self.bench.context) if not one.ok]

    def take(self) -> None:
        """With a bound that is over soon."""
        cgsnapshot = GroupSnapshot(new_id(), self.group.id)
        context = self.bench.bounded(20)
        self.bench.driver.create_cgsnapshot(context, cgsnapshot, members_of(cgsnapshot, self.volumes))

    @contextmanager
    def filled_in_the_hold(self) -> Iterator[Future[None]]:
        """The group snapshot in whose hold it happens."""
        self.bench.script('rm -rf /run/filled; printf %s "$1" >/run/filler-writes', WRITE)
        self.bench.script('printf %s "$1" >/run/filler-where', self.source(1))
        self.bench.script('printf %s "$1" >/usr/local/sbin/dmsetup; chmod 755 /usr/local/sbin/dmsetup', IN_THE_HOLD)
        with ThreadPoolExecutor() as pool:
            taken = pool.submit(self.take)
            try:
                self.bench.script(f"until [ -e /run/filled ]; do sleep 0.1; done; {UNTIL_FULL}")
                yield taken
            finally:
                self.bench.script("lvextend -q -L +64M cgvg/small")

    def give_room(self) -> None:
        """As the check tells."""
        pool, room = self.failing()
        assert (pool.check, room.check) == ("pool", "room")
        assert pool.hint == "lvextend -L+10G cgvg/small"
        self.bench.script("lvextend -q -L+64M cgvg/small")

    def assert_goes_on(self) -> None:
        """The write that waited has ended well, nothing of the set is there, and the next is whole."""
        self.bench.script("until [ -s /run/filled/status ]; do sleep 0.1; done; [ $(cat /run/filled/status) = 0 ]")
        self.bench.script('flock -w 100 "$1" true', "/run/lock/cgctl-lvm-cgvg")
        assert self.failing() == []
        assert contents(self.bench, self.volumes) == [b"goes on ", b"member 1", b"member 2"]
        cgsnapshot, _ = take(self.bench, self.group, self.volumes)
        sets = [one.id for one in self.bench.objects() if one.complete and one.parent_id == self.group.id]
        assert cgsnapshot.id in sets


@pytest.fixture
def full(vm1: Machine, request: pytest.FixtureRequest) -> Iterator[Full]:
    for bench in (on_machine if request.param == "disk" else on_machine_for_nfs)(vm1):
        bench.script(MAKE, str(MEGABYTES[request.param]))
        driver: Driver = LvmDriver("vm1", POOL, bench.runner)
        if request.param == "file system":
            driver = cast(Driver, ScaledDriver(LvmDriver("vm1", POOL, bench.runner, "nfs")))
        small, group = replace(bench, driver=driver), Group(new_id())
        try:
            driver.create_consistencygroup(small.context, group)
            volumes = [small.volume(group.id, 48 * MIB, b"member %d" % number) for number in range(MEMBERS)]
            bench.script(FILL)
            yield Full(small, group, volumes)
        finally:
            bench.script(REMOVE)


@pytest.mark.parametrize("full", ["disk"], indirect=True)
def test_a_hold_that_meets_a_full_pool_ends_at_its_bound(full: Full) -> None:
    """While the write that waits for room waits on."""
    with full.filled_in_the_hold() as taken:
        with pytest.raises(errors.HoldBroken):
            taken.result(timeout=300)
        full.bench.write(full.volumes[0], b"goes on ")
        full.bench.script(IS_FULL)
        full.give_room()
    full.assert_goes_on()


@pytest.mark.parametrize("full", ["file system"], indirect=True)
def test_no_file_system_stays_frozen_whose_freeze_waits_for_room_when_the_bound_is_over(full: Full) -> None:
    """It cannot be interrupted; the script that asked for it was killed meanwhile."""
    with full.filled_in_the_hold() as taken:
        full.bench.script("until pgrep -x -r D dmsetup; do sleep 0.1; done")
        full.bench.script('kill -KILL "-$(cat /run/contract.pid)"')
        full.bench.write(full.volumes[0], b"goes on ")
        full.bench.script(IS_FULL)
        full.give_room()
        with pytest.raises(errors.DriverError):
            taken.result()
    full.assert_goes_on()


@pytest.mark.parametrize("full", ["disk"], indirect=True)
def test_a_copy_that_there_is_no_room_for_is_gone_before_the_pool_is_full(full: Full) -> None:
    """Nobody else's writes wait for the room that it would have taken."""
    bench, before = full.bench, full.bench.objects()
    bench.script("dmesg --clear; head -c 40M /dev/urandom >/run/image")
    try:
        with pytest.raises(errors.PoolFull, match="no room for this copy"):
            bench.driver.copy_volume(bench.context, Volume(new_id(), 48 * MIB), "/run/image")
    finally:
        bench.script("rm /run/image")
    bench.script("! dmesg | grep out-of-data-space")
    assert bench.objects() == before
    take(bench, full.group, full.volumes)
