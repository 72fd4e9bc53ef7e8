"""SSH keys of the lab: the client's, a wrong one, one per host; and the host keys pinned for the client."""

from __future__ import annotations

from pathlib import Path

from tests.lab.command import run

SSH_PORTS = (22, 2222)


def make(path: Path) -> Path:
    """An ed25519 key pair without a passphrase; one that is there already is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)])
    return path


def public(path: Path) -> str:
    return path.with_suffix(".pub").read_text()


def known_hosts_line(name: str, ip: str, host_key: Path) -> str:
    """Name, address, and the form with a port, which OpenSSH uses for every port but 22."""
    names = [name, ip, *(f"[{host}]:{port}" for port in SSH_PORTS for host in (ip, name))]
    key_type, key = public(host_key).split()[:2]
    return f"{','.join(names)} {key_type} {key}\n"
