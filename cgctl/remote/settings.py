"""How a server is reached over SSH: what the configuration says, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SshSettings:
    """One server.

    known_hosts: the only file whose host keys are trusted. identity_file: the only key that is offered; without it,
    the keys of the SSH agent and of ~/.ssh are. sudo: everything runs as root through `sudo -n`.
    """

    host: str
    user: str
    known_hosts: Path
    port: int = 22
    identity_file: Path | None = None
    sudo: bool = False
    connect_timeout_seconds: float = 10.0

    @property
    def server(self) -> str:
        """How messages name it: `cgctl@192.0.2.10:22`, `cgctl@[2001:db8::1]:22`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}"

    @property
    def known_hosts_name(self) -> str:
        """The host as known_hosts has it: with its port for every port but 22 (sshd(8), SSH_KNOWN_HOSTS)."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"
