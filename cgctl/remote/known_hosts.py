"""Which host keys are trusted: a known_hosts file, read as sshd(8) describes it under SSH_KNOWN_HOSTS FILE FORMAT.

Names may be patterns, negated, hashed, or carry a port. A file that is not there trusts nobody. Host certificates
(`@cert-authority`) are not supported and trust nobody; `@revoked` keys are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostKey:
    """A public host key: its type as in known_hosts (`ssh-ed25519`, `ssh-rsa`), and the key itself."""

    key_type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"SHA256:{digest}"

    @property
    def short_type(self) -> str:
        """The word for `ssh-keyscan -t`: ed25519, ecdsa, rsa."""
        return self.key_type.removeprefix("ssh-").partition("-")[0]


@dataclass(frozen=True)
class Trusted:
    """What a known_hosts file says of one host."""

    keys: tuple[HostKey, ...]
    revoked: frozenset[bytes]


def read(path: Path, name: str) -> Trusted:
    """What the file says of a host; name is `host`, or `[host]:port` for ports other than 22. Raises OSError."""
    if not path.exists():
        return Trusted((), frozenset())
    entries = list(_entries(path.read_text(errors="replace"), name.lower()))
    keys = tuple(key for marker, key in entries if marker == "")
    return Trusted(keys, frozenset(key.blob for marker, key in entries if marker == "@revoked"))


def _entries(text: str, name: str) -> Iterator[tuple[str, HostKey]]:
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) >= 3 and _names_match(fields[0], name):
            try:
                yield marker, HostKey(fields[1], base64.b64decode(fields[2], validate=True))
            except (binascii.Error, ValueError):
                continue


def _names_match(names: str, name: str) -> bool:
    """A negated pattern that matches outweighs all others."""
    matched = False
    for pattern in names.split(","):
        if _pattern_matches(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


def _pattern_matches(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        return _hash_matches(pattern, name)
    regular = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern.lower())
    return re.fullmatch(regular, name) is not None


def _hash_matches(pattern: str, name: str) -> bool:
    """`|1|salt|HMAC-SHA1 of the name`, both base64 (HashKnownHosts)."""
    try:
        salt, digest = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except ValueError:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)
