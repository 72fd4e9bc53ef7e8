"""Servers that are cut, closed, strange, untrusted, half dead: one clear answer with what to do, nothing changed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import POOL, Cluster
from tests.hostile import Answer, Station, ended, tree, unchanged
from tests.lab import Host, Lab, network

pytestmark = pytest.mark.lab

Ssh = Callable[..., None]


@pytest.fixture
def place(lab: Lab, clean_pools: None, tmp_path: Path) -> Station:
    """Both servers; group `g` with volume `m`, and volume `v`, on alpha."""
    backends = Cluster(lab, tmp_path).backends()
    station = Station(tmp_path, backends)
    station.write_config()
    for line in (
        "type-create gold", "type-create nfsgold", "type-key gold set export_protocol=iscsi", "group-type-create cg",
        "type-key nfsgold set export_protocol=nfs", "group-create --name g cg gold",
        "create --name v 8M --volume-type gold",
        "create --name m --group-id g 8M --volume-type gold",
    ):  # fmt: skip
        answer = station.run(*line.split())
        assert answer.code == 0, answer.err
    return station


@pytest.fixture
def nfs(place: Station) -> Station:
    """With volume `w` on beta."""
    assert place.run("create", "--name", "w", "8M", "--volume-type", "nfsgold").code == 0
    return place


@pytest.fixture
def ssh(place: Station) -> Ssh:
    """Change how alpha is reached."""

    def change(**words: Any) -> None:
        section = place.backends["alpha"]["ssh"]
        assert isinstance(section, dict)
        section.update(words)
        place.write_config()

    return change


WRITERS = (
    "group-create cg gold",
    "create 8M --volume-type gold",
    "create 8M --volume-type gold --group-id g",
    "group-snapshot-create g",
    "snapshot-create v",
    "delete v",
    "extend v 16M",
    "group-delete g --delete-volumes",
    "group-update g --remove-volumes m",
    "group-create-from-src --source-group g",
    "attachment-create v --initiator iqn.2026-11.io.test:a",
)


def refused_everywhere(place: Station, lab: Lab, code: int, *words: str, lines: tuple[str, ...] = WRITERS) -> Answer:
    """Every command that would change something answers so, and changes nothing on either side."""
    pools = [host.path(POOL) for host in lab.hosts]
    with unchanged(place, *pools, history=False):
        for line in lines:
            answer = place.run(*line.split())
            answer.error(code, *words)
    assert place.run("recover", "-f", "json").json() == []
    return answer


# The way to a server


def test_cut_server_is_exit_8_in_good_time(place: Station, lab: Lab) -> None:
    lab.stor1.cut()
    began = time.monotonic()
    refused_everywhere(place, lab, 8, "10.77.0.1:22", lines=WRITERS[:1])
    assert time.monotonic() - began < 15
    network.forget_neighbours(lab.instance)  # from now on the kernel says `no route` in 3 s
    refused_everywhere(place, lab, 8, "10.77.0.1:22", lines=WRITERS[3:4])
    assert place.run("list").code == place.run("group-show", "g").code == 0
    checked = place.run("backend-check", "-f", "json")
    assert checked.code == 8
    assert "beta" in checked.out
    lab.stor1.join()
    assert place.run("group-snapshot-create", "g").code == 0


def test_cut_server_does_not_stop_what_another_can_do(place: Station, lab: Lab) -> None:
    lab.stor1.cut()
    network.forget_neighbours(lab.instance)
    assert place.run("create", "8M", "--volume-type", "nfsgold").code == 0


def test_closed_port_is_refused_connection(place: Station, lab: Lab, ssh: Ssh) -> None:
    ssh(port=23)
    refused_everywhere(place, lab, 8, "10.77.0.1:23: connection refused", "hint: is sshd running on 10.77.0.1")


def test_unknown_name_of_a_server_is_told(place: Station, lab: Lab, ssh: Ssh) -> None:
    ssh(host="storage.invalid")
    refused_everywhere(place, lab, 8, "name storage.invalid cannot be resolved", "ssh.host")


def test_unknown_host_key_is_told_with_the_way_to_compare_and_pin(place: Station, lab: Lab, ssh: Ssh) -> None:
    empty = place.directory / "known hosts"
    empty.touch()
    ssh(known_hosts=str(empty))
    refused_everywhere(place, lab, 8, "host key is not known", "ssh-keygen -lf", f">> '{empty}'")
    pin = place.run("group-snapshot-create", "g").err.partition("pin it: ")[2].strip()
    assert pin.startswith("ssh-keyscan -t ed25519 -p 22 10.77.0.1")
    assert subprocess.run(["sh", "-c", pin], capture_output=True, check=False, timeout=30).returncode == 0
    assert place.run("group-snapshot-create", "g").code == 0


def test_changed_host_key_is_never_passed_over(place: Station, lab: Lab, ssh: Ssh) -> None:
    other = place.directory / "known_hosts"
    public = lab.wrong_identity_file.with_suffix(".pub").read_text().split()[:2]
    other.write_text(f"10.77.0.1 {' '.join(public)}\n")
    ssh(known_hosts=str(other))
    refused_everywhere(place, lab, 8, "host key has changed", "this may be another server", f"ssh-keygen -f {other} -R")
    assert other.read_text().startswith("10.77.0.1 ssh-ed25519")


def test_wrong_key_and_wrong_user_are_told(place: Station, lab: Lab, ssh: Ssh) -> None:
    ssh(identity_file=str(lab.wrong_identity_file))
    refused_everywhere(place, lab, 8, "cgctl@10.77.0.1:22: the server refuses user or key", "authorized_keys")
    ssh(identity_file=str(lab.identity_file), user="nobodyhere")
    refused_everywhere(
        place, lab, 8, "nobodyhere@10.77.0.1:22: the server refuses user or key", "does the user nobodyhere"
    )


def test_key_that_is_not_there_is_told_with_the_way_to_make_one(place: Station, lab: Lab, ssh: Ssh) -> None:
    ssh(identity_file=str(place.directory / "no key"))
    refused_everywhere(place, lab, 8, "cannot be read: No such file", "ssh-keygen -t ed25519")


def test_user_without_sudo_is_told_with_the_line_to_add(place: Station, lab: Lab, ssh: Ssh) -> None:
    ssh(user="nosudo")
    refused_everywhere(
        place, lab, 6, "nosudo@10.77.0.1:22: sudo: a password is required", "/etc/sudoers.d/cgctl-nosudo"
    )


def test_account_without_a_shell_is_told(place: Station, lab: Lab, ssh: Ssh, stor1: Host) -> None:
    ssh(user="nosudo")
    stor1.run(["usermod", "--shell", "/usr/sbin/nologin", "nosudo"])
    try:
        refused_everywhere(place, lab, 8, "account is currently not available", "login shell")
    finally:
        stor1.run(["usermod", "--shell", "/bin/bash", "nosudo"])


def test_profile_that_prints_is_not_heard_in_any_command(place: Station, ssh: Ssh) -> None:
    ssh(user="noisy")
    for line in (
        "create --name x 8M --volume-type gold", "group-snapshot-create --name gs g", "snapshot-create --name s v",
        "group-update g --remove-volumes m", "group-create-from-src --group-snapshot gs --name clone", "extend v 16M",
        "group-delete clone --delete-volumes", "snapshot-delete s", "group-snapshot-delete gs", "backend-check alpha",
        "attachment-create v --initiator iqn.2026-11.io.test:a", "get-capabilities alpha", "delete x", "get-pools",
    ):  # fmt: skip
        answer = place.run(*line.split())
        assert (answer.code, "Welcome" in answer.out + answer.err) == (0, False), answer.err


def test_pools_of_one_server_are_asked_over_one_connection(place: Station, stor1: Host) -> None:
    section = place.backends["alpha"]
    del section["export"]
    place.backends = {f"pool{n}": section | {"pool": f"{POOL}/{n}"} for n in range(3)}
    place.write_config()
    stor1.run(["mkdir", *(f"{POOL}/{n}" for n in range(3))])
    log = stor1.directory / "log/sshd.log"
    before = log.read_text().count("Accepted publickey")
    assert len(place.run("get-pools", "-f", "json").json()) == 3
    assert log.read_text().count("Accepted publickey") == before + 1


# The middle of a script


class Standing:
    """A program of a server stands still in the middle of the next script, until it is released."""

    def __init__(self, host: Host, program: str) -> None:
        self._host, self.program = host, program
        self._place = host.directory / "standing"
        self._place.mkdir(exist_ok=True)
        for flag in self._place.glob("*"):
            flag.unlink()
        host.run(["cp", f"/usr/bin/{program}", f"/mnt/standing/real-{program}"])
        (self._place / "program").write_text(f"#!/bin/sh\n{STANDING}")
        host.script('chmod 755 /mnt/standing/program; mount --bind /mnt/standing/program "/usr/bin/$1"', program)
        (self._place / "hold").touch()

    def wait(self) -> None:
        give_up_at = time.monotonic() + 30
        while not (self._place / "stands").exists():
            assert time.monotonic() < give_up_at, "no script came"
            time.sleep(0.01)

    def release(self) -> None:
        (self._place / "hold").unlink(missing_ok=True)

    def die(self) -> None:
        """The script that stands fails at this point: the rest of it is not done."""
        (self._place / "die").touch()
        self.release()

    def end(self) -> None:
        self.release()
        self._host.run(["umount", f"/usr/bin/{self.program}"], check=False)


STANDING = """\
here=/mnt/standing
if [ -e "$here/hold" ]; then
    : >"$here/stands"
    while [ -e "$here/hold" ]; do sleep 0.05; done
    [ ! -e "$here/die" ] || exit 1
fi
exec "$here/real-${0##*/}" "$@"
"""


@pytest.fixture
def stand(stor1: Host, place: Station) -> Iterator[Callable[[str], Standing]]:
    """Make a program of stor1 stand. flock: before a script's work. sync: when its work is done, before the answer."""
    made: list[Standing] = []

    def make(program: str) -> Standing:
        made.append(Standing(stor1, program))
        return made[-1]

    yield make
    for one in made:
        one.end()


LOST = {
    "group-create --name new cg gold": "group-list",
    "create --name new 8M --volume-type gold --group-id g": "list",
    "group-snapshot-create --name new g": "group-snapshot-list",
    "delete v": "",
    "extend v 16M": "",
}


BEFORE_AND_AFTER = [(line, "sync") for line in LOST] + [(line, "flock") for line in (next(iter(LOST)), "delete v")]


@pytest.mark.parametrize(("line", "program"), BEFORE_AND_AFTER)
def test_sshd_that_dies_in_the_middle_leaves_what_recover_settles(
    place: Station, stand: Callable[[str], Standing], stor1: Host, line: str, program: str
) -> None:
    before = tree(stor1.path(POOL))
    standing = stand(program)
    running = place.start(*line.split())
    standing.wait()
    stor1.stop_sshd()
    answer = ended(running)
    answer.error(6, "cgctl@10.77.0.1:22", "the operation may have been done or not", "hint: cgctl recover")
    if program == "flock":
        standing.die()
    standing.end()

    unsettled = place.run("recover", "-f", "json")
    assert unsettled.code == 8, unsettled.err
    assert [row["result"] for row in unsettled_rows(unsettled)] == ["unsettled"]
    stor1.start_sshd()
    assert [row["result"] for row in place.run("recover", "-f", "json").json()] != ["unsettled"]
    assert place.run("recover", "-f", "json").json() == []
    if line.startswith("delete"):
        place.run("show", "v").error(4)
    elif line.startswith("extend"):
        assert place.run("show", "v", "-f", "json").json()["size"] == 16 / 1024
    else:
        assert "new" not in [row["name"] for row in place.run(LOST[line], "-f", "json").json()]
        assert tree(stor1.path(POOL)) == before
    assert {row["status"] for row in place.run("list", "-f", "json").json()} == {"available"}
    assert place.run("backend-check", "alpha").code == 0


def unsettled_rows(answer: Answer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(answer.out)
    return rows


def test_ctrl_c_over_ssh_is_settled_by_the_next_command(place: Station, stand: Callable[[str], Standing]) -> None:
    standing = stand("sync")
    running = place.start("group-snapshot-create", "--name", "new", "g")
    standing.wait()
    running.send_signal(signal.SIGINT)
    ended(running).error(130, "interrupted")
    standing.end()
    again = place.run("group-snapshot-create", "--name", "again", "g")
    assert (again.code, "interrupted and is settled" in again.err) == (0, True)
    assert [row["name"] for row in place.run("group-snapshot-list", "-f", "json").json()] == ["again"]


# Daemons that are not running, and clients that cannot be


def test_tgtd_that_is_not_running_is_told_and_nothing_is_attached(place: Station, lab: Lab, stor1: Host) -> None:
    stor1.stop_service("tgtd")
    try:
        refused_everywhere(place, lab, 6, "volume v", "tgtd is not running", "systemctl start tgt", lines=WRITERS[-1:])
        assert place.run("group-snapshot-create", "g").code == 0
        assert "tgtd is not running" in place.run("backend-check", "alpha").out
    finally:
        stor1.start_service("tgtd")
    assert place.run(*WRITERS[-1].split()).code == 0


def test_ganesha_that_is_not_running_is_told_and_nothing_is_attached(nfs: Station, lab: Lab, stor2: Host) -> None:
    stor2.stop_service("ganesha")
    line = ("attachment-create w --ip 10.77.0.9",)
    try:
        refused_everywhere(
            nfs, lab, 6, "volume w", "nfs-ganesha is not running", "systemctl start nfs-ganesha", lines=line
        )
        assert "nfs-ganesha is not running" in nfs.run("backend-check", "beta").out
    finally:
        stor2.start_service("ganesha")
    assert nfs.run(*line[0].split()).code == 0


BAD_INITIATORS = (
    "bad", "iqn.2026-13.io.test", "iqn.26-11.io.test", "iqn.2026-11", "iqn.2026-11.io.test:a b",
    "iqn.2026-11.io.test:a,b", "iqn.2026-11.io.test:a'b", "iqn.2026-11.io.test:\n", "iqn.2026-11.io.test:A",
    "iqn.2026-11.io.test:é", "eui.12", "naa.1", "eui.zz004567A425678D", "iqn.2026-11.io.test:$(x)",
    "iqn.2026-11.io.test:" + "x" * 204,
)  # fmt: skip
BAD_ADDRESSES = (
    "bad", "1.2.3", "10.77.0.999", "10.77.0.0/24", "fe80::1%eth0", "0.0.0.0", "::", "*", "client.example", "224.0.0.1",
    "10.0.0.1;x", "٣.1.1.1",
)  # fmt: skip
BAD_SECRETS = ("short", "has spaces in", "x" * 17, "é" * 12, "a\nbbbbbbbbbbbbb", "quote'quote'")


def test_client_that_cannot_be_is_refused_before_anything_is_changed(nfs: Station, lab: Lab) -> None:
    with unchanged(nfs, *(host.path(POOL) for host in lab.hosts)):
        for name in BAD_INITIATORS:
            nfs.run("attachment-create", "v", "--initiator", name).error(2, "initiator")
        for address in BAD_ADDRESSES:
            nfs.run("attachment-create", "w", "--ip", address).error(2, "client")
        for secret in BAD_SECRETS:
            answer = nfs.run("attachment-create", "v", "--initiator", "iqn.2026-11.io.test:a", CGCTL_CHAP_SECRET=secret)
            answer.error(2, "CHAP secret", "CGCTL_CHAP_SECRET")
            assert secret not in answer.err
        nfs.run("attachment-create", "v", "--ip", "10.77.0.9").error(2, "--initiator")
        nfs.run("attachment-create", "w", "--initiator", "iqn.2026-11.io.test:a").error(2, "--ip")


@pytest.mark.parametrize(
    "name",
    ["iqn.2026-11.io.test:" + "x" * 203, "iqn.2001-04.com.example", "eui.02004567A425678D", "naa.52004567ba64678d"],
)
def test_initiator_that_can_be_is_taken_by_tgt(place: Station, name: str) -> None:
    shown = place.run("attachment-create", "v", "--initiator", name, "-f", "json").json()
    assert shown["initiator"] == name
    assert place.run("backend-check", "alpha").code == 0
    assert place.run("attachment-delete", shown["id"]).code == 0


def test_one_address_in_two_spellings_is_one_client(nfs: Station) -> None:
    assert nfs.run("attachment-create", "w", "--ip", "2001:db8::20").code == 0
    nfs.run("attachment-create", "w", "--ip", "2001:DB8:0:0::20").error(5, "has access already")
