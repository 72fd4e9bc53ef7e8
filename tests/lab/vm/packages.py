"""The Debian packages that the virtual machines need on this machine."""

from __future__ import annotations

from tests.lab import packages

PACKAGES = ("qemu-system-x86", "qemu-utils", "mmdebstrap", "busybox-static", "e2fsprogs")


def install_missing() -> None:
    packages.install_missing(PACKAGES)
