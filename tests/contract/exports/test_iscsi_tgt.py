"""tgt with real initiators: who is admitted, what is repaired, what ends."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import errors
from drivers.command import Secret
from drivers.contract import Access, Context, Exported
from drivers.exports.iscsi_identity import wwn
from drivers.exports.iscsi_tgt import TgtExports
from tests.contract.exports.host_runner import HostRunner
from tests.contract.exports.iscsi_client import Initiator, is_admitted, is_refused
from tests.e2e.writers import Writer
from tests.lab.host import Host
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

MIB = 1024**2
SIZE_BYTES = 16 * MIB


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


def make_sources(host: Host, exports: Sequence[Exported]) -> None:
    for export in exports:
        with host.path(export.source).open("wb") as file:
            file.truncate(export.size_bytes)


def tgtadm(host: Host, *arguments: str) -> str:
    return host.run(["tgtadm", "--lld", "iscsi", *arguments]).stdout


def shown(host: Host, mode: str = "target") -> str:
    return tgtadm(host, "--op", "show", "--mode", mode)


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def server(runner: HostRunner) -> TgtExports:
    return TgtExports("backend-1", f"{runner.host.ip}:3260", runner)


@pytest.fixture
def export(stor1: Host, clean_pools: None) -> Exported:
    """A volume that host 1 may use."""
    result = exported(1, access(1, 1))
    make_sources(stor1, [result])
    return result


class TestAdmission:
    def test_right_initiator_with_right_secret_is_admitted(
        self, server: TgtExports, context: Context, export: Exported
    ) -> None:
        server.ensure_exports(context, [export])
        connection = server.connection(export.volume_id)
        assert is_admitted(Initiator.of(export.accesses[0]).inquire(connection))

    def test_wrong_secret_wrong_name_or_no_chap_is_refused(
        self, server: TgtExports, context: Context, export: Exported
    ) -> None:
        server.ensure_exports(context, [export])
        connection, right = server.connection(export.volume_id), export.accesses[0]
        assert is_refused(Initiator.of(right, secret="Sesame-shut-1").inquire(connection), 513)
        assert is_refused(Initiator.of(right, initiator="iqn.1993-08.org.debian:01:other").inquire(connection), 515)
        assert is_refused(Initiator.of(right, secret="").inquire(connection), 513)

    def test_volume_of_another_is_refused(self, server: TgtExports, context: Context, stor1: Host) -> None:
        exports = [exported(number, access(number, number)) for number in (1, 2)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        other = Initiator.of(exports[0].accesses[0])
        assert is_refused(other.inquire(server.connection(volume_id(2))), 515)

    def test_without_chap_the_name_decides(self, server: TgtExports, context: Context, export: Exported) -> None:
        plain = Access("attachment-9", initiator="iqn.1993-08.org.debian:01:host9")
        server.ensure_exports(context, [replace(export, accesses=(plain,))])
        connection = server.connection(export.volume_id)
        assert is_admitted(Initiator.of(plain).inquire(connection))
        assert is_refused(Initiator("iqn.1993-08.org.debian:01:other").inquire(connection), 515)

    def test_volume_without_accesses_is_not_offered(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        server.ensure_exports(context, [replace(export, accesses=())])
        assert shown(stor1) == ""
        assert shown(stor1, "account") == ""

    def test_serial_and_wwn_are_the_same_after_a_remake_under_another_number(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host, tmp_path: Path
    ) -> None:
        initiator, connection = Initiator.of(export.accesses[0]), server.connection(export.volume_id)
        server.ensure_exports(context, [export])
        assert initiator.wwn(connection, tmp_path) == wwn(export.volume_id)
        server.remove_exports(context, [export.volume_id])
        tgtadm(stor1, "--op", "new", "--mode", "target", "--tid", "1", "-T", "iqn.2020-01.org.example:other")
        server.ensure_exports(context, [export])
        assert initiator.serial(connection) == connection.serial
        assert initiator.wwn(connection, tmp_path) == wwn(export.volume_id)


class TestSecrecy:
    def test_secret_shows_in_no_process_list_nor_label(
        self, server: TgtExports, context: Context, stor1: Host, runner: HostRunner
    ) -> None:
        exports = [exported(number, access(number, number)) for number in range(64)]
        make_sources(stor1, exports)
        seen: list[str] = []
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                seen.append(command_lines())

        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(watch)
            server.ensure_exports(context, exports)
            done.set()
            watching.result()
        assert any("iscsi_tgt/exports.sh" in text or "perl" in text for text in seen), "the script was never seen"
        lines = {line for text in seen for line in text.splitlines() if "Sesame" in line}
        assert [line for line in lines if not line.startswith(CLIENTS)] == []
        assert "Sesame" not in repr(runner.commands) + "".join(command.shown() for command in runner.commands)


CLIENTS = f"{tempfile.gettempdir()}/cgctl-lab-"
"""Where a lab has the clients that it has built, and another one beside us uses them: they are told secrets so."""


def command_lines() -> str:
    result = []
    for path in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                result.append((path / name).read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(result)


class TestSessions:
    def test_second_ensure_leaves_sessions_alone(
        self, server: TgtExports, context: Context, export: Exported, lab: Lab, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        with writer(server, export, lab) as writing:
            before = session_numbers(stor1)
            server.ensure_exports(context, [export])
            writing.wait_for_rounds(5)
            assert session_numbers(stor1) == before != []

    def test_removed_access_loses_its_session_and_the_other_goes_on(
        self, server: TgtExports, context: Context, export: Exported, lab: Lab, stor1: Host
    ) -> None:
        both = replace(export, accesses=(access(1, 1), access(2, 1)))
        server.ensure_exports(context, [both])
        with writer(server, both, lab, 0) as kept, writer(server, both, lab, 1) as removed:
            server.ensure_exports(context, [replace(export, accesses=(access(1, 1),))])
            acked = removed.acked
            kept.wait_for_rounds(20)
            assert removed.acked == acked
            assert f"{access(2, 1).initiator}" not in shown(stor1)
        assert f"{access(2, 1).username}" not in shown(stor1, "account")
        assert is_refused(Initiator.of(access(2, 1)).inquire(server.connection(export.volume_id)), 515)

    def test_nothing_is_written_after_removal(
        self, server: TgtExports, context: Context, export: Exported, lab: Lab, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        with writer(server, export, lab) as writing:
            writing.wait_for_rounds(20)
            server.remove_exports(context, [export.volume_id])
            before, acked = checksum(stor1.path(export.source)), writing.acked
            time.sleep(3)
            assert checksum(stor1.path(export.source)) == before
            assert writing.acked == acked
        server.remove_exports(context, [export.volume_id])
        assert shown(stor1) == shown(stor1, "account") == ""

    def test_changed_secret_replaces_the_account(self, server: TgtExports, context: Context, export: Exported) -> None:
        server.ensure_exports(context, [export])
        changed = replace(export.accesses[0], secret=Secret("Sesame-changed"))
        server.ensure_exports(context, [replace(export, accesses=(changed,))])
        connection = server.connection(export.volume_id)
        assert is_admitted(Initiator.of(changed).inquire(connection))
        assert is_refused(Initiator.of(export.accesses[0]).inquire(connection), 513)

    def test_each_access_of_several_can_be_removed_and_added_again(
        self, server: TgtExports, context: Context, export: Exported
    ) -> None:
        """tgtd 1.0.85 dies when an account in the middle is unbound and its targets are shown."""
        everyone = [access(number, 1) for number in (1, 2, 3)]
        connection = server.connection(export.volume_id)
        for removed in everyone:
            for accesses in (everyone, [kept for kept in everyone if kept != removed]):
                server.ensure_exports(context, [replace(export, accesses=tuple(accesses))])
                admitted = [is_admitted(Initiator.of(each).inquire(connection)) for each in everyone]
                assert admitted == [each in accesses for each in everyone]

    def test_account_of_another_target_is_not_taken(self, server: TgtExports, context: Context, stor1: Host) -> None:
        first, second = exported(1, access(1, 1)), exported(2, access(1, 1))
        make_sources(stor1, [first, second])
        server.ensure_exports(context, [first])
        with pytest.raises(errors.AlreadyOnServer, match=f"{access(1, 1).username} belongs to"):
            server.ensure_exports(context, [second])
        with pytest.raises(errors.ServerRefused, match="each needs its own"):
            server.ensure_exports(context, [first, second])


def writer(server: TgtExports, export: Exported, lab: Lab, number: int = 0) -> Writer:
    initiator = Initiator.of(export.accesses[number])
    url = initiator.url(server.connection(export.volume_id))
    return Writer("iscsi", [url], lab.directory, initiator=initiator.name)


def session_numbers(host: Host) -> list[str]:
    return [line.strip() for line in shown(host).splitlines() if "I_T nexus: " in line]


class TestRepair:
    def test_restarted_tgtd_is_found_and_mended(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        assert [finding.ok for finding in server.check_exports(context, [export])] == [True]
        stor1.restart_tgtd()
        wrong = [finding for finding in server.check_exports(context, [export]) if not finding.ok]
        assert [(finding.check, finding.detail) for finding in wrong] == [
            (f"export of volume {export.volume_id}", "is not offered")
        ]
        server.ensure_exports(context, [export])
        assert is_admitted(Initiator.of(export.accesses[0]).inquire(server.connection(export.volume_id)))

    def test_stopped_tgtd_is_refused_with_a_hint(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        stor1.stop_service("tgtd")
        with pytest.raises(errors.ToolMissing, match="tgtd is not running") as caught:
            server.ensure_exports(context, [export])
        assert caught.value.hint == "on the server: systemctl start tgt"
        [finding] = server.check_exports(context, [export])
        assert (finding.ok, finding.hint) == (False, caught.value.hint)

    def test_missing_source_is_refused_before_anything_is_changed(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        with pytest.raises(errors.NotOnServer, match=volume_id(2)):
            server.ensure_exports(context, [export, exported(2, access(1, 2))])
        assert shown(stor1) == ""

    @pytest.mark.parametrize(
        ("options", "detail"),
        [
            (["--bstype", "rdwr"], "Backing store flags is '', not 'direct'"),
            (["--bstype", "aio"], "Backing store type is 'aio', not 'rdwr'"),
        ],
    )
    def test_unsafe_unit_of_another_hand_is_found_and_replaced(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host, options: list[str], detail: str
    ) -> None:
        server.ensure_exports(context, [export])
        tgtadm(stor1, "--op", "delete", "--mode", "logicalunit", "--tid", "1", "--lun", "1")
        unit = ["--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", export.source]
        tgtadm(stor1, *unit, *options)
        assert detail in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    def test_unit_that_fell_back_to_read_only_is_found(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        stor1.run(["mount", "-o", "bind,ro", "/srv/pool", "/srv/pool"])
        try:
            with pytest.raises(errors.ServerFailed, match="Readonly is 'Yes', not 'No'"):
                server.ensure_exports(context, [export])
        finally:
            server.remove_exports(context, [export.volume_id])
            stor1.run(["umount", "/srv/pool"])

    def test_grown_source_is_served_in_its_new_size(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        grown = replace(export, size_bytes=32 * MIB)
        with stor1.path(export.source).open("r+b") as file:
            file.truncate(grown.size_bytes)
        assert "Size is '17 MB" in wrong_detail(server, context, grown)
        server.ensure_exports(context, [grown])
        assert "Size: 34 MB" in shown(stor1)

    def test_source_replaced_under_its_name_is_found_and_opened_anew(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        server.ensure_exports(context, [export])
        stor1.script('mv "$1" "$1.old"; cp "$1.old" "$1"', export.source)
        assert "serves a file that has been replaced" in wrong_detail(server, context, export)
        server.ensure_exports(context, [export])
        assert wrong_detail(server, context, export) == ""

    def test_half_made_target_is_repaired(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        iqn = server.connection(export.volume_id).iqn or ""
        tgtadm(stor1, "--op", "new", "--mode", "target", "--tid", "1", "-T", iqn)
        server.ensure_exports(context, [export])
        assert is_admitted(Initiator.of(export.accesses[0]).inquire(server.connection(export.volume_id)))

    def test_target_that_nobody_asked_for_is_found(
        self, server: TgtExports, context: Context, export: Exported
    ) -> None:
        server.ensure_exports(context, [export])
        [_, finding] = server.check_exports(context, [])
        assert "is offered but not known" in finding.detail
        assert not finding.ok

    def test_foreign_targets_and_accounts_stay(
        self, server: TgtExports, context: Context, export: Exported, stor1: Host
    ) -> None:
        tgtadm(stor1, "--op", "new", "--mode", "target", "--tid", "1", "-T", "iqn.2020-01.org.example:other")
        tgtadm(stor1, "--op", "new", "--mode", "account", "--user", "other", "--password", "othersecret12")
        server.ensure_exports(context, [export])
        server.remove_exports(context, [export.volume_id])
        assert "iqn.2020-01.org.example:other" in shown(stor1)
        assert "other" in shown(stor1, "account")


def wrong_detail(server: TgtExports, context: Context, export: Exported) -> str:
    return "; ".join(finding.detail for finding in server.check_exports(context, [export]) if not finding.ok)


class TestMany:
    def test_64_volumes_are_exported_by_one_execution(
        self, server: TgtExports, context: Context, stor1: Host, runner: HostRunner
    ) -> None:
        exports = [exported(number, access(1, number), access(2, number)) for number in range(64)]
        make_sources(stor1, exports)
        server.ensure_exports(context, exports)
        assert len(runner.commands) == 1
        assert [finding.ok for finding in server.check_exports(context, exports)] == [True]
        server.remove_exports(context, [export.volume_id for export in exports])
        assert shown(stor1) == shown(stor1, "account") == ""

    def test_two_at_once_do_not_collide(self, server: TgtExports, context: Context, stor1: Host) -> None:
        exports = [exported(number, access(1, number)) for number in range(32)]
        make_sources(stor1, exports)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: server.ensure_exports(context, part), (exports[n::2] for n in (0, 1, 0, 1))))
        assert [finding.ok for finding in server.check_exports(context, exports)] == [True]

    def test_run_that_is_killed_anywhere_is_finished_by_the_next(
        self, server: TgtExports, context: Context, stor1: Host, runner: HostRunner
    ) -> None:
        exports = [exported(number, access(1, number)) for number in range(16)]
        make_sources(stor1, exports)
        for runner.kill_after_seconds in (0.02, 0.025, 0.03, 0.035, 0.04):
            with contextlib.suppress(errors.ServerFailed):  # a fast machine is done before
                server.ensure_exports(context, exports)
        runner.kill_after_seconds = None
        server.ensure_exports(context, exports)
        assert [finding.ok for finding in server.check_exports(context, exports)] == [True]
        server.remove_exports(context, [export.volume_id for export in exports])
        assert shown(stor1) == shown(stor1, "account") == ""


class TestBadInput:
    @pytest.mark.parametrize(
        "change",
        [
            {"source": "/srv/pool/a,bstype=aio"},
            {"source": "/srv/pool/a\tb"},
            {"accesses": (replace(access(1), initiator="iqn.x,y"),)},
            {"accesses": (replace(access(1), username="a,password=b"),)},
            {"accesses": (replace(access(1), secret=Secret("short")),)},
            {"accesses": (access(1), Access("attachment-2", initiator="iqn.2020-01.org:x"))},
        ],
    )
    def test_what_tgt_would_misread_is_refused(
        self, server: TgtExports, context: Context, export: Exported, change: dict[str, object], runner: HostRunner
    ) -> None:
        with pytest.raises(errors.ServerRefused):
            server.ensure_exports(context, [replace(export, **change)])  # type: ignore[arg-type]
        assert runner.commands == []


class Between:
    """Stands in front of tgtd's control socket: asked, how many bytes each connection has sent."""

    def __init__(self, host: Host) -> None:
        self.asked: list[int] = []
        self._place = host.path("/run/tgtd/socket.0")
        self._real = self._place.with_name("socket.real")

    def __enter__(self) -> Between:
        self._place.rename(self._real)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._place))
        self._listening.listen()
        threading.Thread(target=self._pass_on, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._place.unlink()
        self._real.rename(self._place)

    def _pass_on(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as tgtd:
                request = client.recv(65536)
                self.asked.append(len(request))
                if request:
                    tgtd.connect(str(self._real))
                    tgtd.sendall(request)
                    while answer := tgtd.recv(65536):
                        client.sendall(answer)


def test_nobody_looks_at_tgtd_without_asking(server: TgtExports, context: Context, stor1: Host) -> None:
    """tgtd 1.0.85 may read a connection that ends without a request for ever, with a whole processor."""
    make_sources(stor1, [exported(1)])
    with Between(stor1) as between:
        server.ensure_exports(context, [exported(1)])
        server.check_exports(context, [exported(1)])
        server.remove_exports(context, [volume_id(1)])
    assert min(between.asked) >= 120
