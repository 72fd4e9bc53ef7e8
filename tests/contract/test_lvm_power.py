"""The power goes in the middle of a group's revert, on the virtual machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from drivers import errors
from drivers.contract import GroupSnapshot, Volume
from tests.contract.bench import new_id
from tests.contract.test_group_revert import NEW, OLD, change, changed_group, restored, revert
from tests.contract.test_groups import contents, members_of
from tests.contract.test_killed import killed
from tests.contract.thin_pool import MachineBench, on_machine
from tests.lab.command import LabError, wait_until
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.soak, pytest.mark.timeout(1800)]

# Without a last word, as soon as the condition holds: nothing is written back, and the machine starts anew.
CUT = """
setsid sh -c 'condition=$1; shift; until eval "$condition"; do :; done; echo b >/proc/sysrq-trigger' cut "$@" \\
    </dev/null >/dev/null 2>&1 &
"""
LOST = (OSError, LabError, subprocess.TimeoutExpired, errors.DriverError)
MOMENTS = {
    "the decision": "grep -q cgctl.reverting /etc/lvm/backup/cgvg",
    "the exchange of the first member": '[ ! -e "$1" ]',
    "the exchange of the second member": '[ ! -e "$2" ]',
}


@pytest.fixture
def lvm(vm1: Machine) -> Iterator[MachineBench]:
    yield from on_machine(vm1)


@contextmanager
def loss_of_power(bench: MachineBench, condition: str, volumes: list[Volume]) -> Iterator[None]:
    """In the machine, when the condition holds; it is up again behind this."""
    machine = bench.machine
    assert machine is not None
    before = machine.boot_id()

    def has_booted() -> bool:
        with suppress(*LOST):
            return machine.boot_id() != before
        return False

    bench.script(CUT, condition, *(f"/dev/cgvg/cgctl-{one.id}" for one in volumes))
    yield
    wait_until(has_booted, "the machine to boot again", 300)
    machine.wait_until_ready()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_group_is_old_or_new_as_a_whole_when_the_power_goes_in_its_revert(lvm: MachineBench, moment: str) -> None:
    group, volumes, cgsnapshot, members = changed_group(lvm)
    kept = GroupSnapshot(new_id(), group.id)
    with loss_of_power(lvm, MOMENTS[moment], volumes), suppress(*LOST):
        killed(lvm, lambda: revert(lvm, group, volumes, cgsnapshot, members, kept), 60)
    lvm.driver.repair(lvm.context)
    assert contents(lvm, volumes) in (OLD, NEW)
    assert [one for one in lvm.driver.check_for_setup_error(lvm.context) if not one.ok] == []
    revert(lvm, group, volumes, cgsnapshot, members, kept)
    assert contents(lvm, volumes) == OLD
    assert restored(lvm, kept, volumes) == NEW
    assert all(item.complete for item in lvm.objects())
    change(lvm, volumes)
    lvm.driver.delete_cgsnapshot(lvm.context, kept, members_of(kept, volumes))
    assert contents(lvm, volumes) == NEW
