"""nfs-ganesha with real clients: who is admitted, what is repaired, what ends."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import errors
from drivers.contract import Access, Context, Exported
from drivers.exports.nfs_ganesha import GaneshaExports
from tests.contract.exports.host_runner import HostRunner
from tests.e2e.writers import Writer
from tests.lab.command import run
from tests.lab.host import Host
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

MIB = 1024**2
SIZE_BYTES = 16 * MIB
CONFIG = "/etc/ganesha/cgctl-exports.conf"
GROUP = "/srv/pool/live/cgctl-group"


def volume_id(number: int) -> str:
    return f"8f14e45f-ceea-467f-a8b4-{number:012x}"


def exported(number: int, *clients: str) -> Exported:
    accesses = tuple(Access(f"attachment-{client}", client=client) for client in clients)
    return Exported(volume_id(number), f"{GROUP}/cgctl-{volume_id(number)}/disk", SIZE_BYTES, accesses)


def make_sources(host: Host, exports: Sequence[Exported]) -> None:
    host.script(f"[ -d {GROUP} ] || {{ mkdir -p /srv/pool/live; btrfs -q subvolume create {GROUP}; }}")
    for export in exports:
        host.script('mkdir -p "${1%/*}"; truncate -s "$2" "$1"', export.source, str(export.size_bytes))


def url(server: GaneshaExports, number: int, name: str = "disk") -> str:
    ip, path = (server.connection(volume_id(number)).path or "").split(":")
    return f"nfs://{ip}{path}/{name}"


def read(server: GaneshaExports, number: int) -> subprocess.CompletedProcess[str]:
    return run(["nfs-cat", f"{url(server, number)}?version=4"], check=False)


def has_access(server: GaneshaExports, number: int) -> bool:
    return len(read(server, number).stdout) == SIZE_BYTES


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def shown(host: Host) -> str:
    exports = "org.ganesha.nfsd.exportmgr.ShowExports"
    where = ["--dest=org.ganesha.nfsd", "/org/ganesha/nfsd/ExportMgr"]
    return host.run(["dbus-send", "--system", "--print-reply", *where, exports]).stdout


def wrong_detail(server: GaneshaExports, context: Context, *exports: Exported) -> str:
    return "; ".join(finding.detail for finding in server.check_exports(context, exports) if not finding.ok)


@pytest.fixture
def server(runner: HostRunner) -> GaneshaExports:
    return GaneshaExports("backend-1", f"{runner.host.ip}:2049", runner)


@pytest.fixture
def export(stor1: Host, clean_pools: None, lab: Lab) -> Exported:
    """A volume that the lab's client may use."""
    result = exported(1, lab.client_ip)
    make_sources(stor1, [result])
    return result


class TestAdmission:
    def test_named_client_reads_and_another_does_not(
        self, server: GaneshaExports, context: Context, lab: Lab, stor1: Host
    ) -> None:
        exports = [exported(1, lab.client_ip, "10.77.0.99"), exported(2, "10.77.0.99")]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        assert has_access(server, 1)
        assert not has_access(server, 2)
        assert "NFS4ERR" in read(server, 2).stderr

    def test_root_of_a_client_writes_the_disk_and_nothing_else(
        self, server: GaneshaExports, context: Context, export: Exported, lab: Lab, stor1: Host, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export])
        with Writer("nfs", [url(server, 1)], lab.directory) as writing:
            writing.wait_for_rounds(3)
        (tmp_path / "file").write_text("fill the pool")
        done = run(["nfs-cp", str(tmp_path / "file"), f"{url(server, 1, 'other')}?version=4"], check=False)
        assert "NFS4ERR_ACCESS" in done.stderr
        assert stor1.run(["ls", f"{GROUP}/cgctl-{volume_id(1)}"]).stdout == "disk\n"

    def test_disk_is_synchronous(self, server: GaneshaExports, context: Context, export: Exported, stor1: Host) -> None:
        server.ensure_exports(context, [export])
        assert stor1.run(["lsattr", export.source]).stdout[2] == "S"
        stor1.run(["chattr", "-S", export.source])
        assert "is not synchronous" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    def test_file_system_without_synchronous_files_is_refused(
        self, server: GaneshaExports, context: Context, stor1: Host, lab: Lab
    ) -> None:
        stor1.script("mkdir -p /run/fuse/live/volume; mount -t ramfs none /run/fuse; mkdir -p /run/fuse/live/volume")
        stor1.script("truncate -s 16M /run/fuse/live/volume/disk")
        export = replace(exported(1, lab.client_ip), source="/run/fuse/live/volume/disk")
        try:
            with pytest.raises(errors.ServerRefused, match="cannot be made synchronous"):
                server.ensure_exports(context, [export])
            assert stor1.run(["cat", CONFIG]).stdout == ""
        finally:
            stor1.run(["umount", "/run/fuse"])


class TestRemoval:
    def test_removed_client_is_cut_off_and_the_other_keeps_its_access(
        self, server: GaneshaExports, context: Context, export: Exported, lab: Lab, stor1: Host
    ) -> None:
        both = exported(1, lab.client_ip, "10.77.0.99")
        server.ensure_exports(context, [both])
        with Writer("nfs", [url(server, 1)], lab.directory) as writing:
            writing.wait_for_rounds(10)
            server.ensure_exports(context, [exported(1, "10.77.0.99")])
            before, acked = checksum(stor1.path(export.source)), writing.acked
            time.sleep(2)
            assert (checksum(stor1.path(export.source)), writing.acked) == (before, acked)
        assert not has_access(server, 1)
        assert wrong_detail(server, context, exported(1, "10.77.0.99")) == ""

    def test_nothing_is_written_after_removal(
        self, server: GaneshaExports, context: Context, export: Exported, lab: Lab, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        with Writer("nfs", [url(server, 1)], lab.directory) as writing:
            writing.wait_for_rounds(10)
            server.remove_exports(context, [export.volume_id])
            before, acked = checksum(stor1.path(export.source)), writing.acked
            time.sleep(3)
            assert (checksum(stor1.path(export.source)), writing.acked) == (before, acked)
        server.remove_exports(context, [export.volume_id])
        assert "/run/cgctl" not in shown(stor1) + stor1.run(["findmnt", "-rno", "TARGET"]).stdout

    def test_other_volumes_of_the_container_stay(
        self, server: GaneshaExports, context: Context, lab: Lab, stor1: Host
    ) -> None:
        exports = [exported(number, lab.client_ip) for number in (1, 2)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        with Writer("nfs", [url(server, 2)], lab.directory) as writing:
            server.remove_exports(context, [volume_id(1)])
            writing.wait_for_rounds(10)
        assert not has_access(server, 1)

    def test_writer_goes_on_through_a_second_ensure(
        self, server: GaneshaExports, context: Context, export: Exported, lab: Lab
    ) -> None:
        server.ensure_exports(context, [export])
        with Writer("nfs", [url(server, 1)], lab.directory) as writing:
            server.ensure_exports(context, [export])
            writing.wait_for_rounds(10)
        assert writing.summary is not None
        assert writing.summary.errors == 0


class TestRepair:
    def test_restarted_ganesha_serves_as_before(
        self, server: GaneshaExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        stor1.restart_ganesha()
        assert wrong_detail(server, context, export) == ""
        assert has_access(server, 1)

    def test_rebooted_server_is_found_and_mended(
        self, server: GaneshaExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        stor1.kill()
        stor1.start()
        assert wrong_detail(server, context, export) == "is not offered"
        server.ensure_exports(context, [export])
        assert has_access(server, 1)

    def test_stopped_ganesha_is_refused_with_a_hint(
        self, server: GaneshaExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        stor1.stop_service("ganesha")
        with pytest.raises(errors.ToolMissing, match="nfs-ganesha is not running") as caught:
            server.ensure_exports(context, [export])
        assert caught.value.hint == "on the server: systemctl start nfs-ganesha"
        [finding] = server.check_exports(context, [export])
        assert (finding.ok, finding.hint) == (False, caught.value.hint)

    def test_missing_source_is_refused_before_anything_is_changed(
        self, server: GaneshaExports, context: Context, export: Exported, stor1: Host, lab: Lab
    ) -> None:
        with pytest.raises(errors.NotOnServer, match=volume_id(2)):
            server.ensure_exports(context, [export, exported(2, lab.client_ip)])
        assert stor1.run(["cat", CONFIG]).stdout == ""

    def test_replaced_container_is_found_and_served_anew_with_all_its_volumes(
        self, server: GaneshaExports, context: Context, lab: Lab, stor1: Host
    ) -> None:
        exports = [exported(number, lab.client_ip) for number in (1, 2)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        stor1.script(f"mv {GROUP} /srv/pool/old; btrfs -q subvolume snapshot /srv/pool/old {GROUP}")
        assert "serves a file that has been replaced" in wrong_detail(server, context, *exports)
        server.ensure_exports(context, exports[:1])
        assert wrong_detail(server, context, *exports) == ""
        stor1.script('printf promoted | dd of="$1" conv=notrunc status=none', exports[1].source)
        assert read(server, 2).stdout.startswith("promoted")

    def test_foreign_export_is_found_and_kept(self, server: GaneshaExports, context: Context, export: Exported) -> None:
        server.ensure_exports(context, [export])
        assert "is offered but not known" in wrong_detail(server, context)

    def test_configuration_that_ganesha_does_not_include_is_found(
        self, server: GaneshaExports, context: Context, stor1: Host
    ) -> None:
        main = stor1.path("/etc/ganesha/ganesha.conf")
        text = main.read_text()
        main.write_text(text.replace("%include", "#%include"))
        try:
            [finding] = server.check_exports(context, [])
            assert f'%include "{CONFIG}"' in (finding.hint or "")
        finally:
            main.write_text(text)

    @pytest.mark.parametrize("seconds", [0.02, 0.05, 0.1, 0.2])
    def test_removal_that_was_killed_anywhere_is_finished_by_the_next(
        self, server: GaneshaExports, context: Context, stor1: Host, lab: Lab, runner: HostRunner, seconds: float
    ) -> None:
        exports = [exported(number, lab.client_ip) for number in range(16)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        ids = [export.volume_id for export in exports]
        runner.kill_after_seconds = seconds
        with contextlib.suppress(errors.ServerFailed):  # a fast machine is done before
            server.remove_exports(context, ids)
        runner.kill_after_seconds = None
        server.remove_exports(context, ids)
        assert "/run/cgctl" not in shown(stor1) + stor1.run(["findmnt", "-rno", "TARGET"]).stdout


FOREIGN = """
cd /etc/ganesha
printf 'EXPORT { Export_Id = 900; Pseudo = "/cgctl-%s"; Path = "/srv"; FSAL { Name = VFS; } }' "$1" >foreign.conf
dbus-send --system --print-reply --dest=org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr \\
    org.ganesha.nfsd.exportmgr.AddExport string:/etc/ganesha/foreign.conf 'string:EXPORT(Export_Id=900)'
"""


class TestRefusedByGanesha:
    def test_line_that_ganesha_refuses_is_taken_back_and_the_others_stay(
        self, server: GaneshaExports, context: Context, lab: Lab, stor1: Host
    ) -> None:
        """An export of another hand has the path that the second volume should have."""
        exports = [exported(number, lab.client_ip) for number in (1, 2, 3)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports[2:])
        before = stor1.run(["cat", CONFIG]).stdout.splitlines()
        stor1.script(FOREIGN, volume_id(2))
        with pytest.raises(errors.ServerFailed, match=f"UpdateExport of {volume_id(2)}"):
            server.ensure_exports(context, [exports[0], exports[1], replace(exports[2], accesses=())])
        after = stor1.run(["cat", CONFIG]).stdout.splitlines()
        assert [volume_id(1) in line for line in after] == [False, True]
        assert before[1:] != after[1:]
        stor1.restart_ganesha()
        assert wrong_detail(server, context, exports[0]) == ""
        assert has_access(server, 1)
        server.ensure_exports(context, exports[1:2])
        assert has_access(server, 2)


class TestMany:
    def test_64_volumes_are_exported_by_one_execution(
        self, server: GaneshaExports, context: Context, stor1: Host, runner: HostRunner, lab: Lab
    ) -> None:
        exports = [exported(number, lab.client_ip) for number in range(64)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        assert len(runner.commands) == 1
        assert has_access(server, 63)
        server.remove_exports(context, [export.volume_id for export in exports])
        assert "/run/cgctl" not in shown(stor1) + stor1.run(["findmnt", "-rno", "TARGET"]).stdout

    def test_two_at_once_do_not_collide(self, server: GaneshaExports, context: Context, stor1: Host, lab: Lab) -> None:
        exports = [exported(number, lab.client_ip) for number in range(16)]
        make_sources(stor1, exports)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: server.ensure_exports(context, part), (exports[n::2] for n in (0, 1, 0, 1))))
        assert wrong_detail(server, context, *exports) == ""


class TestBadInput:
    @pytest.mark.parametrize(
        "change",
        [
            {"source": '/srv/pool/a"; }/disk'},
            {"source": "/srv/pool/a/image"},
            {"accesses": (Access("attachment-1", client="*"),)},
            {"accesses": (Access("attachment-1", client=None),)},
        ],
    )
    def test_what_ganesha_would_misread_is_refused(
        self, server: GaneshaExports, context: Context, export: Exported, change: dict[str, object], runner: HostRunner
    ) -> None:
        with pytest.raises(errors.ServerRefused):
            server.ensure_exports(context, [replace(export, **change)])  # type: ignore[arg-type]
        assert runner.commands == []


@pytest.mark.soak
def test_a_client_sees_a_volume_that_has_grown_and_keeps_its_access(
    server: GaneshaExports, stor1: Host, lab: Lab, context: Context
) -> None:
    """What `grows_online` promises: nothing is done to the export."""
    export = exported(1, lab.client_ip)
    make_sources(stor1, [export])
    server.ensure_exports(context, [export])
    assert len(read(server, 1).stdout) == SIZE_BYTES
    make_sources(stor1, [replace(export, size_bytes=2 * SIZE_BYTES)])
    while len(read(server, 1).stdout) != 2 * SIZE_BYTES:  # 62 s were measured: ganesha keeps attributes for 60
        time.sleep(2)
    assert wrong_detail(server, context, replace(export, size_bytes=2 * SIZE_BYTES)) == ""
