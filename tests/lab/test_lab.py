"""The lab itself works: what other tests take for granted is shown here, with its negative controls."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.writers import Writer, is_ordered, read_counters
from tests.lab import loops, network
from tests.lab.command import LabError, run, wait_until
from tests.lab.host import Host
from tests.lab.instance import Instance
from tests.lab.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

MEMBERS = ("a", "b", "c", "d")
ISCSI_EXPORT = """
btrfs -q subvolume create /srv/pool/g
tid=0
for volume in a b c d; do
    tid=$((tid + 1))
    truncate -s 16M "/srv/pool/g/$volume"
    tgtadm --lld iscsi --op new --mode target --tid $tid -T "iqn.2024-01.lab:$volume"
    tgtadm --lld iscsi --op new --mode logicalunit --tid $tid --lun 1 \
        -b "/srv/pool/g/$volume" --bstype rdwr --bsoflags direct
    tgtadm --lld iscsi --op bind --mode target --tid $tid -I ALL
done
"""
CHAP = """
tgtadm --lld iscsi --op new --mode account --user alice --password "$1"
for tid in 1 2 3 4; do tgtadm --lld iscsi --op bind --mode account --tid $tid --user alice; done
"""
NFS_EXPORT = """
btrfs -q subvolume create /srv/pool/g
mkdir -p /run/export/g
mount -o subvol=g "$(findmnt -no SOURCE /srv/pool)" /run/export/g
touch /run/export/g/a /run/export/g/b /run/export/g/c /run/export/g/d
cat >/etc/ganesha/cgctl-exports.conf <<END
EXPORT { Export_Id = 101; Path = /run/export/g; Pseudo = /g; Access_Type = None; Squash = no_root_squash;
    SecType = sys; Protocols = 4; Transports = TCP; FSAL { Name = VFS; }
    CLIENT { Clients = 10.77.0.9; Access_Type = RW; Protocols = 4; } }
END
dbus-send --system --print-reply --dest=org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr \
    org.ganesha.nfsd.exportmgr.AddExport string:/etc/ganesha/cgctl-exports.conf "string:EXPORT(Export_Id=101)"
"""


def ssh(lab: Lab, host: Host, user: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return run(["ssh", "-F", str(lab.ssh_config), "-l", user, host.name, *argv], check=False)


def iscsi_urls(host: Host, credentials: str = "") -> list[str]:
    return [f"iscsi://{credentials}{host.ip}/iqn.2024-01.lab:{volume}/1" for volume in MEMBERS]


def nfs_urls(host: Host) -> list[str]:
    return [f"nfs://{host.ip}/g/{volume}" for volume in MEMBERS]


def members_in(host: Host, directory: str) -> list[Path]:
    return [host.path(f"/srv/pool/{directory}/{volume}") for volume in MEMBERS]


def snapshot(host: Host, name: str) -> list[int]:
    host.run(["btrfs", "-q", "subvolume", "snapshot", "-r", "/srv/pool/g", f"/srv/pool/{name}"])
    return read_counters(members_in(host, name))


def reflink_one_after_another(host: Host, name: str) -> list[int]:
    host.run(["mkdir", f"/srv/pool/{name}"])
    for volume in MEMBERS:
        host.run(["cp", "--reflink=always", f"/srv/pool/g/{volume}", f"/srv/pool/{name}/{volume}"])
    return read_counters(members_in(host, name))


def can_connect(ip: str, port: int) -> bool:
    try:
        socket.create_connection((ip, port), timeout=0.3).close()
    except OSError:
        return False
    return True


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """A power-loss image, mounted in a mount namespace of its own that ends with the block."""
    script = 'mount -t tmpfs tmpfs /mnt; mount -o loop "$1" /mnt && echo mounted && exec sleep 600'
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", str(image)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mounted\n"
        yield Path(f"/proc/{holder.pid}/root/mnt")
    finally:
        attached = loops.below(image.parent)
        holder.kill()
        holder.communicate()
        loops.wait_until_free([loop for loop in attached if loop.backing_file == str(image)])


@pytest.mark.parametrize("user", ["root", "cgctl", "noisy"])
def test_ssh_reaches_each_host_as_each_user_that_may_become_root(lab: Lab, user: str) -> None:
    for host in lab.hosts:
        done = ssh(lab, host, user, "sudo -n id -un; hostname")
        assert done.stdout.splitlines()[-2:] == ["root", host.name]


def test_nosudo_may_log_in_but_not_become_root(lab: Lab, stor1: Host) -> None:
    assert ssh(lab, stor1, "nosudo", "id", "-un").stdout == "nosudo\n"
    assert ssh(lab, stor1, "nosudo", "sudo", "-n", "id").returncode != 0


def test_noisy_profile_writes_before_the_answer(lab: Lab, stor1: Host) -> None:
    done = ssh(lab, stor1, "noisy", "echo answer")
    assert len(done.stdout.splitlines()) == 4
    assert "this line goes to stderr" in done.stderr


def test_wrong_key_is_refused(lab: Lab, stor1: Host) -> None:
    options = [
        "-F",
        "none",
        "-i",
        str(lab.wrong_identity_file),
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "BatchMode=yes",
    ]
    known = ["-o", f"UserKnownHostsFile={lab.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
    done = run(["ssh", *options, *known, f"cgctl@{stor1.ip}", "true"], check=False)
    assert "Permission denied" in done.stderr


def test_host_key_is_pinned_for_the_second_port_too(lab: Lab, stor1: Host) -> None:
    assert run(["ssh", "-F", str(lab.ssh_config), "-p", "2222", stor1.ip, "hostname"]).stdout == "stor1\n"


@pytest.mark.parametrize("port", [22, 2049, 3260])
def test_services_listen(lab: Lab, port: int) -> None:
    assert [host.name for host in lab.hosts if can_connect(host.ip, port)] == ["stor1", "stor2"]


@pytest.mark.usefixtures("clean_pools")
def test_cut_host_is_silent_until_it_joins(stor1: Host, stor2: Host) -> None:
    stor1.cut()
    assert not can_connect(stor1.ip, 22)
    assert can_connect(stor2.ip, 22)
    stor1.join()
    assert can_connect(stor1.ip, 22)


@pytest.mark.usefixtures("clean_pools")
def test_killed_host_keeps_its_files_and_forgets_its_targets(stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    stor1.kill()
    assert not stor1.is_running()
    assert not can_connect(stor1.ip, 22)
    stor1.start()
    assert stor1.run(["ls", "/srv/pool/g"]).stdout.split() == list(MEMBERS)
    assert stor1.run(["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "target"]).stdout == ""


@pytest.mark.usefixtures("clean_pools")
def test_sshd_stops_alone_and_comes_back(lab: Lab, stor1: Host) -> None:
    stor1.stop_sshd()
    assert not can_connect(stor1.ip, 22)
    assert can_connect(stor1.ip, 3260)
    stor1.start_sshd()
    assert ssh(lab, stor1, "cgctl", "true").returncode == 0


@pytest.mark.usefixtures("clean_pools")
def test_sshd_that_is_started_while_another_thread_stops_it_runs_afterwards(stor1: Host) -> None:
    stopping = threading.Thread(target=stor1.stop_sshd)
    stopping.start()
    wait_until(lambda: not can_connect(stor1.ip, 22), "sshd to die")
    stor1.start_sshd()
    stopping.join()
    assert can_connect(stor1.ip, 22)


@pytest.mark.usefixtures("clean_pools")
def test_restarted_tgtd_is_empty_and_restarted_ganesha_reads_its_exports(stor1: Host) -> None:
    stor1.script(NFS_EXPORT)
    stor1.restart_ganesha()
    shown = run(["nfs-ls", f"nfs://{stor1.ip}/g?version=4"], check=False)
    assert shown.returncode == 0, shown.stderr
    stor1.restart_tgtd()
    assert can_connect(stor1.ip, 3260)


@pytest.mark.usefixtures("clean_pools")
def test_power_loss_keeps_what_was_synced_and_loses_what_was_not(stor1: Host) -> None:
    stor1.script("echo kept >/srv/pool/synced; sync /srv/pool/synced; echo lost >/srv/pool/cached")
    image = stor1.power_loss_image()
    stor1.kill()
    with mounted(image) as pool:
        assert (pool / "synced").read_text() == "kept\n"
        assert not (pool / "cached").exists()
    stor1.start()
    assert stor1.path("/srv/pool/cached").read_text() == "lost\n"


@pytest.mark.usefixtures("clean_pools")
def test_host_that_lost_power_boots_from_what_its_disk_had(stor1: Host) -> None:
    stor1.script("echo kept >/srv/pool/synced; sync /srv/pool/synced; echo lost >/srv/pool/cached")
    stor1.lose_power()
    stor1.start()
    assert stor1.path("/srv/pool/synced").exists()
    assert not stor1.path("/srv/pool/cached").exists()


@pytest.mark.usefixtures("clean_pools")
def test_btrfs_snapshots_under_direct_writes_are_ordered_and_complete(lab: Lab, stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    with Writer("iscsi", iscsi_urls(stor1), lab.directory) as writer:
        for number in range(25):
            acked_before = writer.acked
            counters = snapshot(stor1, f"s{number}")
            assert is_ordered(counters)
            assert min(counters) >= acked_before
            writer.wait_for_rounds(2)


@pytest.mark.usefixtures("clean_pools")
def test_copies_one_after_another_are_torn(lab: Lab, stor1: Host) -> None:
    """The negative control: the check above can fail."""
    stor1.script(ISCSI_EXPORT)
    with Writer("iscsi", iscsi_urls(stor1), lab.directory):
        images = [reflink_one_after_another(stor1, f"c{number}") for number in range(10)]
    assert not all(is_ordered(counters) for counters in images)


@pytest.mark.usefixtures("clean_pools")
def test_snapshots_under_synced_nfs_writes_are_ordered(lab: Lab, stor1: Host) -> None:
    stor1.script(NFS_EXPORT)
    with Writer("nfs", nfs_urls(stor1), lab.directory, sync="fsync") as writer:
        for number in range(10):
            acked_before = writer.acked
            counters = snapshot(stor1, f"s{number}")
            assert is_ordered(counters)
            assert min(counters) >= acked_before
            writer.wait_for_rounds(2)


@pytest.mark.usefixtures("clean_pools")
def test_paused_writer_has_nothing_in_flight_and_goes_on(lab: Lab, stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    with Writer("iscsi", iscsi_urls(stor1), lab.directory) as writer:
        writer.pause()
        rounds = writer.acked
        assert writer.issued == rounds
        assert snapshot(stor1, "s") == [rounds] * 4
        writer.resume()
        writer.wait_for_rounds(3)
        summary = writer.stop()
    assert summary.rounds > rounds
    assert summary.errors == 0


@pytest.mark.usefixtures("clean_pools")
def test_writer_measures_its_longest_stall_and_survives_a_cut(lab: Lab, stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    with Writer("iscsi", iscsi_urls(stor1), lab.directory) as writer:
        stor1.cut()
        time.sleep(0.5)
        assert writer.max_stall_seconds > 0.4
        stor1.join()
        writer.wait_for_rounds(3)
        writer.reset_stall()
        writer.wait_for_rounds(3)
        assert writer.max_stall_seconds < 0.4


@pytest.mark.usefixtures("clean_pools")
@pytest.mark.parametrize(("protocol", "export"), [("iscsi", ISCSI_EXPORT), ("nfs", NFS_EXPORT)])
def test_writer_survives_a_restart_of_its_server(lab: Lab, stor1: Host, protocol: str, export: str) -> None:
    stor1.script(export)
    writer = (
        Writer("iscsi", iscsi_urls(stor1), lab.directory)
        if protocol == "iscsi"
        else Writer("nfs", nfs_urls(stor1), lab.directory)
    )
    with writer:
        if protocol == "iscsi":
            stor1.restart_tgtd()
            stor1.script(export.replace("btrfs -q subvolume create /srv/pool/g", ""))
        else:
            stor1.restart_ganesha()
        writer.wait_for_rounds(3)


@pytest.mark.usefixtures("clean_pools")
def test_writer_logs_in_with_chap_and_not_with_a_wrong_secret(lab: Lab, stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    stor1.script(CHAP, "secretsecret1")
    with Writer("iscsi", iscsi_urls(stor1, "alice%secretsecret1@"), lab.directory) as writer:
        writer.wait_for_rounds(1)
    with (
        pytest.raises(LabError, match="Authentication"),
        Writer("iscsi", iscsi_urls(stor1, "alice%wrongsecret12@"), lab.directory),
    ):
        pass


@pytest.mark.usefixtures("clean_pools")
def test_clean_pools_leaves_no_subvolume_target_account_or_export(lab: Lab, stor1: Host) -> None:
    stor1.script(ISCSI_EXPORT)
    stor1.script(CHAP, "secretsecret1")
    snapshot(stor1, "s")
    stor1.clean()
    stor1.script(NFS_EXPORT)
    stor1.clean()
    assert stor1.run(["ls", "-A", "/srv/pool"]).stdout == ""
    assert stor1.run(["btrfs", "subvolume", "list", "/srv/pool"]).stdout == ""
    assert stor1.run(["findmnt", "-nlo", "TARGET", "-t", "btrfs"]).stdout.split() == ["/srv/pool"]
    for mode in ("target", "account"):
        assert "alice" not in (shown := stor1.run(["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", mode]).stdout)
        assert "iqn" not in shown


@pytest.mark.usefixtures("clean_pools")
def test_clean_revives_stopped_dead_and_misconfigured_services(stor1: Host) -> None:
    stor1.run(["pkill", "-STOP", "-x", "tgtd"])
    stor1.script("echo 'EXPORT {' >/etc/ganesha/cgctl-exports.conf")
    stor1.stop_service("ganesha")
    stor1.stop_sshd()
    stor1.clean()
    assert [port for port in (22, 2049, 3260) if not can_connect(stor1.ip, port)] == []


def leftovers(instance: Instance) -> Sequence[object]:
    mounts = Path("/proc/self/mountinfo").read_text()
    return [
        *network.existing_namespaces(instance),
        *loops.below(instance.directory),
        *([instance.directory] if instance.directory.exists() else []),
        *([mounts] if str(instance.directory) in mounts else []),
    ]


@pytest.fixture
def second_instance(lab: Lab) -> Instance:
    return Instance(lab.instance.name + "b", lab.directory.with_name(lab.directory.name + "b"))


def test_second_lab_runs_beside_and_leaves_nothing_behind(lab: Lab, second_instance: Instance) -> None:
    second = Lab(second_instance)
    second.up()
    second.stor1.run(["touch", "/srv/pool/of-the-second"])
    processes = network.processes(second_instance)
    assert lab.stor1.run(["ls", "/srv/pool/of-the-second"], check=False).returncode != 0
    second.down()
    assert processes
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not leftovers(second_instance)
    second.down()


def test_lab_comes_up_on_what_a_crashed_session_left(lab: Lab, second_instance: Instance) -> None:
    crash = "from tests.lab.test_lab import crash_while_up; import sys; crash_while_up(*sys.argv[1:])"
    arguments = [second_instance.name, str(second_instance.directory)]
    run([sys.executable, "-c", crash, *arguments], check=False)
    assert leftovers(second_instance)
    second = Lab(replace(second_instance))
    second.up()
    assert second.stor1.run(["ls", "-A", "/srv/pool"]).stdout == ""
    second.down()
    assert not leftovers(second_instance)


def crash_while_up(name: str, directory: str) -> None:
    """Runs in a process of its own: it ends without down(), one host dead, one pool in use."""
    import os

    crashed = Lab(Instance(name, Path(directory)))
    crashed.up()
    crashed.stor1.run(["touch", "/srv/pool/left-over"])
    crashed.stor2.terminate()
    os._exit(1)


def test_directory_that_is_no_lab_is_never_removed(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(LabError, match="not a lab's directory"):
        Lab(Instance(lab.instance.name + "c", tmp_path)).up()
    assert (tmp_path / "precious").read_text() == "data"
