"""LIO on a real kernel with real initiators: who is admitted, what is repaired, what ends. CGCTL_VM=1 runs it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drivers import errors
from drivers.command import Secret
from drivers.contract import Access, Connection, Context, Exported
from drivers.exports.iscsi_identity import wwn
from drivers.exports.iscsi_lio import LioExports
from tests.contract.exports.iscsi_client import Initiator, is_admitted, is_refused
from tests.contract.exports.machine_runner import MachineRunner
from tests.e2e.writers import Writer
from tests.lab.vm import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

LONG_FORM_EXPORT = pytest.param("export", marks=pytest.mark.soak)
MIB = 1024**2
SIZE_BYTES = 16 * MIB
FOREIGN = "iqn.2020-01.org.example:other"
SAVED = "/etc/rtslib-fb-target/saveconfig.json"

# Everything of LIO away, with the names of the files and devices that a test made.
CLEAN = """
python3 -c 'from rtslib_fb import RTSRoot; RTSRoot().clear_existing(confirm=True)'
rm -rf /etc/rtslib-fb-target/saveconfig.json* /srv/pool
for gate in $(dmsetup ls --noheadings 2>/dev/null | sed -n 's/^\\(g-[a-z]*\\).*/\\1/p'); do dmsetup remove "$gate"; done
for volume in $(lvs --noheadings -o lv_name -S 'lv_name=~^lio' cgvg); do lvremove -qfy "cgvg/$volume"; done
mkdir -p /srv/pool
"""
MAKE_GATE = """
lvcreate -q -V 16M -T cgvg/pool -n lioa
dmsetup create g-a --table "0 $(blockdev --getsz /dev/cgvg/lioa) linear /dev/cgvg/lioa 0"
"""
GROW = {
    "export": 'truncate -s 32M "$1"',
    "device": """
lvextend -q -L 32M cgvg/lioa
dmsetup suspend g-a
dmsetup load g-a --table "0 $(blockdev --getsz /dev/cgvg/lioa) linear /dev/cgvg/lioa 0"
dmsetup resume g-a
""",
}
FENCE = "from rtslib_fb import RTSRoot\nfor unit in RTSRoot().mapped_luns: unit.write_protect = True"
FOREIGN_TARGET = """
import sys
from rtslib_fb import FabricModule, FileIOStorageObject, LUN, NetworkPortal, Target, TPG
group = TPG(Target(FabricModule("iscsi"), sys.argv[1]), 1)
LUN(group, 0, FileIOStorageObject("other", "/srv/pool/other", 1048576))
NetworkPortal(group, "0.0.0.0", 3260)
"""


def volume_id(number: int) -> str:
    return f"8f14e45f-ceea-467f-a8b4-{number:012x}"


def access(number: int, volume: int = 0) -> Access:
    key = f"{volume}-{number}"
    return Access(
        attachment_id=f"attachment-{key}",
        initiator=f"iqn.1993-08.org.debian:01:host{number}",
        username=f"cgctl-{key}",
        secret=Secret(f"Sesame-open-{key}"),
    )


def exported(number: int, *accesses: Access) -> Exported:
    return Exported(volume_id(number), f"/srv/pool/{volume_id(number)}", SIZE_BYTES, accesses)


def make_sources(machine: Machine, exports: Sequence[Exported]) -> None:
    machine.script('for path; do truncate -s 16M "$path"; done', *(export.source for export in exports))


def checksum(machine: Machine, path: str) -> str:
    return machine.run(["sha256sum", path]).stdout.split()[0]


def offered(machine: Machine) -> str:
    """What LIO has: names of targets and backstores."""
    core = "/sys/kernel/config/target/core"
    return machine.script(
        f"cd /sys/kernel/config/target/iscsi && ls -d iqn.* || true; ls -d {core}/*_*/cgctl-* || true"
    )


def saved(machine: Machine) -> str:
    return machine.run(["cat", SAVED]).stdout


@pytest.fixture
def machine(vm1: Machine) -> Machine:
    vm1.script(CLEAN)
    return vm1


@pytest.fixture
def runner(machine: Machine) -> MachineRunner:
    return MachineRunner(machine)


@pytest.fixture
def server(runner: MachineRunner) -> LioExports:
    """The address is the guest's own; from here it is reached by a forwarded port, see `reached`."""
    return LioExports("backend-1", "10.0.2.15:3260", runner)


@pytest.fixture
def export(machine: Machine) -> Exported:
    """A volume that host 1 may use: a file."""
    result = exported(1, access(1, 1))
    make_sources(machine, [result])
    return result


@pytest.fixture
def device(machine: Machine) -> Exported:
    """A volume that host 1 may use: a gate above a thin LV."""
    machine.script(MAKE_GATE)
    return replace(exported(2, access(1, 2)), source="/dev/mapper/g-a")


def reached(server: LioExports, number: int = 1) -> Connection:
    """As clients on this side of the forwarded port see it."""
    assert isinstance(server.runner, MachineRunner)
    port = server.runner.machine.iscsi_port
    return replace(server.connection(volume_id(number)), portal=f"127.0.0.1:{port}")


@contextlib.contextmanager
def writer(server: LioExports, export: Exported, directory: Path, number: int = 0) -> Iterator[Writer]:
    initiator = Initiator.of(export.accesses[number])
    url = initiator.url(reached(server, int(export.volume_id[-12:], 16)))
    with Writer("iscsi", [url], directory, initiator=initiator.name) as writing:
        yield writing


def wrong_detail(server: LioExports, context: Context, *exports: Exported) -> str:
    return "; ".join(finding.detail for finding in server.check_exports(context, exports) if not finding.ok)


class TestAdmission:
    def test_right_initiator_with_right_secret_is_admitted_and_others_are_not(
        self, server: LioExports, context: Context, export: Exported
    ) -> None:
        server.ensure_exports(context, [export])
        connection, right = reached(server), export.accesses[0]
        assert is_admitted(Initiator.of(right).inquire(connection))
        assert is_refused(Initiator.of(right, secret="Sesame-shut-1").inquire(connection), 513)
        assert is_refused(Initiator.of(right, secret="").inquire(connection), 513)
        assert not is_admitted(Initiator.of(right, initiator="iqn.1993-08.org.debian:01:other").inquire(connection))

    def test_each_initiator_has_its_own_secret(self, server: LioExports, context: Context, export: Exported) -> None:
        server.ensure_exports(context, [replace(export, accesses=(access(1, 1), access(2, 1)))])
        first, second = access(1, 1), access(2, 1)
        assert is_admitted(Initiator.of(second).inquire(reached(server)))
        assert is_refused(
            Initiator.of(first, username="cgctl-1-2", secret="Sesame-open-1-2").inquire(reached(server)), 513
        )

    @pytest.mark.soak
    def test_volume_of_another_is_refused(self, server: LioExports, context: Context, machine: Machine) -> None:
        exports = [exported(number, access(number, number)) for number in (1, 2)]
        make_sources(machine, exports)
        server.ensure_exports(context, exports)
        assert not is_admitted(Initiator.of(exports[0].accesses[0]).inquire(reached(server, 2)))

    @pytest.mark.soak
    def test_without_chap_the_name_decides(self, server: LioExports, context: Context, export: Exported) -> None:
        plain = Access("attachment-9", initiator="iqn.1993-08.org.debian:01:host9")
        server.ensure_exports(context, [replace(export, accesses=(plain,))])
        assert is_admitted(Initiator.of(plain).inquire(reached(server)))
        assert not is_admitted(Initiator("iqn.1993-08.org.debian:01:other").inquire(reached(server)))

    @pytest.mark.soak
    def test_volume_without_accesses_is_not_offered(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        server.ensure_exports(context, [replace(export, accesses=())])
        assert offered(machine) == ""
        assert export.volume_id not in saved(machine)

    def test_serial_and_wwn_are_those_of_the_volume_on_files_and_devices(
        self, server: LioExports, context: Context, export: Exported, device: Exported, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export, device])
        for one, number in ((export, 1), (device, 2)):
            initiator, connection = Initiator.of(one.accesses[0]), reached(server, number)
            assert initiator.serial(connection) == connection.serial
            assert initiator.wwn(connection, tmp_path) == wwn(one.volume_id)


class TestSecrecy:
    def test_secret_is_in_no_argument_and_no_label(
        self, server: LioExports, context: Context, export: Exported, runner: MachineRunner, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        [command] = runner.commands
        assert "Sesame" not in command.shown() + repr(command) + "".join(command.argv)
        assert "Sesame" in saved(machine)
        assert machine.run(["stat", "-c", "%a %u", SAVED]).stdout == "600 0\n"


class TestSessions:
    @pytest.mark.soak
    def test_second_ensure_leaves_sessions_alone(
        self, server: LioExports, context: Context, export: Exported, tmp_path: Path
    ) -> None:
        server.ensure_exports(context, [export])
        with writer(server, export, tmp_path) as writing:
            server.ensure_exports(context, [export])
            server.ensure_exports(context, [replace(export, accesses=(access(1, 1), access(2, 1)))])
            writing.wait_for_rounds(20)
        assert writing.summary is not None
        assert writing.summary.errors == 0

    def test_removed_access_loses_its_session_and_the_other_goes_on(
        self, server: LioExports, context: Context, export: Exported, tmp_path: Path
    ) -> None:
        both = replace(export, accesses=(access(1, 1), access(2, 1)))
        server.ensure_exports(context, [both])
        with writer(server, both, tmp_path, 0) as kept, writer(server, both, tmp_path, 1) as removed:
            server.ensure_exports(context, [export])
            acked = removed.acked
            kept.wait_for_rounds(20)
            assert removed.acked == acked
        assert not is_admitted(Initiator.of(access(2, 1)).inquire(reached(server)))

    def test_write_of_a_fenced_session_fails_at_once(
        self, server: LioExports, context: Context, export: Exported, machine: Machine, tmp_path: Path
    ) -> None:
        """The fence alone, without the removal that follows it: an error, not a wait, so nothing is left to land."""
        server.ensure_exports(context, [export])
        with writer(server, export, tmp_path) as writing:
            machine.run(["python3", "-c", FENCE])
            before = checksum(machine, export.source)
            time.sleep(2)
            assert checksum(machine, export.source) == before
        assert writing.summary is not None
        assert writing.summary.errors > 0

    @pytest.mark.parametrize("kind", [LONG_FORM_EXPORT, "device"])
    def test_nothing_is_written_after_removal(
        self, server: LioExports, context: Context, kind: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        export: Exported = request.getfixturevalue(kind)
        assert isinstance(server.runner, MachineRunner)
        machine = server.runner.machine
        server.ensure_exports(context, [export])
        with writer(server, export, tmp_path) as writing:
            writing.wait_for_rounds(20)
            server.remove_exports(context, [export.volume_id])
            before, acked = checksum(machine, export.source), writing.acked
            time.sleep(3)
            assert (checksum(machine, export.source), writing.acked) == (before, acked)
        server.remove_exports(context, [export.volume_id])
        assert offered(machine) == ""

    @pytest.mark.soak
    def test_changed_secret_is_the_only_one(self, server: LioExports, context: Context, export: Exported) -> None:
        server.ensure_exports(context, [export])
        changed = replace(export.accesses[0], secret=Secret("Sesame-changed"))
        server.ensure_exports(context, [replace(export, accesses=(changed,))])
        assert is_admitted(Initiator.of(changed).inquire(reached(server)))
        assert is_refused(Initiator.of(export.accesses[0]).inquire(reached(server)), 513)

    @pytest.mark.parametrize("kind", [LONG_FORM_EXPORT, "device"])
    def test_what_has_grown_shows_its_new_size_and_keeps_its_sessions(
        self,
        server: LioExports,
        context: Context,
        kind: str,
        machine: Machine,
        tmp_path: Path,
        request: pytest.FixtureRequest,
    ) -> None:
        export: Exported = request.getfixturevalue(kind)
        server.ensure_exports(context, [export])
        grown = replace(export, size_bytes=32 * MIB)
        with writer(server, export, tmp_path) as writing:
            machine.script(GROW[kind], export.source)
            server.ensure_exports(context, [grown])
            writing.wait_for_rounds(20)
        assert writing.summary is not None
        assert writing.summary.errors == 0
        assert wrong_detail(server, context, grown) == ""
        assert capacity(server, grown) == 32 * MIB

    @pytest.mark.soak
    def test_file_that_has_grown_is_found(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.script(GROW["export"], export.source)
        assert "16777216 bytes" in wrong_detail(server, context, replace(export, size_bytes=32 * MIB))


def capacity(server: LioExports, export: Exported) -> int:
    """As an initiator sees it."""
    return Initiator.of(export.accesses[0]).capacity(reached(server, int(export.volume_id[-12:], 16)))


class TestRepair:
    def test_what_is_as_it_shall_be_has_no_finding(
        self, server: LioExports, context: Context, export: Exported, device: Exported
    ) -> None:
        server.ensure_exports(context, [export, device])
        assert wrong_detail(server, context, export, device) == ""

    @pytest.mark.soak
    def test_missing_source_is_refused_before_anything_is_changed(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        with pytest.raises(errors.NotOnServer, match=volume_id(2)):
            server.ensure_exports(context, [export, exported(2, access(1, 2))])
        assert offered(machine) == ""

    def test_restored_configuration_serves_as_before(
        self,
        server: LioExports,
        context: Context,
        export: Exported,
        device: Exported,
        machine: Machine,
        tmp_path: Path,
    ) -> None:
        server.ensure_exports(context, [export, device])
        machine.run(["targetctl", "clear"])
        assert "is not offered" in wrong_detail(server, context, export, device)
        machine.run(["targetctl", "restore"])
        assert wrong_detail(server, context, export, device) == ""
        assert is_admitted(Initiator.of(device.accesses[0]).inquire(reached(server, 2)))
        with writer(server, export, tmp_path) as writing:
            server.ensure_exports(context, [export, device])
            writing.wait_for_rounds(20)
        assert writing.summary is not None
        assert writing.summary.errors == 0

    @pytest.mark.soak
    def test_file_replaced_after_a_restore_is_found(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.script('targetctl clear; targetctl restore; mv "$1" "$1.old"; cp "$1.old" "$1"', export.source)
        assert "serves a file that has been replaced" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_rebooted_server_offers_its_volumes_by_itself(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.reboot()
        assert is_admitted(Initiator.of(export.accesses[0]).inquire(reached(server)))
        assert wrong_detail(server, context, export) == ""

    def test_write_protected_unit_is_found_and_mended(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.script("echo 1 | tee /sys/kernel/config/target/iscsi/iqn.*/tpgt_1/acls/*/lun_1/write_protect")
        assert "cannot write to LUN 1 alone" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_file_replaced_under_its_name_is_found_and_opened_anew(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.script('mv "$1" "$1.old"; cp "$1.old" "$1"', export.source)
        assert "serves a file that has been replaced" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_write_back_cache_of_another_hand_is_found_and_replaced(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.script("echo 1 | tee /sys/kernel/config/target/core/fileio_*/cgctl-*/attrib/emulate_write_cache")
        assert "write-back cache" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_lost_saved_configuration_is_found_and_written_again(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.run(["rm", SAVED])
        assert "would not be the same after a reboot" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_damaged_saved_configuration_is_found_and_mended_as_the_check_tells(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        machine.run(["truncate", "-s", "0", SAVED])
        with pytest.raises(errors.ServerFailed, match="is damaged"):
            server.ensure_exports(context, [export])
        [finding] = [one for one in server.check_exports(context, [export]) if not one.ok]
        assert finding.hint
        machine.script(finding.hint.removeprefix("on the server: "))
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    @pytest.mark.soak
    def test_target_that_nobody_asked_for_is_found_and_removed_as_the_check_tells(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        server.ensure_exports(context, [export])
        [finding] = [one for one in server.check_exports(context, []) if not one.ok]
        assert "is offered but not known" in finding.detail
        assert finding.hint
        machine.script(finding.hint.partition(": ")[2])
        assert offered(machine) == ""

    def test_foreign_targets_stay_also_those_that_are_only_saved(
        self, server: LioExports, context: Context, export: Exported, machine: Machine
    ) -> None:
        """A wildcard of theirs has the port: ours is offered on it, too."""
        machine.run(["python3", "-c", FOREIGN_TARGET, FOREIGN])
        lost = {"storage_objects": [{"name": "lost", "plugin": "block"}], "targets": [{"wwn": "iqn.2020-01.org:lost"}]}
        machine.run(["tee", SAVED], input=json.dumps(lost))
        server.ensure_exports(context, [export])
        assert is_admitted(Initiator.of(export.accesses[0]).inquire(reached(server)))
        server.remove_exports(context, [export.volume_id])
        assert offered(machine).strip() == FOREIGN
        assert json.loads(saved(machine)) == lost


class TestMany:
    @pytest.mark.soak
    def test_24_volumes_are_exported_by_one_execution(
        self, server: LioExports, context: Context, machine: Machine, runner: MachineRunner
    ) -> None:
        """A volume takes the slow guest about a second."""
        context = replace(context, deadline=context.deadline + timedelta(seconds=120))
        exports = [exported(number, access(1, number), access(2, number)) for number in range(24)]
        make_sources(machine, exports)
        server.ensure_exports(context, exports)
        assert len(runner.commands) == 1
        assert wrong_detail(server, context, *exports) == ""
        server.remove_exports(context, [export.volume_id for export in exports])
        assert offered(machine) == ""

    @pytest.mark.soak
    def test_two_at_once_do_not_collide(self, server: LioExports, context: Context, machine: Machine) -> None:
        exports = [exported(number, access(1, number)) for number in range(8)]
        make_sources(machine, exports)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: server.ensure_exports(context, part), (exports[n::2] for n in (0, 1, 0, 1))))
        assert wrong_detail(server, context, *exports) == ""

    @pytest.mark.soak
    def test_run_that_is_killed_anywhere_is_finished_by_the_next(
        self, server: LioExports, context: Context, machine: Machine, runner: MachineRunner
    ) -> None:
        exports = [exported(number, access(1, number)) for number in range(8)]
        make_sources(machine, exports)
        for runner.kill_after_seconds in (1.2, 1.4, 1.6, 1.8, 2.0):
            with contextlib.suppress(errors.ServerFailed):  # a fast machine is done before
                server.ensure_exports(context, exports)
        runner.kill_after_seconds = None
        server.ensure_exports(context, exports)
        assert wrong_detail(server, context, *exports) == ""
        ids = [export.volume_id for export in exports]
        for runner.kill_after_seconds in (1.2, 1.5, 1.8):
            with contextlib.suppress(errors.ServerFailed):
                server.remove_exports(context, ids)
        runner.kill_after_seconds = None
        server.remove_exports(context, ids)
        assert offered(machine) == ""


class TestBadInput:
    @pytest.mark.parametrize(
        "change",
        [
            {"source": "/srv/pool/a,fd_buffered_io=1"},
            {"source": "/srv/pool/a b"},
            {"source": "/srv/pool/" + "a" * 250},
            {"accesses": (replace(access(1), initiator="iqn.x/y"),)},
            {"accesses": (replace(access(1), initiator="iqn.2020-01.org:x"),)},
            {"accesses": (replace(access(1), secret=Secret("short")),)},
            {"accesses": (access(1), Access("attachment-2", initiator="iqn.2020-01.org:x"))},
        ],
    )
    def test_what_lio_would_misread_is_refused(
        self, server: LioExports, context: Context, export: Exported, change: dict[str, object], runner: MachineRunner
    ) -> None:
        with pytest.raises(errors.ServerRefused):
            server.ensure_exports(context, [replace(export, **change)])  # type: ignore[arg-type]
        assert runner.commands == []
