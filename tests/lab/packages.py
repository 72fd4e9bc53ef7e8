"""The Debian packages that the lab needs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.lab.command import LabError, run

PACKAGES = (
    "openssh-server",
    "postgresql",
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
    "attr",
    "qemu-utils",
    "qemu-block-extra",
    "libiscsi-dev",
    "libnfs-dev",
    "gcc",
    "libc6-dev",
    "zsh",
    "ksh",
    "tcsh",
    "fish",
    "groff-base",
)


def missing(packages: Sequence[str] = PACKAGES) -> list[str]:
    """Those of the packages that dpkg does not know as installed."""
    form = "--showformat=${Package} ${db:Status-Status}\n"
    query = run(["dpkg-query", "--show", form, *packages], check=False)
    installed = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install_missing(packages: Sequence[str] = PACKAGES) -> None:
    """Install what is missing; the daemons are not started on the machine itself."""
    wanted = missing(packages)
    if not wanted:
        return
    install = ["install", "--yes", "--no-install-recommends", *wanted]
    if _apt(*install).returncode == 0:
        return
    _apt("update")
    done = _apt(*install)
    if done.returncode:
        raise LabError(f"apt-get could not install {' '.join(wanted)}:\n{done.stdout}{done.stderr}")


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Waits for another apt; keeps the packages' daemons from starting on the machine itself."""
    policy = Path("/usr/sbin/policy-rc.d")
    made_here = not policy.exists()
    if made_here:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = [f"PATH={os.environ['PATH']}", "DEBIAN_FRONTEND=noninteractive"]
        command = ["env", *environment, "apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments]
        return run(command, check=False, timeout_seconds=900)
    finally:
        if made_here:
            policy.unlink()
