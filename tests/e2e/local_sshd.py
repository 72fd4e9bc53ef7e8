"""A throw-away sshd of one's own on a free port of 127.0.0.1; needs no root, and one user: whoever runs the tests.

As root, `users` of the machine can log in too: their keys are read from here.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cgctl.remote.settings import SshSettings

CONFIG = """\
{extra}
ListenAddress 127.0.0.1:{port}
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxSessions 64
LogLevel VERBOSE
{host_keys}
"""


def make_key(path: Path, key_type: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair at this path."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", key_type, "-N", passphrase, "-C", path.name, "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path


def public_key(path: Path) -> str:
    """Type and key, without the comment."""
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@dataclass
class Sshd:
    """One sshd with its keys; `settings` leads to it, and is what tests change to see what happens."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> SshSettings:
        return SshSettings(
            host="127.0.0.1",
            user=getpass.getuser(),
            port=self.port,
            identity_file=self.directory / "id_ed25519",
            known_hosts=self.directory / "known_hosts",
            connect_timeout_seconds=5,
        )

    def start(self, extra: str = "", host_key_types: tuple[str, ...] = ("ed25519",)) -> None:
        """Start it with further lines of sshd_config; host keys are kept from one start to the next."""
        for key_type in host_key_types:
            if not self.host_key(key_type).exists():
                make_key(self.host_key(key_type), key_type)
        host_keys = "\n".join(f"HostKey {self.host_key(key_type)}" for key_type in host_key_types)
        config = self.directory / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, directory=self.directory, host_keys=host_keys, extra=extra))
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "/usr/sbin/sshd"
        with (self.directory / "sshd.log").open("ab") as log:
            # A session of its own: while a process of the tests' group is stopped, the kernel ends that group (SIGHUP)
            # as soon as any shell below it ends behind one that has gone into a group of its own, as timeout(1) does.
            self.process = subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_listens()

    def host_key(self, key_type: str) -> Path:
        return self.directory / f"ssh_host_{key_type}_key"

    def pin(self, *key_types: str) -> None:
        """Let known_hosts hold these host keys, and no others."""
        lines = [f"[127.0.0.1]:{self.port} {public_key(self.host_key(key_type))}\n" for key_type in key_types]
        (self.directory / "known_hosts").write_text("".join(lines))

    def stop(self) -> None:
        """No new connections; those that are there stay."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def session_pids(self) -> list[int]:
        """The processes of sshd that serve connections."""
        listener = self.process.pid if self.process else 0
        children = subprocess.run(["pgrep", "-P", str(listener)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in children.stdout.split()]

    def kill_sessions(self) -> None:
        """Every connection ends without a word, as when the server's sshd crashes."""
        self.signal_sessions(signal.SIGKILL)

    def signal_sessions(self, what: signal.Signals) -> None:
        pids = self.session_pids()
        for parent in list(pids):
            children = subprocess.run(["pgrep", "-P", str(parent), "sshd"], capture_output=True, text=True, check=False)
            pids += [int(pid) for pid in children.stdout.split()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def logins(self) -> int:
        return (self.directory / "sshd.log").read_text().count("Accepted publickey")

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError((self.directory / "sshd.log").read_text())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Sshd]:
    """An sshd whose ed25519 key is pinned, and that lets the test's user in."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    sshd = Sshd(directory, free_port())
    key = make_key(directory / "id_ed25519")
    (directory / "authorized_keys").write_text(public_key(key) + "\n")
    sshd.start()
    sshd.pin("ed25519")
    try:
        yield sshd
    finally:
        sshd.kill_sessions()
        sshd.stop()
