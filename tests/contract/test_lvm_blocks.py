"""A thin pool on disks of 4096-byte blocks: a virtual machine's loop device that has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drivers import errors
from drivers.backends.lvm.driver import LvmDriver
from tests.contract.thin_pool import MachineBench, on_machine
from tests.lab.vm import Machine

pytestmark = pytest.mark.vm
POOL = "largevg/pool"
MAKE = """
cp /etc/lvm/lvm.conf /run/lvm.conf
sed -i 's/(vd|/(vd|loop|/' /etc/lvm/lvm.conf
truncate -s 400M /var/tmp/large.img
modprobe loop
vgcreate -q largevg "$(losetup -f --show --sector-size 4096 /var/tmp/large.img)"
lvcreate -q --type thin-pool -L 300M -Zy -n pool largevg
"""
REMOVE = """
vgremove -ff -y -q largevg || :
losetup -D || :
rm -f /var/tmp/large.img
cp /run/lvm.conf /etc/lvm/lvm.conf
"""


@pytest.fixture
def large(vm1: Machine) -> Iterator[MachineBench]:
    for bench in on_machine(vm1):
        try:
            bench.script(MAKE)
            yield replace(bench, driver=LvmDriver("vm1", POOL, bench.runner))
        finally:
            bench.script(REMOVE)


def test_a_pool_of_large_blocks_is_not_taken(large: MachineBench) -> None:
    """A client's partitions that were made on 512 bytes would not be found there after a failover."""
    with pytest.raises(errors.ServerRefused, match="4096 bytes, not 512"):
        large.volume()
    failing = [one for one in large.driver.check_for_setup_error(large.context) if not one.ok]
    assert [one.check for one in failing] == ["blocks"]
    assert large.script("lvs --noheadings -o lv_tags largevg/pool").strip() == ""
