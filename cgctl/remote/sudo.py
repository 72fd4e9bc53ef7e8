"""What sudo says when it refuses, and what mends it. Captured from sudo 1.9.13 in tests/data/remote/."""

from __future__ import annotations

import re

from cgctl.remote.settings import SshSettings
from drivers.errors import SudoRefused

_ALLOW = (
    "allow it on the server: echo '{user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/{user} (checked by: visudo -c)"
)

HINTS = ((re.compile(r"sudo: (\d+: )?.*not found$"), "install sudo on the server, or log in as root with sudo: false"),)


def refused(settings: SshSettings, said: str) -> SudoRefused:
    """The error for what sudo said last."""
    hints = (hint for pattern, hint in HINTS if pattern.search(said))
    return SudoRefused(f"{settings.server}: {said}", next(hints, _ALLOW).format(user=settings.user))
