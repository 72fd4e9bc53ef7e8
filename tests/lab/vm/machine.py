"""One virtual storage server: commands inside it, and everything that can happen to a server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab.command import LabError, wait_until
from tests.lab.vm import qmp
from tests.lab.vm.agent import PATIENCE_SECONDS
from tests.lab.vm.qemu import Hardware

BOOT_TIMEOUT_SECONDS = 300
REBOOT = "{ sleep 0.2; if [ -d /run/systemd/system ]; then reboot; else busybox reboot; fi; } >/dev/null 2>&1 &"


class Machine:
    """A Debian server with LVM thin, LIO and the kernel's NFS server; its disks outlive kill() and start().

    host, ssh_port, iscsi_port and nfs_port are where it is reached from here; link_ip is its address for the
    other machine. The volume group cgvg with the thin pool cgvg/pool lies on /dev/vdb.
    """

    host = "127.0.0.1"
    user = "root"

    def __init__(self, name: str, link_ip: str, hardware: Hardware, identity_file: Path, known_hosts: Path) -> None:
        self.name = name
        self.link_ip = link_ip
        self.hardware = hardware
        self.identity_file = identity_file
        self.known_hosts = known_hosts
        self.ssh_port, self.iscsi_port, self.nfs_port = hardware.ports

    def __repr__(self) -> str:
        return f"Machine({self.name!r}, ssh_port={self.ssh_port})"

    # Commands

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        check: bool = True,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run as root in the guest, past sshd and on a cable of its own: works while the network is cut."""
        return self.hardware.agent.run(argv, input=input, check=check, timeout_seconds=timeout_seconds)

    def script(self, text: str, *arguments: str, check: bool = True, timeout_seconds: float = PATIENCE_SECONDS) -> str:
        """Run a POSIX shell script with positional parameters; returns its stdout."""
        argv = ["sh", "-eu", "-s", "-", *arguments]
        return self.run(argv, input=text, check=check, timeout_seconds=timeout_seconds).stdout

    def ssh_command(self, *argv: str, user: str = "root") -> list[str]:
        """An argv for a Popen of one's own: the way that cgctl comes."""
        options = {
            "IdentityFile": self.identity_file,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "StrictHostKeyChecking": "yes",
            "KexAlgorithms": "curve25519-sha256",
            "BatchMode": "yes",
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *flags, "-p", str(self.ssh_port), f"{user}@{self.host}", *argv]

    def stop_sshd(self) -> None:
        self.script('if [ -d /run/systemd/system ]; then systemctl stop ssh; else kill "$(cat /run/sshd.pid)"; fi')

    def start_sshd(self) -> None:
        self.script("if [ -d /run/systemd/system ]; then systemctl start ssh; else /usr/sbin/sshd; fi")

    # Life

    def launch(self, state: Path | None = None) -> None:
        """Switch on: cold, or as the clone of a saved state (its init is then the quick one)."""
        if self.is_running():
            raise LabError(f"{self.name} is running already")
        process = self.hardware.start(state)
        wait_until(lambda: self.is_running() or process.poll() is not None, f"{self.name} to start")
        if state is not None:
            qmp.resume_saved_state(self.hardware.monitor)
            identity = self.hardware.identity.split(",")
            self._wait_until(self.hardware.agent.is_answering, "to resume")
            self.run(["lab-identity", *identity, f"{time.time():.3f}"])

    def start(self) -> None:
        """Boot from its disks after kill(), and wait until it is ready. Gates, targets not saved, are gone."""
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Every service has started, the agent answers, and sshd says its banner."""
        self._wait_until(self.hardware.agent.is_answering, "to boot")
        self._wait_until(self._has_banner, "to answer over SSH")
        self.run(["sh", "-c", "[ ! -d /run/systemd/system ] || systemctl is-system-running --wait"], check=False)

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        def settled() -> bool:
            return not self.is_running() or condition()

        wait_until(settled, f"{self.name} {what}", BOOT_TIMEOUT_SECONDS)
        if not self.is_running():
            raise LabError(f"{self.name} has ended:\n{(self.hardware.directory / 'qemu.log').read_text()}")

    def _has_banner(self) -> bool:
        """qemu itself accepts every connection, so only what sshd says counts."""
        try:
            with socket.create_connection((self.host, self.ssh_port), timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def reboot(self) -> None:
        """An orderly restart from inside, and wait until it is ready."""
        before = self.boot_id()
        self.run(["sh", "-c", REBOOT])
        self._wait_until(lambda: self._has_booted_since(before), "to reboot")
        self.wait_until_ready()

    def boot_id(self) -> str:
        """Another one after each boot; clones of the saved state share theirs."""
        return self.run(["cat", "/proc/sys/kernel/random/boot_id"], timeout_seconds=10).stdout.strip()

    def _has_booted_since(self, boot_id: str) -> bool:
        """An agent that dies with the old boot may be asked first."""
        try:
            return self.boot_id() != boot_id
        except (OSError, LabError, subprocess.TimeoutExpired):
            return False

    def kill(self) -> None:
        """Power loss: no process gets a last word, the page cache is gone, requests in flight may be half done.

        /dev/vdb keeps every write that it acknowledged, flushed or not, as a disk with a protected cache does;
        the root disk only those that were flushed. The machine stays off until start().
        """
        pid = self._find_pid()
        if pid is None:
            raise LabError(f"{self.name} is not running")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _has_let_go(pid), f"{self.name} to end")

    def is_running(self) -> bool:
        return self._find_pid() is not None

    def _find_pid(self) -> int | None:
        """qemu's process; a number used again is told by its command line, a zombie by having none."""
        try:
            pid = int((self.hardware.directory / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.hardware.monitor).encode() in command else None

    # Network

    def cut(self) -> None:
        """Pull both cables: neither we nor the other machine reach it, packets are lost without an answer."""
        self._set_links(up=False)

    def join(self) -> None:
        """Plug them in again; harmless if they are in. This machine reaches the other at once, that one within 3 s."""
        self._set_links(up=True)
        self.script("until [ $(cat /sys/class/net/eth1/carrier) = 1 ]; do sleep 0.05; done; ip neigh flush dev eth1")

    def cut_link(self) -> None:
        """Pull only the cable between the machines; we still reach both."""
        self._set_links("eth1", up=False)

    def _set_links(self, *names: str, up: bool) -> None:
        with qmp.monitor(self.hardware.monitor) as channel:
            for name in names or ("eth0", "eth1"):
                channel.call("set_link", name=name, up=up)


def _has_let_go(pid: int) -> bool:
    """A process that ends has no command line any more before its last thread closes its files: none can lock them."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (OSError, IndexError):
        return True
    return state in "ZX" and threads <= 1
