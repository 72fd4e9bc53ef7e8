"""What a server can do in a transfer, and the enrolment of a way: the scripts of this folder, run."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cgctl.remote import host_keys
from cgctl.remote.settings import SshSettings
from drivers import refusals
from drivers.command import Command
from drivers.runner import Runner

SECONDS = 60.0
HOST_ALIAS = "cgctl"
"""The name under which the far side's host keys are known on the source, whatever its address there."""

CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr"
"""The first is twice as fast as OpenSSH's default where the processor has AES."""


@dataclass(frozen=True)
class Able:
    """What a server says of itself. key: type and blob of the way's public key, keys: the directory that it is in."""

    tools: frozenset[str]
    place: str
    keys: str | None = None
    key: tuple[str, str] | None = None
    inbox: str | None = None


def text(name: str) -> str:
    """A program of this folder."""
    return resources.files(__package__).joinpath(name).read_text()


@cache
def _script(name: str) -> str:
    return text("place.sh") + text(f"{name}.sh")


def ask_source(runner: Runner, way: str, known_hosts: str) -> Able:
    """As `source.sh`; without a way only what there is."""
    return _able(_run(runner, "source", way, known_hosts))


def ask_destination(runner: Runner, way: str, key: tuple[str, str]) -> Able:
    """As `destination.sh`; without a way only what there is."""
    return _able(_run(runner, "destination", way, *key, stdin=text("door.pl")))


def revoke(runner: Runner, way: str) -> None:
    """Nothing of a way is left on a server."""
    _run(runner, "revoke", way)


def known_hosts(settings: SshSettings) -> str:
    """The pinned keys of a server as lines; nothing where none is pinned. Raises HostKeyUnknown."""
    trusted = host_keys.trusted_by(settings)
    rows = ((one.key_type, base64.b64encode(one.blob).decode()) for one in trusted.keys)
    return "\n".join(f"{HOST_ALIAS} {key_type} {key}" for key_type, key in rows)


def ssh_words(
    settings: SshSettings, address: str | None, known_hosts: str, identity: str | None, word: str
) -> Sequence[str]:
    """What a machine runs to reach a server, with files that it has.

    address: `host:port` as it reaches the server, where that differs; identity: None for the keys of agent and user.
    """
    host, port = settings.host, str(settings.port)
    if address:
        host, _, port = address.rpartition(":")
    options = {
        "BatchMode": "yes",
        "Ciphers": CIPHERS,
        "ConnectTimeout": "5",
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": HOST_ALIAS,
        "KexAlgorithms": "^curve25519-sha256",
        "LogLevel": "ERROR",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": "10",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{known_hosts}"',
    }
    if identity:
        options |= {"IdentitiesOnly": "yes", "IdentityAgent": "none"}
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    words += ("-i", identity) if identity else ()
    return ["ssh", "-F", "none", "-T", *words, "-p", port, "-l", settings.user, _plain(host), word]


def _plain(host: str) -> str:
    return re.sub(r"^\[(.*)\]$", r"\1", host)


def _run(runner: Runner, name: str, *parameters: str, stdin: str = "") -> str:
    way, *_ = parameters
    command = Command(("sh", "-c", _script(name), name, *parameters), stdin, f"direct/{name}.sh {way}".rstrip())
    return refusals.result(runner.run(command, SECONDS), runner.server)


def _able(said: str) -> Able:
    lines = [line.partition(" ")[::2] for line in said.splitlines()]
    words = dict(lines)
    key_type, _, blob = words.get("key", "").partition(" ")
    return Able(
        tools=frozenset(value for word, value in lines if word == "tool"),
        place=words["place"],
        keys=words.get("keys"),
        key=(key_type, blob) if blob else None,
        inbox=words.get("inbox"),
    )
