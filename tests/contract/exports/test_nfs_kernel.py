"""The kernel's NFS server with real clients: who is admitted, what is repaired, what ends."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import errors
from drivers.contract import Access, Context, Exported, SourceForm
from drivers.exports.nfs_kernel import KernelNfsExports
from drivers.exports.nfs_kernel.request import fsid
from tests.contract.exports import nfs_client
from tests.contract.exports.machine_runner import MachineRunner
from tests.contract.exports.nfs_client import KernelClient
from tests.e2e.writers import Writer
from tests.lab.command import run
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

LONG_FORM_EXPORT = pytest.param("export", marks=pytest.mark.soak)
MIB = 1024**2
SIZE_BYTES = 8 * MIB
CONFIG = "/etc/exports.d/cgctl.exports"
GROUP = "/srv/pool/live/cgctl-group"
US, GUEST, OTHER = "10.0.2.2", nfs_client.ADDRESS, "10.77.0.99"
"""Where the machine sees us, itself, and somebody who is not there."""

CLEAN = """
exportfs -au
rm -rf /etc/exports.d
for open in /proc/fs/nfsd/clients/*/ctl; do if [ -e "$open" ]; then echo expire >"$open"; fi; done
findmnt -rno TARGET | grep ^/run/cgctl/ | while read -r place; do umount "$place"; done
if mountpoint -q /srv/store; then umount /srv/store; fi
if [ -e /dev/cgvg/nfsa ]; then lvremove -qfy cgvg/nfsa; fi
rm -rf /srv/pool
mkdir -p /srv/pool
"""
MAKE_STORE = """
lvcreate -q -V 512M -T cgvg/pool -n nfsa
mkfs.xfs -q /dev/cgvg/nfsa
mkdir -p /srv/store
mount /dev/cgvg/nfsa /srv/store
"""


def volume_id(number: int) -> str:
    return f"8f14e45f-ceea-467f-a8b4-{number:012x}"


def exported(number: int, *clients: str) -> Exported:
    accesses = tuple(Access(f"attachment-{client}", client=client) for client in clients)
    return Exported(volume_id(number), f"{GROUP}/cgctl-{volume_id(number)}/disk", SIZE_BYTES, accesses)


def make_sources(machine: Machine, exports: Sequence[Exported]) -> None:
    text = 'for path; do mkdir -p "${path%/*}"; truncate -s 8M "$path"; done'
    machine.script(text, *(export.source for export in exports))


@pytest.fixture
def machine(vm1: Machine) -> Machine:
    vm1.script(CLEAN)
    return vm1


@pytest.fixture
def runner(machine: Machine) -> MachineRunner:
    return MachineRunner(machine)


@pytest.fixture
def server(runner: MachineRunner) -> KernelNfsExports:
    """The address is the guest's own; from here it is reached by a forwarded port, see `url`."""
    return KernelNfsExports("backend-1", "10.0.2.15:2049", runner)


@pytest.fixture
def export(machine: Machine) -> Exported:
    """A volume that we may use, and a client in the guest."""
    result = exported(1, US, GUEST)
    make_sources(machine, [result])
    return result


@pytest.fixture
def store(machine: Machine) -> Exported:
    """A volume that is a file system of its own."""
    machine.script(MAKE_STORE)
    return replace(exported(3, US, GUEST), source="/srv/store")


def machine_of(server: KernelNfsExports) -> Machine:
    assert isinstance(server.runner, MachineRunner)
    return server.runner.machine


def client(server: KernelNfsExports, number: int = 1) -> KernelClient:
    return KernelClient(machine_of(server), server.place(volume_id(number)))


@contextlib.contextmanager
def writer(server: KernelNfsExports, directory: Path, number: int = 1) -> Iterator[Writer]:
    """From outside of the machine, by libnfs."""
    url = f"nfs://127.0.0.1:{machine_of(server).nfs_port}{server.place(volume_id(number))}/disk"
    with Writer("nfs", [url], directory) as writing:
        yield writing


def read(server: KernelNfsExports, number: int = 1) -> subprocess.CompletedProcess[str]:
    port = machine_of(server).nfs_port
    return run(
        ["nfs-cat", f"nfs://127.0.0.1{server.place(volume_id(number))}/disk?version=4&nfsport={port}"], check=False
    )


def has_access(server: KernelNfsExports, number: int = 1) -> bool:
    return len(read(server, number).stdout) == SIZE_BYTES


def checksum(machine: Machine, path: str) -> str:
    return machine.run(["sha256sum", path]).stdout.split()[0]


def offered(machine: Machine) -> str:
    """Everything that would be left of an export."""
    return machine.script(
        "exportfs -s; findmnt -rno TARGET | grep /run/cgctl || true; grep -s ^/ /etc/exports.d/* || true"
    )


def wrong_detail(server: KernelNfsExports, context: Context, *exports: Exported) -> str:
    return "; ".join(finding.detail for finding in server.check_exports(context, exports) if not finding.ok)


class TestAdmission:
    def test_named_client_reads_and_another_does_not(
        self, server: KernelNfsExports, context: Context, machine: Machine
    ) -> None:
        exports = [exported(1, US, OTHER), exported(2, OTHER), exported(4, "fd00::99")]
        make_sources(machine, exports)
        server.ensure_exports(context, exports)
        assert has_access(server, 1)
        assert not has_access(server, 2)
        assert wrong_detail(server, context, *exports) == ""

    def test_root_of_a_client_writes_the_disk_and_nothing_else(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        with client(server) as writing:
            for command in ("touch other", "chmod 666 disk", "rm disk", "mv disk other"):
                denied = machine.run(["sh", "-c", f"cd {writing.mounted} && {command}"], check=False)
                assert denied.returncode != 0, command
            writing.wait_for_writes()
        assert machine.run(["ls", f"{GROUP}/cgctl-{volume_id(1)}"]).stdout == "disk\n"

    @pytest.mark.soak
    def test_disk_is_synchronous(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        assert machine.run(["lsattr", export.source]).stdout[2] == "S"
        machine.run(["chattr", "-S", export.source])
        assert "is not synchronous" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    def test_root_of_a_client_sets_up_a_volume_that_is_a_file_system(
        self, server: KernelNfsExports, context: Context, store: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [store])
        assert server.connection(store.volume_id, SourceForm.FILE_SYSTEM).file is None
        assert server.connection(store.volume_id, SourceForm.FILE).file == "disk"
        with client(server, 3) as writing:
            machine.script('cd "$1"; mkdir data; chown 999:999 data; chmod 700 data', writing.mounted)
            writing.wait_for_writes()
        assert machine.run(["stat", "-c", "%u:%a", "/srv/store/data"]).stdout == "999:700\n"
        server.remove_exports(context, [store.volume_id])
        machine.run(["umount", "/srv/store"])  # nothing holds it any more

    @pytest.mark.soak
    def test_fsid_is_that_of_the_volume_on_every_server(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        assert f"fsid={fsid(export.volume_id)}," in machine.run(["exportfs", "-s"]).stdout
        assert fsid(export.volume_id) != fsid(volume_id(2))


class TestRemoval:
    def test_client_that_has_the_file_open_is_fenced_and_goes_on_when_it_is_admitted_again(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        with client(server) as writing:
            writing.wait_for_writes()
            server.ensure_exports(context, [replace(export, accesses=export.accesses[:1])])
            before, acked = checksum(machine, export.source), writing.acked
            time.sleep(2)
            assert (checksum(machine, export.source), writing.acked) == (before, acked)
            assert writing.errors != ""
            server.ensure_exports(context, [export])
            writing.wait_for_writes()

    def test_removed_client_is_cut_off_and_the_other_keeps_its_session(
        self, server: KernelNfsExports, context: Context, export: Exported, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export])
        kept = replace(export, accesses=export.accesses[1:])
        with writer(server, tmp_path) as removed, client(server) as staying:
            server.ensure_exports(context, [kept])
            acked = removed.acked
            staying.wait_for_writes(20)
            assert removed.acked == acked
            assert staying.errors == ""
        assert wrong_detail(server, context, kept) == ""

    @pytest.mark.parametrize("kind", [LONG_FORM_EXPORT, "store"])
    def test_nothing_is_written_after_removal(
        self, server: KernelNfsExports, context: Context, machine: Machine, kind: str, request: pytest.FixtureRequest
    ) -> None:
        export: Exported = request.getfixturevalue(kind)
        server.ensure_exports(context, [export])
        disk = export.source if kind == "export" else f"{export.source}/disk"
        with client(server, int(export.volume_id[-12:], 16)) as writing:
            writing.wait_for_writes()
            server.remove_exports(context, [export.volume_id])
            before, acked = checksum(machine, disk), writing.acked
            time.sleep(2)
            assert (checksum(machine, disk), writing.acked) == (before, acked)
        server.remove_exports(context, [export.volume_id])
        assert offered(machine) == ""

    def test_other_volumes_stay_and_so_does_what_another_hand_has_exported(
        self, server: KernelNfsExports, context: Context, machine: Machine, tmp_path: Path
    ) -> None:
        """Without a line in any file: `exportfs -r` would take it away."""
        exports = [exported(number, US) for number in (1, 2)]
        make_sources(machine, exports)
        machine.script("mkdir -p /srv/other; exportfs -i -o ro,no_subtree_check 10.0.0.0/8:/srv/other")
        server.ensure_exports(context, exports)
        with writer(server, tmp_path, 2) as writing:
            server.remove_exports(context, [volume_id(1)])
            writing.wait_for_rounds(10)
        assert not has_access(server, 1)
        server.remove_exports(context, [volume_id(2)])
        assert offered(machine).startswith("/srv/other")
        assert offered(machine).count("\n") == 1

    @pytest.mark.soak
    def test_writer_goes_on_through_a_second_ensure(
        self, server: KernelNfsExports, context: Context, export: Exported, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export])
        with writer(server, tmp_path) as writing:
            server.ensure_exports(context, [export])
            writing.wait_for_rounds(10)
        assert writing.summary is not None
        assert writing.summary.errors == 0


class TestRepair:
    @pytest.mark.soak
    def test_what_is_lost_is_found_and_mended(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""
        machine.run(["exportfs", "-au"])
        assert wrong_detail(server, context, export) == "is not offered"
        server.ensure_exports(context, [export])
        machine.run(["umount", server.place(export.volume_id)])
        assert "is not mounted at its place" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        machine.run(["rm", CONFIG])
        assert wrong_detail(server, context, export) == f"is not in {CONFIG}"
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""
        assert has_access(server)

    def test_weaker_options_of_another_hand_are_found_and_mended(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        weak = f"rw,async,no_root_squash,no_subtree_check,mountpoint,fsid={fsid(export.volume_id)}"
        machine.run(["exportfs", "-i", "-o", weak, f"{US}:{server.place(export.volume_id)}"])
        detail = wrong_detail(server, context, export)
        for word in ("sync", "all_squash", "subtree_check"):
            assert f"is offered to {US} without {word}" in detail
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_rebooted_server_is_found_and_mended(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        """Without systemd: with it, the places are mounted before the server starts."""
        server.ensure_exports(context, [export])
        machine.run(["sync"])
        machine.reboot()
        assert not has_access(server)
        assert "is not mounted at its place" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert has_access(server)

    @pytest.mark.soak
    def test_stopped_server_is_refused_with_a_hint_but_what_is_removed_does_not_come_back_with_it(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.run(["rpc.nfsd", "0"])
        try:
            server.remove_exports(context, [export.volume_id])
            with pytest.raises(errors.ToolMissing, match="the NFS server is not running") as caught:
                server.ensure_exports(context, [export])
            assert caught.value.hint == "on the server: systemctl start nfs-server"
            [finding] = server.check_exports(context, [export])
            assert (finding.ok, finding.hint) == (False, caught.value.hint)
            assert offered(machine) == ""
        finally:
            machine.script("rpc.nfsd -N 3 -V 4 -G 10 -L 10 4; echo Y >/proc/fs/nfsd/v4_end_grace")

    @pytest.mark.soak
    def test_missing_source_is_refused_before_anything_is_changed(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        with pytest.raises(errors.NotOnServer, match=volume_id(2)):
            server.ensure_exports(context, [export, exported(2, US)])
        with pytest.raises(errors.NotOnServer, match="no mounted file system"):
            server.ensure_exports(context, [export, replace(exported(2, US), source="/srv/pool/none")])
        assert offered(machine) == ""

    def test_what_the_server_cannot_export_is_taken_back_and_the_others_stay(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        machine.script("mkdir -p /run/without; mount -t ramfs none /run/without")
        try:
            bad = replace(exported(2, US), source="/run/without")
            with pytest.raises(errors.ServerFailed, match="does not support NFS export"):
                server.ensure_exports(context, [export, bad])
            assert has_access(server)
            assert wrong_detail(server, context, export) == ""
            assert volume_id(2) not in offered(machine)
        finally:
            machine.run(["umount", "/run/without"])

    def test_replaced_directory_is_found_and_served_anew(
        self, server: KernelNfsExports, context: Context, export: Exported, machine: Machine, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export])
        with writer(server, tmp_path) as writing:
            machine.script(
                'mv "$1" "$1.old"; cp -R "$1.old" "$1"; printf promoted >"$1/new"', str(Path(export.source).parent)
            )
            assert "serves a directory that has been replaced" in wrong_detail(server, context, export)
            server.ensure_exports(context, [export])
            before = checksum(machine, str(Path(export.source).parent) + ".old/disk")
            writing.wait_for_rounds(5)  # libnfs opens it anew
            assert checksum(machine, str(Path(export.source).parent) + ".old/disk") == before
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_export_that_nobody_asked_for_is_found(
        self, server: KernelNfsExports, context: Context, export: Exported
    ) -> None:
        server.ensure_exports(context, [export])
        assert "is offered but not known" in wrong_detail(server, context)

    @pytest.mark.soak
    def test_port_that_the_server_does_not_have_is_found(self, server: KernelNfsExports, context: Context) -> None:
        [finding] = replace(server, portal="10.0.2.15:2050").check_exports(context, [])
        assert (finding.ok, "port 2050" in finding.detail) == (False, True)


class TestMany:
    @pytest.mark.soak
    def test_16_volumes_are_exported_by_one_execution(
        self, server: KernelNfsExports, context: Context, machine: Machine, runner: MachineRunner
    ) -> None:
        exports = [exported(number, US) for number in range(16)]
        make_sources(machine, exports)
        server.ensure_exports(context, exports)
        assert len(runner.commands) == 1
        assert has_access(server, 15)
        server.remove_exports(context, [export.volume_id for export in exports])
        assert offered(machine) == ""

    @pytest.mark.soak
    def test_two_at_once_do_not_collide(self, server: KernelNfsExports, context: Context, machine: Machine) -> None:
        exports = [exported(number, US) for number in range(8)]
        make_sources(machine, exports)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: server.ensure_exports(context, part), (exports[n::2] for n in (0, 1, 0, 1))))
        assert wrong_detail(server, context, *exports) == ""

    @pytest.mark.soak
    def test_run_that_is_killed_anywhere_is_finished_by_the_next(
        self, server: KernelNfsExports, context: Context, machine: Machine, runner: MachineRunner
    ) -> None:
        exports = [exported(number, US) for number in range(8)]
        make_sources(machine, exports)
        for runner.kill_after_seconds in (0.5, 0.7, 0.9, 1.2):
            with contextlib.suppress(errors.ServerFailed):  # a fast machine is done before
                server.ensure_exports(context, exports)
        runner.kill_after_seconds = None
        server.ensure_exports(context, exports)
        assert wrong_detail(server, context, *exports) == ""
        ids = [export.volume_id for export in exports]
        for runner.kill_after_seconds in (0.5, 0.7, 0.9):
            with contextlib.suppress(errors.ServerFailed):
                server.remove_exports(context, ids)
        runner.kill_after_seconds = None
        server.remove_exports(context, ids)
        assert offered(machine) == ""


class TestBadInput:
    @pytest.mark.parametrize(
        "change",
        [
            {"source": "/srv/pool/a b/disk"},
            {"source": "/srv/pool/a#/disk"},
            {"source": "/srv/pool/a\n/b"},
            {"accesses": (Access("attachment-1", client="*"),)},
            {"accesses": (Access("attachment-1", client="10.0.0.0/8"),)},
            {"accesses": (Access("attachment-1", client=None),)},
        ],
    )
    def test_what_the_server_would_misread_is_refused(
        self, server: KernelNfsExports, context: Context, change: dict[str, object], runner: MachineRunner
    ) -> None:
        with pytest.raises(errors.ServerRefused):
            server.ensure_exports(context, [replace(exported(1, US), **change)])  # type: ignore[arg-type]
        assert runner.commands == []
