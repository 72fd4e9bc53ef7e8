"""G6: the whole `cgsnapshot-create` of 8 members, against a hand-written `ssh host …` that does only the snapshot.

`python -m tests.bench.bench_group_snapshot`, as root: it brings up a lab of its own. Limit: 1 s more than the script,
for 8 and for 64 members. OpenSSH's client is given its fastest key exchange (lab.md, section 2), so that the script is
no easy mark.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import alternate, keep
from tests.e2e.cluster import Cluster
from tests.lab import Lab
from tests.lab.client_namespace import entered
from tests.lab.instance import Instance

ROUNDS = 7
LIMIT_SECONDS = 1.0
_number = itertools.count()


def main() -> bool:
    """Measure and report."""
    lab = Lab(Instance.from_environment({"CGCTL_LAB": "bench"}))
    lab.up()
    try:
        with entered(lab.client_namespace), tempfile.TemporaryDirectory() as directory:
            cluster = Cluster(lab, Path(directory))
            cluster.make_types()
            kept = [measure(cluster, members) for members in (8, 64)]
            return all(kept)
    finally:
        lab.down()


def measure(cluster: Cluster, members: int) -> bool:
    """One size of group."""
    group = cluster.group(f"bench-{members}", members, size="1M")
    snapshot, script = f"cgsnapshot-create, {members} members", f"ssh script, {members} members"
    medians = alternate({script: by_hand(cluster, group.group_id), snapshot: by_cgctl(cluster, group.group_id)}, ROUNDS)
    more = medians[snapshot] - medians[script]
    print(f"\nG6: whole command, {members} members")
    for name, seconds in medians.items():
        print(f"  {name:<34} {seconds * 1000:9.1f} ms")
    verdict = "ok" if more <= LIMIT_SECONDS else "MISSED"
    print(f"  cgctl takes {more * 1000:.0f} ms more (limit {LIMIT_SECONDS * 1000:.0f}) {verdict}")
    keep(f"G6 {members} members", {"medians_seconds": medians, "more_seconds": more, "limit_seconds": LIMIT_SECONDS})
    return more <= LIMIT_SECONDS


def by_cgctl(cluster: Cluster, group_id: str) -> Callable[[], object]:
    """A process of its own, as an operator or cron runs it."""
    argv = [sys.executable, "-m", "cgctl", "cgsnapshot-create", group_id]
    return lambda: subprocess.run(argv, env=cluster.environment(), check=True, stdout=subprocess.DEVNULL)


def by_hand(cluster: Cluster, group_id: str) -> Callable[[], object]:
    """What an operator would write without cgctl."""
    host = cluster.lab.stor1
    ssh = ["ssh", "-F", str(cluster.lab.ssh_config), "-o", "KexAlgorithms=curve25519-sha256", f"cgctl@{host.ip}"]

    def run() -> object:
        at = f"/srv/pool/by-hand-{next(_number)}"
        command = f"sudo btrfs -q subvolume snapshot -r /srv/pool/live/cgctl-{group_id} {at}"
        return subprocess.run([*ssh, command], check=True, stdout=subprocess.DEVNULL)

    return run


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
