"""Whether a server is the one that it should be: the key that it shows against the pinned ones."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cgctl.remote import known_hosts
from cgctl.remote.known_hosts import HostKey, Trusted
from cgctl.remote.settings import SshSettings
from drivers.errors import HostKeyChanged, HostKeyUnknown

_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Signature algorithms of a key type, where they are not named alike (RFC 8332)."""


def trusted_by(settings: SshSettings) -> Trusted:
    """The keys that are pinned for the server. Raises HostKeyUnknown when the file cannot be read."""
    try:
        return known_hosts.read(settings.known_hosts, settings.known_hosts_name)
    except OSError as error:
        message = f"{settings.server}: the host key cannot be checked: {settings.known_hosts}: {error.strerror}"
        raise HostKeyUnknown(message, f"let {settings.known_hosts} be a file that you can read") from error


def preferred(trusted: Trusted, supported: Sequence[str]) -> list[str]:
    """The algorithms to negotiate: pinned types first, so that a server with several keys shows one that is pinned."""
    pinned = [name for key in trusted.keys for name in _ALGORITHMS.get(key.key_type, (key.key_type,))]
    first = [name for name in dict.fromkeys(pinned) if name in supported]
    return first + [name for name in supported if name not in first]


def verify(settings: SshSettings, trusted: Trusted, shown: HostKey) -> None:
    """Raises HostKeyUnknown or HostKeyChanged with what to do."""
    if shown.blob in trusted.revoked:
        message = f"{settings.server}: its host key {_described(shown)} is revoked in {settings.known_hosts}"
        raise HostKeyChanged(message, "do not connect: who else has this key may be answering")
    if shown in trusted.keys:
        return
    if not trusted.keys:
        message = f"{settings.server}: the host key is not known: it shows {_described(shown)}"
        raise HostKeyUnknown(message, f"{_comparison(shown)}; if it is the same, pin it: {_pin(settings, shown)}")
    pinned = ", ".join(_described(key) for key in trusted.keys)
    message = f"{settings.server}: the host key has changed: it shows {_described(shown)}, pinned is {pinned}"
    raise HostKeyChanged(
        message,
        f"this may be another server. {_comparison(shown)}; only if it is the same, replace the pinned one: "
        f"{_forget(settings)} && {_pin(settings, shown)}",
    )


def _described(key: HostKey) -> str:
    return f"{key.key_type} {key.fingerprint}"


def _comparison(shown: HostKey) -> str:
    public_key = f"/etc/ssh/ssh_host_{shown.short_type}_key.pub"
    return f"compare with the server's own, at its console: ssh-keygen -lf {public_key}"


def _pin(settings: SshSettings, shown: HostKey) -> str:
    scan = shlex.join(("ssh-keyscan", "-t", shown.short_type, "-p", str(settings.port), settings.host))
    return f"{scan} >> {shlex.quote(str(settings.known_hosts))}"


def _forget(settings: SshSettings) -> str:
    return shlex.join(("ssh-keygen", "-f", str(settings.known_hosts), "-R", settings.known_hosts_name))
