"""A reboot under systemd, as on users' servers: what the kernel's servers offered is offered again, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.backends.lvm.driver import LvmDriver
from drivers.command import Secret
from drivers.contract import Access, Context, Exported, ExportServer, Volume
from drivers.exports.iscsi_lio import LioExports
from drivers.exports.nfs_kernel import KernelNfsExports
from tests.contract.exports.iscsi_client import Initiator, is_admitted
from tests.contract.exports.machine_runner import MachineRunner
from tests.lab.command import run, wait_until
from tests.lab.instance import Instance
from tests.lab.vm import Machine, Machines

pytestmark = [pytest.mark.vm, pytest.mark.soak, pytest.mark.timeout(1200)]

MIB = 1024**2
US, GUEST = "10.0.2.2", "10.0.2.15"
PREPARE = """
until [ "$(cat /proc/fs/nfsd/threads)" -gt 0 ]; do sleep 1; done
mkdir -p /srv/pool/v
truncate -s 16M /srv/pool/file /srv/pool/v/disk
sync
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine of its own, beside the one with the quick init that other tests use."""
    found = Instance.from_environment()
    name = f"{found.name}-systemd"
    machines = Machines(replace(found, name=found.name + "s", directory=found.directory.with_name(f"cgctl-lab-{name}")))
    machines.up(systemd=True, only="vm1")
    try:
        yield machines.find("vm1")
    finally:
        machines.down()


def context() -> Context:
    return Context("operation-1", "owner-1", datetime.now(UTC) + timedelta(seconds=300))


def nfs(number: int, source: str) -> Exported:
    accesses = (Access("attachment-1", client=US), Access("attachment-2", client="127.0.0.1"))
    return Exported(f"8f14e45f-ceea-467f-a8b4-{number:012x}", source, 16 * MIB, accesses)


def wrong(server: ExportServer, *exports: Exported) -> list[str]:
    return [finding.detail for finding in server.check_exports(context(), exports) if not finding.ok]


def test_exports_of_files_are_there_after_a_reboot(machine: Machine) -> None:
    machine.script(PREPARE)
    runner = MachineRunner(machine)
    account = Access(
        "attachment-3", initiator="iqn.1993-08.org.debian:01:h", username="cgctl-1", secret=Secret("Sesame-open-1")
    )
    unit = replace(nfs(3, "/srv/pool/file"), accesses=(account,))
    lio, kernel = LioExports("a", f"{GUEST}:3260", runner), KernelNfsExports("b", f"{GUEST}:2049", runner)
    files = [nfs(1, "/srv/pool/v/disk")]
    lio.ensure_exports(context(), [unit])
    kernel.ensure_exports(context(), files)
    assert wrong(lio, unit) + wrong(kernel, *files) == []
    machine.run(["sync"])
    machine.reboot()
    portal = replace(lio.connection(unit.volume_id), portal=f"127.0.0.1:{machine.iscsi_port}")
    assert is_admitted(Initiator.of(account).inquire(portal))
    for export in files:
        url = f"nfs://127.0.0.1{kernel.place(export.volume_id)}/disk?version=4&nfsport={machine.nfs_port}"
        # A server that has just started lets nobody open a file before its period of grace is over.
        wait_until(lambda url=url: len(run(["nfs-cat", url], check=False).stdout) == 16 * MIB, url, 60)  # type: ignore[misc]
    assert wrong(lio, unit) + wrong(kernel, *files) == []
    kernel.remove_exports(context(), [export.volume_id for export in files])
    machine.run(["systemctl", "restart", "nfs-server"])
    assert machine.run(["exportfs", "-s"]).stdout == ""


def test_volumes_that_are_file_systems_are_mounted_before_nfs_offers_them_again(machine: Machine) -> None:
    runner = MachineRunner(machine)
    machine.run(["lvchange", "-q", "--zero", "y", "cgvg/pool"])
    driver, kernel = LvmDriver("c", "cgvg/pool", runner, "nfs"), KernelNfsExports("c", f"{GUEST}:2049", runner)
    volume = Volume("8f14e45f-ceea-467f-a8b4-000000000009", 400 * MIB)
    driver.create_volume(context(), volume)
    machine.script('printf kept >"$1/disk"', driver.volume_source(volume))
    export = replace(nfs(9, driver.volume_source(volume)), volume_id=volume.id)
    kernel.ensure_exports(context(), [export])
    machine.run(["sync"])
    machine.reboot()
    url = f"nfs://127.0.0.1{kernel.place(volume.id)}/disk?version=4&nfsport={machine.nfs_port}"
    wait_until(lambda: run(["nfs-cat", url], check=False).stdout == "kept", url, 120)
    assert wrong(kernel, export) == []
    assert [one.detail for one in driver.check_for_setup_error(context()) if not one.ok] == []
    kernel.remove_exports(context(), [volume.id])
    driver.delete_volume(context(), volume)
