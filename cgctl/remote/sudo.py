"""What sudo says when it refuses, and what mends it. Captured in tests/data/remote/sudo-1.9.13p3.txt."""

from __future__ import annotations

import re

from cgctl.remote.settings import SshSettings
from drivers.errors import SudoRefused

_ALLOW = (
    "on the server, as root: (umask 227; echo '{user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/{file}) && visudo -c"
)

_HINTS = (
    (re.compile(r"sudo: (?:command )?not found$", re.M), "install sudo on the server, or log in as root without sudo"),
    (re.compile(r'^sudo: The "no new privileges" flag is set.*$', re.M), "let the server's container gain privileges"),
    (
        re.compile(r"^sudo: sorry, you must have a tty.*$", re.M),
        "on the server, in sudoers: Defaults:{user} !requiretty",
    ),
    (re.compile(r"^sudo: .+ is (?:world|group) writable$", re.M), "on the server, as root: visudo -c"),
)


def refused(settings: SshSettings, said: str) -> SudoRefused:
    """The error for what sudo said; that its inner shell was not reached has been established without it."""
    names = {"user": settings.user, "file": f"cgctl-{settings.user}".replace(".", "_")}  # sudo skips names with a dot
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["sudo refuses without a word"]
    for pattern, hint in _HINTS:
        found = [line for line in lines if pattern.search(line)]
        if found:
            return SudoRefused(f"{settings.server}: {found[0]}", hint.format(**names))
    return SudoRefused(f"{settings.server}: {lines[-1]}", _ALLOW.format(**names))
