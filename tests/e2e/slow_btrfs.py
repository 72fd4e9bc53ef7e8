"""A storage server on which a snapshot takes its time: the hold can be watched, cut and killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Host
from tests.lab.command import wait_until

IN_SNAPSHOT = "/tmp/btrfs-snapshot-begins"
WRAPPER = f"""#!/bin/sh
case "$*" in
"subvolume snapshot"*) : >{IN_SNAPSHOT}; sleep "$(cat /tmp/btrfs-snapshot-seconds)" ;;
esac
exec /tmp/btrfs-real "$@"
"""


@contextmanager
def slow_btrfs(host: Host, seconds: float) -> Iterator[None]:
    """Within it, every `btrfs subvolume snapshot` of this host begins by sleeping so long."""
    host.script(
        f'cp /usr/bin/btrfs /tmp/btrfs-real; echo "$1" >/tmp/btrfs-snapshot-seconds; rm -f {IN_SNAPSHOT}', str(seconds)
    )
    host.run(["tee", "/tmp/btrfs-wrapper"], input=WRAPPER)
    host.script("chmod 755 /tmp/btrfs-wrapper; mount --bind /tmp/btrfs-wrapper /usr/bin/btrfs")
    try:
        yield
    finally:
        # Lazily: a snapshot that was cut off may still sleep in the wrapper, and keep it mounted for the next.
        host.run(["umount", "-l", "/usr/bin/btrfs"])


def wait_for_snapshot(host: Host) -> None:
    """Until `btrfs subvolume snapshot` has begun."""
    wait_until(lambda: host.path(IN_SNAPSHOT).exists(), "the snapshot to begin", 60)
