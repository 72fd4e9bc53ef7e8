"""An export's life through cgctl: who gets in, what ends, what comes back, and that its secret stays one."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.contract import Connection
from tests.contract.exports.iscsi_client import Initiator, is_admitted, is_refused
from tests.e2e.client_reads import nfs_url
from tests.e2e.cluster import INITIATOR, ISCSI, NFS, Attached, Cluster, CommandLine, Members
from tests.e2e.places import LONG_MACHINE, NAMESPACES, VM, place
from tests.e2e.process_watch import ProcessWatch
from tests.e2e.under_load import writing
from tests.e2e.writers import Writer, is_ordered, read_counters
from tests.lab import Host
from tests.lab.command import run

MIB = 1024**2
SECRET = "Abcdef1234567890"
AUTHENTICATION_FAILED, NOT_FOUND = 513, 515


@dataclass(frozen=True)
class Offered:
    """A group of two volumes, each with one attachment."""

    cluster: CommandLine
    members: Members
    attached: list[Attached]

    @property
    def host(self) -> Host:
        assert isinstance(self.cluster, Cluster)
        return self.cluster.host_of(self.members)

    @property
    def backend(self) -> str:
        return "alpha" if self.members.volume_type == ISCSI else "beta"

    def counters(self) -> list[int]:
        return self.cluster.counters(self.members)

    def digests(self) -> list[str]:
        return self.cluster.digests(self.members)


@pytest.fixture(params=[*NAMESPACES, *LONG_MACHINE])
def offered(request: pytest.FixtureRequest) -> Offered:
    fixture, volume_type = request.param
    cluster: CommandLine = request.getfixturevalue(fixture)
    members = cluster.group("db", 2, volume_type, size="8M")
    return Offered(cluster, members, cluster.attach_all(members))


@pytest.fixture
def writer(offered: Offered, tmp_path: Path) -> Iterator[Writer]:
    with writing(offered.members, offered.attached, tmp_path) as result:
        yield result


@pytest.fixture
def volume(cluster: Cluster) -> str:
    """One iSCSI volume without attachments."""
    return cluster.group("one", 1, size="8M").volume_ids[0]


def connection(one: Attached) -> Connection:
    shown = one.shown
    return Connection(
        "iscsi", one.reached or shown["portal"], iqn=shown["iqn"], lun=shown["lun"], serial=shown["serial"]
    )


def initiator(one: Attached, name: str = INITIATOR, secret: str | None = None) -> Initiator:
    return Initiator(name, f"{one.shown['username']}%{secret or one.secret}@")


def test_what_is_written_through_the_export_is_in_the_volume(offered: Offered, writer: Writer) -> None:
    writer.wait_for_rounds(20)
    writer.pause()
    assert offered.counters() == [writer.acked] * 2


def test_only_the_initiator_with_the_secret_gets_in(cluster: Cluster, volume: str) -> None:
    one = cluster.attach(volume)
    assert is_admitted(initiator(one).inquire(connection(one)))
    assert is_refused(initiator(one, secret="wrong-secret-123").inquire(connection(one)), AUTHENTICATION_FAILED)
    assert not is_admitted(Initiator(INITIATOR).inquire(connection(one)))
    assert is_refused(initiator(one, name="iqn.2026-11.io.test:other").inquire(connection(one)), NOT_FOUND)


def test_only_the_attached_address_gets_in_over_nfs(cluster: Cluster) -> None:
    members = cluster.group("one", 1, NFS, size="8M")
    url = cluster.attach(members.volume_ids[0], NFS).url
    assert run(["nfs-cat", f"{url}?version=4"], check=False).returncode == 0
    (attachment,) = cluster.run("attachment-list", "-f", "json").json
    cluster.run("attachment-delete", attachment["id"])
    cluster.run("attachment-create", members.volume_ids[0], "--ip", "10.77.0.8")
    assert "NFS4ERR" in run(["nfs-cat", f"{url}?version=4"], check=False).stderr


def test_detached_writer_writes_nothing_more(offered: Offered, writer: Writer) -> None:
    writer.wait_for_rounds(10)
    offered.cluster.run("attachment-delete", *(one.id for one in offered.attached))
    acked, digests = writer.acked, offered.digests()
    time.sleep(1)
    assert writer.is_running()
    assert writer.acked == acked
    assert offered.digests() == digests
    statuses = [offered.cluster.run("show", one, "-f", "json").json["status"] for one in offered.members.volume_ids]
    assert statuses == ["available", "available"]


def test_detached_writer_goes_on_when_it_is_attached_again(cluster: Cluster, volume: str, tmp_path: Path) -> None:
    """The control of the test above: it is the export that stopped it. The same secret, as from an environment."""
    members = cluster.members_of("one")
    attach = ("attachment-create", volume, "--initiator", INITIATOR, "-f", "json")
    one = Attached(cluster.run(*attach, CGCTL_CHAP_SECRET=SECRET).json)
    with Writer("iscsi", [one.url], tmp_path, initiator=INITIATOR) as writer:
        writer.wait_for_rounds(5)
        cluster.run("attachment-delete", one.id)
        other = Attached(cluster.run(*attach, CGCTL_CHAP_SECRET=SECRET).json)
        assert other.shown["serial"] == one.shown["serial"]
        assert other.shown["username"] != one.shown["username"]
        acked = writer.acked
    with writing(members, [other], tmp_path, first_round=acked + 1) as again:
        again.wait_for_rounds(5)
    assert read_counters(cluster.disks(members))[0] > acked


def lose_tgtd(offered: Offered) -> None:
    offered.host.restart_tgtd()


def crash(offered: Offered) -> None:
    offered.cluster.crash(offered.members)


def serials(offered: Offered) -> list[str]:
    if offered.members.volume_type == NFS:
        return []
    return [initiator(one).serial(connection(one)) for one in offered.attached]


def assert_repair_brings_it_back(offered: Offered, writer: Writer, lose: Callable[[Offered], None]) -> None:
    cluster, before = offered.cluster, serials(offered)
    cluster.run("backend-check", offered.backend)
    lose(offered)
    found = cluster.run("backend-check", offered.backend, "-f", "json", expect=6)
    hints = {row["check"]: row["hint"] for row in found.json if row["result"] != "ok"}
    assert {f"export of volume {one}" for one in offered.members.volume_ids} <= set(hints)
    (hint,) = set(hints.values())
    acked = writer.acked
    assert hint.startswith("cgctl ")
    cluster.run(*hint.split()[1:])
    writer.wait_for_rounds(10)
    assert writer.acked > acked
    cluster.run("backend-check", offered.backend)
    assert serials(offered) == before
    writer.pause()  # reading one member after the other takes its time
    assert is_ordered(offered.counters())


@pytest.mark.parametrize("offered", NAMESPACES[:1], indirect=True)
def test_after_a_restart_of_tgtd_repair_brings_the_exports_back_and_the_writer_goes_on(
    offered: Offered, writer: Writer
) -> None:
    assert_repair_brings_it_back(offered, writer, lose_tgtd)


def test_after_a_crash_of_the_server_repair_brings_the_exports_back_and_the_writer_goes_on(
    offered: Offered, writer: Writer
) -> None:
    assert_repair_brings_it_back(offered, writer, crash)


def seen_bytes(one: Attached) -> int:
    """The size that a client is told now."""
    if one.shown["protocol"] == "nfs":
        return len(run(["nfs-cat", nfs_url(one)]).stdout)
    return initiator(one).capacity(connection(one))


@pytest.mark.parametrize("offered", [place("lvm_cluster", ISCSI, VM), *LONG_MACHINE[1:3]], indirect=True)
def test_a_volume_grows_while_it_is_written_to(offered: Offered, writer: Writer) -> None:
    """LIO and the kernel's NFS server; ganesha does, too, after 62 s; tgt does not."""
    cluster, volume = offered.cluster, offered.members.volume_ids[0]
    writer.wait_for_rounds(5)
    cluster.run("extend", volume, "16M")
    writer.wait_for_rounds(5)
    assert writer.status().errors == 0
    assert [seen_bytes(one) for one in offered.attached] == [16 * MIB, 8 * MIB]
    shown = cluster.run("show", volume, "-f", "json").json
    assert (shown["status"], shown["size"]) == ("in-use", 16 / 1024)
    cluster.run("backend-check", offered.backend)
    writer.pause()
    assert is_ordered(offered.counters())


@pytest.mark.parametrize("offered", NAMESPACES[1:], indirect=True)
def test_restart_of_ganesha_loses_no_export(offered: Offered, writer: Writer) -> None:
    """It reads cgctl's file of exports; the mounts are still there."""
    offered.host.restart_ganesha()
    writer.wait_for_rounds(10)
    offered.cluster.run("backend-check", offered.backend)


def test_attached_clone_is_the_snapshot_while_the_source_goes_on(
    offered: Offered, writer: Writer, tmp_path: Path
) -> None:
    cluster, volume_type = offered.cluster, offered.members.volume_type
    shown = cluster.run("group-snapshot-create", "db", "--name", "s", "-f", "json").json
    cluster.run("group-create-from-src", "--group-snapshot", "s", "--name", "copy")
    copy = cluster.members_of("copy")
    frozen = cluster.snapshot_digests(offered.members, shown["id"])
    attached = cluster.attach_all(copy)
    assert cluster.digests(copy) == frozen
    writer.wait_for_rounds(10)
    assert offered.counters()[0] > cluster.snapshot_counters(offered.members, shown["id"])[0]
    with writing(copy, attached, tmp_path, first_round=1_000_000) as other:
        other.wait_for_rounds(5)
        writer.wait_for_rounds(5)
    assert min(cluster.counters(copy)) >= 1_000_000
    assert max(offered.counters()) < 1_000_000
    assert cluster.snapshot_digests(offered.members, shown["id"]) == frozen
    if volume_type == ISCSI:
        assert {one.shown["serial"] for one in attached}.isdisjoint(one.shown["serial"] for one in offered.attached)


def test_a_repair_offers_what_is_there_and_tells_what_is_not(cluster: Cluster) -> None:
    """After a boot without one of the disks, say: the others' clients get their volumes back."""
    members = cluster.group("db", 4, ISCSI, size="8M")
    attached = cluster.attach_all(members)
    lost = cluster.disks(members)[2]
    lost.rename(lost.with_name("away"))
    cluster.host_of(members).restart_tgtd()
    repaired = cluster.cgctl_process("backend-check", "alpha", "--repair")
    assert repaired.exit_code == 6
    assert "volume db-3: is not offered" in repaired.stderr
    assert [is_admitted(initiator(one).inquire(connection(one))) for one in attached] == [True, True, False, True]
    lost.with_name("away").rename(lost)
    cluster.run("backend-check", "alpha", "--repair")
    assert all(is_admitted(initiator(one).inquire(connection(one))) for one in attached)


def test_secret_is_shown_once_and_is_in_no_list_log_or_process(cluster: Cluster, volume: str) -> None:
    created = []
    with ProcessWatch() as watch:
        for number in range(4):
            client = ("--initiator", f"iqn.2026-11.io.test:c{number}")
            done = cluster.cgctl_process("--verbose", "attachment-create", volume, *client, "-f", "json")
            assert done.exit_code == 0, done.stderr
            created.append((Attached(done.json), done.stderr))
        repaired = cluster.cgctl_process("--verbose", "backend-check", "alpha", "--repair")
    assert repaired.exit_code == 0
    assert watch.has_seen("tgtd")  # processes of the server are in sight,
    assert watch.has_seen("iscsi_tgt/exports.sh")  # and the short-lived ones that make the export
    attachment = created[0][0]
    later = [
        cluster.run(*words, "-f", "json").stdout
        for words in (
            ("history",),
            ("attachment-list", "--long"),
            ("attachment-show", attachment.id),
            ("show", volume),
            ("list", "--long"),
            ("backend-check", "alpha"),
        )
    ]
    told = [*later, repaired.stdout, repaired.stderr, *(verbose for _, verbose in created)]
    assert "exports.sh" in created[0][1]  # --verbose shows what was run
    for one, _ in created:
        assert len(one.secret) >= 12
        assert [text for text in told if one.secret in text] == []
        assert not watch.has_seen(one.secret)


def test_state_with_its_secrets_is_for_its_owner_alone(cluster: Cluster, volume: str) -> None:
    cluster.attach(volume)
    state = Path(cluster.state.removeprefix("sqlite:///"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.parent.glob("state.db*")}
    assert modes
    assert set(modes.values()) == {0o600}
