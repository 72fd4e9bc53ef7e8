"""The users of a host: written into its private copy of /etc, homes in its private /home."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BANNER = (
    'echo "Welcome to $(hostname)!"\n'
    'echo "{\\"not\\": \\"the output that you look for\\"}"\n'
    'echo "*** maintenance on Sunday ***"\n'
    'echo "this line goes to stderr" >&2\n'
)


@dataclass(frozen=True)
class User:
    name: str
    uid: int
    sudo: bool
    profile: str = ""

    @property
    def home(self) -> str:
        return f"/home/{self.name}"


USERS = (
    User("cgctl", 2001, sudo=True),
    User("nosudo", 2002, sudo=False),
    User("noisy", 2003, sudo=True, profile=BANNER),
)


def add(users: tuple[User, ...], etc: Path, homes: Path, authorized_keys: str) -> None:
    """Make the users in a copy of /etc, each with a home and the key, some with password-less sudo."""
    for user in users:
        _append(etc / "passwd", f"{user.name}:x:{user.uid}:{user.uid}::{user.home}:/bin/bash")
        _append(etc / "group", f"{user.name}:x:{user.uid}:")
        _append(etc / "shadow", f"{user.name}:*:19000:0:99999:7:::")
        if user.sudo:
            _write(etc / "sudoers.d" / user.name, f"{user.name} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
        _make_home(user, homes / user.name, authorized_keys)


def _make_home(user: User, home: Path, authorized_keys: str) -> None:
    (home / ".ssh").mkdir(parents=True)
    _write(home / ".ssh/authorized_keys", authorized_keys, 0o600)
    for profile in (".bashrc", ".profile"):
        _write(home / profile, user.profile, 0o644)
    for path in (home, *home.rglob("*")):
        os.chown(path, user.uid, user.uid)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
