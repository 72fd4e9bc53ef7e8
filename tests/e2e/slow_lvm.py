"""A virtual machine on which the snapshots of a hold take their time, as `slow_btrfs` does it for btrfs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.command import wait_until
from tests.lab.vm import Machine

BEGUN = "/run/slow-lvm-begun"
# Found before the real one. What is told to it in a hold is slow, nothing else.
WRAPPER = f"""#!/bin/sh
held=''
while IFS= read -r line; do
    case $held$line in
        "lvcreate "*" --noudevsync "*)
            held=yes
            : >{BEGUN}
            sleep "$(cat /run/slow-lvm-seconds)"
            ;;
    esac
    printf '%s\\n' "$line"
done | /usr/sbin/lvm "$@"
"""


@contextmanager
def slow_lvm(machine: Machine, seconds: float) -> Iterator[None]:
    machine.script(f'echo "$1" >/run/slow-lvm-seconds; rm -f {BEGUN}', str(seconds))
    machine.run(["tee", "/usr/local/sbin/lvm"], input=WRAPPER)
    machine.script("chmod 755 /usr/local/sbin/lvm")
    try:
        yield
    finally:
        machine.script("rm /usr/local/sbin/lvm")


def wait_for_snapshot(machine: Machine) -> None:
    """Until the gates are held and the first line has come."""
    wait_until(lambda: machine.run(["test", "-e", BEGUN], check=False).returncode == 0, "the snapshot to begin", 60)
