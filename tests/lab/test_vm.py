"""The virtual machines promise what the LVM, LIO and NFS suites build on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import pytest

from tests.lab.command import CommandFailed, LabError, run
from tests.lab.vm import Machine, Machines

pytest_plugins = ["tests.lab.vm_fixtures"]
pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

MODULES = ("dm_thin_pool", "target_core_mod", "target_core_iblock", "target_core_file", "iscsi_target_mod", "nfsd")
IQN = "iqn.2026-01.lab.cgctl:disk"
INITIATOR = "iqn.2026-01.lab.cgctl:client"
EXPORT_DISK = f"""
from rtslib_fb import *
tpg = TPG(Target(FabricModule('iscsi'), '{IQN}'), 1)
tpg.set_attribute('authentication', '0')
NetworkPortal(tpg, '0.0.0.0', 3260)
lun = LUN(tpg, 0, BlockStorageObject('disk', dev='/dev/cgvg/disk'))
MappedLUN(NodeACL(tpg, '{INITIATOR}'), 0, lun)
tpg.enable = True
"""


def ssh(machine: Machine, *argv: str, user: str = "root", check: bool = True) -> subprocess.CompletedProcess[str]:
    return run(machine.ssh_command(*argv, user=user), check=check, timeout_seconds=60)


def volume_names(machine: Machine) -> list[str]:
    return machine.run(["lvs", "--noheadings", "-o", "lv_name", "cgvg"]).stdout.split()


def test_both_machines_answer_over_ssh_within_their_time(machines: Machines) -> None:
    began = time.monotonic()
    machines.up()
    names = [ssh(machine, "hostname").stdout.strip() for machine in machines.machines]
    assert names == ["vm1", "vm2"]
    assert time.monotonic() - began < 40, "10 s on an idle machine; this one may be shared"


def test_operator_becomes_root_by_sudo(vm1: Machine) -> None:
    assert ssh(vm1, "id", "-un", user="cgctl").stdout.strip() == "cgctl"
    assert ssh(vm1, "sudo", "-n", "id", "-un", user="cgctl").stdout.strip() == "root"
    ssh(vm1, "sudo", "lvcreate", "-q", "-V", "64M", "-T", "cgvg/pool", "-n", "by-sudo", user="cgctl")
    ssh(vm1, "sudo", "dmsetup create g --table '0 8 zero' && test -b /dev/mapper/g", user="cgctl")


def test_each_machine_has_its_own_pinned_host_key(vm1: Machine, vm2: Machine) -> None:
    own, swapped = (run(_as(vm1, name), check=False) for name in ("vm1", "vm2"))
    assert own.stdout.strip() == "vm1"
    assert swapped.returncode == 255
    assert "Host key verification failed" in swapped.stderr


def _as(machine: Machine, name: str) -> list[str]:
    command = machine.ssh_command("hostname")
    return [command[0], "-o", f"HostKeyAlias={name}", *command[1:]]


def test_clock_is_right_after_the_saved_state(vm1: Machine) -> None:
    assert abs(float(vm1.run(["date", "+%s.%N"]).stdout) - time.time()) < 3


def test_kernel_has_what_storage_servers_need(vm1: Machine) -> None:
    loaded = vm1.run(["cat", "/proc/modules"]).stdout
    assert [name for name in MODULES if f"{name} " not in loaded] == []
    assert "-3 +4" in vm1.run(["cat", "/proc/fs/nfsd/versions"]).stdout


def test_snapshots_in_the_thin_pool_and_a_clean_pool_next_time(machines: Machines) -> None:
    machines.up()
    vm1 = machines.find("vm1")
    vm1.script("lvcreate -q -V 64M -T cgvg/pool -n a; lvcreate -q -s -n s cgvg/a")
    assert set(volume_names(vm1)) == {"pool", "a", "s"}
    machines.up()
    assert volume_names(machines.find("vm1")) == ["pool"]


def test_gate_is_hidden_from_lvm_while_it_is_suspended(vm1: Machine) -> None:
    vm1.script("lvcreate -q -V 64M -T cgvg/pool -n a; dmsetup create cgctl-a --table '0 131072 linear /dev/cgvg/a 0'")
    vm1.run(["dmsetup", "suspend", "cgctl-a"])
    vm1.run(["lvs"], timeout_seconds=20)
    vm1.run(["dmsetup", "resume", "cgctl-a"])


def test_iscsi_disk_is_read_from_outside(vm1: Machine) -> None:
    vm1.script("lvcreate -q -V 64M -T cgvg/pool -n disk; printf served | dd of=/dev/cgvg/disk conv=notrunc,fsync")
    vm1.run(["python3", "-c", EXPORT_DISK])
    image = {
        "driver": "raw",
        "file.driver": "iscsi",
        "file.transport": "tcp",
        "file.portal": f"127.0.0.1:{vm1.iscsi_port}",
        "file.target": IQN,
        "file.lun": "0",
        "file.initiator-name": INITIATOR,
    }
    options = ",".join(f"{name}={value}" for name, value in image.items())
    assert "served" in run(["qemu-io", "--image-opts", options, "-c", "read -v 0 512"]).stdout


def test_nfs_export_is_read_from_outside(vm1: Machine) -> None:
    vm1.script("mkdir /srv/x; echo served >/srv/x/f; exportfs -o rw,insecure,no_subtree_check,fsid=1 '*:/srv/x'")
    url = f"nfs://127.0.0.1/srv/x/f?version=4&nfsport={vm1.nfs_port}"
    assert run(["nfs-cat", url]).stdout == "served\n"


def test_machines_reach_each_other_until_the_link_is_cut(vm1: Machine, vm2: Machine) -> None:
    ping = ["ping", "-c", "1", "-W", "2", vm2.link_ip]
    vm1.run(ping)
    vm1.cut_link()
    assert vm1.run(ping, check=False).returncode != 0
    vm1.join()
    vm1.run(ping)


def test_cut_machine_is_silent_but_can_be_looked_into(vm1: Machine) -> None:
    vm1.cut()
    with pytest.raises(subprocess.TimeoutExpired):
        run(vm1.ssh_command("true"), timeout_seconds=4)
    assert vm1.run(["hostname"]).stdout.strip() == "vm1"
    vm1.join()
    assert ssh(vm1, "hostname").stdout.strip() == "vm1"


def test_acknowledged_writes_outlive_a_power_loss_and_unflushed_files_do_not(vm1: Machine) -> None:
    vm1.script("lvcreate -q -V 64M -T cgvg/pool -n a; echo kept | dd of=/dev/cgvg/a oflag=sync conv=notrunc; sync")
    vm1.script("echo lost >/root/lost; mkdir /run/lost")
    vm1.kill()
    assert not vm1.is_running()
    with pytest.raises((LabError, OSError)):
        vm1.run(["true"], timeout_seconds=2)
    vm1.start()
    assert ssh(vm1, "head", "-c", "5", "/dev/cgvg/a").stdout == "kept\n"
    assert vm1.run(["test", "-e", "/run/lost"], check=False).returncode == 1
    assert vm1.run(["test", "-s", "/root/lost"], check=False).returncode == 1


def test_reboot_keeps_what_is_on_disk(vm1: Machine) -> None:
    before = vm1.boot_id()
    vm1.script("lvcreate -q -V 64M -T cgvg/pool -n a; echo kept >/root/kept")
    vm1.reboot()
    assert vm1.boot_id() != before
    assert ssh(vm1, "hostname; cat /root/kept").stdout.split() == ["vm1", "kept"]
    assert set(volume_names(vm1)) == {"pool", "a"}


def test_commands_fail_with_what_they_wrote(vm1: Machine) -> None:
    with pytest.raises(CommandFailed, match="no such group"):
        vm1.run(["sh", "-c", "echo no such group >&2; exit 3"])
    assert vm1.run(["cat"], input="ä\n").stdout == "ä\n"
    assert vm1.run(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_systemd_and_udevd_run_as_on_users_servers(machines: Machines) -> None:
    machines.up(systemd=True, only="vm1")
    vm1 = machines.find("vm1")
    processes: Sequence[str] = vm1.run(["ps", "-eo", "comm"]).stdout.split()
    assert "systemd-udevd" in processes
    assert vm1.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""
    ssh(vm1, "lvcreate -q -V 64M -T cgvg/pool -n a && test -b /dev/disk/by-id/dm-name-cgvg-a")
    assert "udev_sync=1" in vm1.run(["lvmconfig", "--type", "full", "activation/udev_sync"]).stdout


def test_down_leaves_no_process_and_no_file(machines: Machines) -> None:
    machines.up(only="vm2")
    vm2 = machines.find("vm2")
    machines.down()
    assert not vm2.is_running()
    assert not machines.directory.exists()
