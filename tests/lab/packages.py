"""The Debian packages that the lab needs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.command import LabError, run

PACKAGES = (
    "openssh-server",
    "openssh-client",
    "sudo",
    "btrfs-progs",
    "xfsprogs",
    "tgt",
    "nfs-ganesha",
    "nfs-ganesha-vfs",
    "dbus",
    "iproute2",
    "util-linux",
    "procps",
    "libiscsi-bin",
    "libnfs-utils",
    "qemu-utils",
    "qemu-block-extra",
    "libiscsi-dev",
    "libnfs-dev",
    "gcc",
    "libc6-dev",
)


def missing() -> list[str]:
    """The packages that dpkg does not know as installed."""
    form = "--showformat=${Package} ${db:Status-Status}\n"
    query = run(["dpkg-query", "--show", form, *PACKAGES], check=False)
    installed = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in PACKAGES if package not in installed]


def install_missing() -> None:
    """Install what is missing; the daemons are not started on the machine itself."""
    wanted = missing()
    if not wanted:
        return
    if _install(wanted) and (_apt("update") or _install(wanted)):
        raise LabError(f"apt-get could not install {' '.join(wanted)}")


def _install(wanted: list[str]) -> int:
    return _apt("install", "--yes", "--no-install-recommends", *wanted)


def _apt(*arguments: str) -> int:
    policy = Path("/usr/sbin/policy-rc.d")
    made_here = not policy.exists()
    if made_here:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = [f"PATH={os.environ['PATH']}", "DEBIAN_FRONTEND=noninteractive"]
        return run(["env", *environment, "apt-get", *arguments], check=False, timeout_seconds=900).returncode
    finally:
        if made_here:
            policy.unlink()
