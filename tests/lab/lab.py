"""Two storage hosts and a client namespace, up in about a second."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import host_files, keys, loops, network, packages
from tests.lab.command import LabError, wait_until
from tests.lab.host import Host
from tests.lab.instance import Instance

OWNER = "cgctl-lab-owner"


class Lab:
    """up() and down() are safe to call in any state, also on what a crashed run left."""

    def __init__(self, instance: Instance | None = None) -> None:
        self.instance = instance or Instance.from_environment()
        self.directory = self.instance.directory
        self.stor1 = Host(self.instance, "stor1", "1")
        self.stor2 = Host(self.instance, "stor2", "2")
        self.hosts = (self.stor1, self.stor2)
        self.client_ip = network.ADDRESSES[network.CLIENT]
        self.client_namespace = self.instance.namespace_file(network.CLIENT)
        self.identity_file = self.directory / "keys/id_ed25519"
        self.wrong_identity_file = self.directory / "keys/id_wrong"
        self.known_hosts = self.directory / "keys/known_hosts"
        self.ssh_config = self.directory / "keys/ssh_config"

    def up(self) -> None:
        """Bring everything up from nothing; raises LabError when another process holds this lab."""
        packages.install_missing()
        self.down()
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / OWNER).write_text(str(os.getpid()))
        network.create(self.instance)
        keys.make(self.identity_file)
        keys.make(self.wrong_identity_file)
        self._each(self._make_host)
        self._write_client_files()

    def down(self) -> None:
        """Leave nothing behind: processes, mounts, loop devices, namespaces, files."""
        self._refuse_foreign()
        attached = loops.below(self.directory)
        self._kill_processes()
        loops.detach(attached)
        loops.wait_until_free(attached)
        network.delete(self.instance)
        self._remove_directory()

    def _remove_directory(self) -> None:
        """Only a directory that up() made, and never through a mount."""
        if not self.directory.exists() or not any(self.directory.iterdir()):
            return
        if not (self.directory / OWNER).is_file():
            raise LabError(f"{self.directory} is not a lab's directory: not removed")
        if f" {self.directory}/" in Path("/proc/self/mountinfo").read_text():
            raise LabError(f"something is mounted below {self.directory}: not removed")
        shutil.rmtree(self.directory)

    def clean_pools(self) -> None:
        self._each(Host.clean)

    def _each(self, step: Callable[[Host], None]) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(step, self.hosts))

    def _make_host(self, host: Host) -> None:
        hosts_file = "127.0.0.1 localhost\n" + "".join(f"{other.ip} {other.name}\n" for other in self.hosts)
        client_key = keys.public(self.identity_file)
        host_files.make(host.directory, host.name, host.ip, hosts_file, client_key)
        host.start()

    def _write_client_files(self) -> None:
        lines = [
            keys.known_hosts_line(host.name, host.ip, host.directory / "etc/ssh/ssh_host_ed25519_key")
            for host in self.hosts
        ]
        self.known_hosts.write_text("".join(lines))
        blocks = "".join(f"Host {host.name}\n  HostName {host.ip}\n" for host in self.hosts)
        self.ssh_config.write_text(
            f"{blocks}Host *\n  User cgctl\n  IdentityFile {self.identity_file}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n"
            "  KexAlgorithms curve25519-sha256\n  BatchMode yes\n  ConnectTimeout 5\n"
        )

    def _refuse_foreign(self) -> None:
        """A living test session's lab is not taken away from it."""
        try:
            owner = int((self.directory / OWNER).read_text())
        except (OSError, ValueError):
            return
        if owner != os.getpid() and _is_pytest(owner):
            raise LabError(f"process {owner} uses the lab {self.instance.name}: set another CGCTL_LAB")

    def _kill_processes(self) -> None:
        def living() -> list[int]:
            return [pid for pid in network.processes(self.instance) if pid != os.getpid()]

        for host in self.hosts:
            if host.is_running():
                host.terminate()
        for pid in living():
            _kill(pid)
        wait_until(lambda: not living(), "the lab's processes to end")


def _is_pytest(pid: int) -> bool:
    try:
        return "pytest" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
