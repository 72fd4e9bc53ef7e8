"""One storage host: commands inside it, and everything that can happen to a server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.lab import loops, network
from tests.lab.command import LabError, run, wait_until
from tests.lab.instance import Instance

ENVIRONMENT = (
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)


class Host:
    """A storage server with the pool /srv/pool. Its disks outlive kill() and start(); processes do not."""

    pool = Path("/srv/pool")

    def __init__(self, instance: Instance, name: str, short_name: str) -> None:
        self.name = name
        self.ip = network.ADDRESSES[short_name]
        self.short_name = short_name
        self.directory = instance.directory / name
        self._instance = instance
        self._outer: subprocess.Popen[bytes] | None = None
        self._services = threading.Lock()

    def __repr__(self) -> str:
        return f"Host({self.name!r}, {self.ip!r})"

    # Commands

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | None = None,
        check: bool = True,
        timeout_seconds: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run as root in all of the host's namespaces; raises CommandFailed unless check is False."""
        return run(self.command(argv), input=input, check=check, timeout_seconds=timeout_seconds)

    def command(self, argv: Sequence[str]) -> list[str]:
        """The same as an argv for a Popen of one's own."""
        namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid"]
        enter = ["nsenter", "--target", str(self._pid()), *namespaces, "--wd=/"]
        return [*enter, "--", "env", "-i", *ENVIRONMENT, *argv]

    def script(self, text: str, *arguments: str, check: bool = True) -> str:
        """Run a POSIX shell script with positional parameters; returns its stdout."""
        return self.run(["sh", "-eu", "-s", "-", *arguments], input=text, check=check).stdout

    def path(self, inside: str | Path) -> Path:
        """Where the machine sees a path of the running host."""
        return Path(f"/proc/{self._pid()}/root", *Path(inside).parts[1:])

    # Life

    def start(self) -> None:
        """Boot, and wait until tgtd and ganesha answer. tgtd has forgotten everything."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        if self.is_running():
            raise LabError(f"{self.name} is running already")
        (self.directory / "ready").unlink(missing_ok=True)
        isolate = ["unshare", "-m", "-u", "-i", "-p", "-f", "--propagation=private", "--kill-child=SIGKILL"]
        init = ["sh", str(self.directory / "init.sh"), self.name, self.ip, str(self.directory)]
        with (self.directory / "log/init.log").open("ab") as log:
            self._outer = subprocess.Popen(
                ["ip", "netns", "exec", self._instance.namespace(self.short_name), *isolate, *init],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        wait_until(lambda: (self.directory / "ready").exists() or self._has_ended(), f"{self.name} to start")
        if self._has_ended():
            raise LabError(f"{self.name} did not start:\n{(self.directory / 'log/init.log').read_text()}")

    def _has_ended(self) -> bool:
        return self._outer is not None and self._outer.poll() is not None

    def kill(self) -> None:
        """Crash of the software, not of the power: every process dies at once, what was written stays."""
        attached = loops.below(self.directory)
        self.terminate()
        loops.wait_until_free(attached)

    def terminate(self) -> None:
        """As kill(), without waiting for the kernel to let go of the mounts (up to some seconds)."""
        pid = self._pid()
        (self.directory / "ready").unlink(missing_ok=True)
        os.kill(pid, signal.SIGKILL)
        if self._outer is not None:
            self._outer.wait()
        wait_until(lambda: not self.is_running(), f"{self.name} to end")

    def is_running(self) -> bool:
        return self._find_pid() is not None

    def _pid(self) -> int:
        pid = self._find_pid()
        if pid is None:
            raise LabError(f"{self.name} is not running")
        return pid

    def _find_pid(self) -> int | None:
        """Process 1 of the host, as the machine counts; a number used again is told by its network."""
        try:
            pid = int((self.directory / "pid").read_text())
            network_of_process = Path(f"/proc/{pid}/ns/net").stat().st_ino
            own_network = self._instance.namespace_file(self.short_name).stat().st_ino
        except (OSError, ValueError):
            return None
        return pid if network_of_process == own_network else None

    # Network

    def cut(self) -> None:
        """Pull the network cable: packets are lost without an answer."""
        network.set_link(self._instance, self.short_name, "down")

    def join(self) -> None:
        """Plug it in again; harmless if it is in. The other hosts reach it at once."""
        network.set_link(self._instance, self.short_name, "up")
        network.forget_neighbours(self._instance)

    # Power

    def power_loss_image(self) -> Path:
        """The pool's disk as a power loss at this moment would leave it, as a file on the machine.

        Same file system id as the pool: mount it only while this host is killed.
        """
        number = len(list(self.directory.glob("power-loss-*.img")))
        image = self.directory / f"power-loss-{number}.img"
        self.script(
            "cp --reflink=always /mnt/store/pool.img /mnt/store/copy.img\n"
            'cp --sparse=always /mnt/store/copy.img "/mnt/$1"; rm /mnt/store/copy.img',
            image.name,
        )
        return image

    def lose_power(self) -> None:
        """The power is gone at this moment; the host stays off until start(), which boots from that disk."""
        self.script("cp --reflink=always /mnt/store/pool.img /mnt/store/crash.img")
        self.kill()

    # Services

    def stop_service(self, service: str) -> None:
        """SIGKILL to sshd, tgtd, dbus or ganesha with all its sessions."""
        with self._services:
            self.run(["sh", "/mnt/services.sh", "stop", service, self.ip])

    def start_service(self, service: str) -> None:
        """Also while another thread stops it: then after that."""
        with self._services:
            for action in ("start", "wait"):
                self.run(["sh", "/mnt/services.sh", action, service, self.ip])

    def stop_sshd(self) -> None:
        self.stop_service("sshd")

    def start_sshd(self) -> None:
        self.start_service("sshd")

    def restart_tgtd(self) -> None:
        """As after a crash of tgtd: all its targets, LUNs and accounts are gone."""
        self.stop_service("tgtd")
        self.start_service("tgtd")

    def restart_ganesha(self) -> None:
        """As after a crash of ganesha: it reads its configuration, clients lose their NFSv4 state."""
        self.stop_service("ganesha")
        self.start_service("ganesha")

    def clean(self) -> None:
        """Back to a running, connected host with an empty pool, without targets, accounts and exports."""
        if not self.is_running():
            self.start()
        self.join()
        self.run(["sh", "/mnt/clean.sh", self.ip])
