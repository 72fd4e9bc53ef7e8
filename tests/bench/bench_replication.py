"""G7 and G8: the throughput of replication against the raw pipe, and how long a failover of 8 members takes.

`python -m tests.bench.bench_replication`, as root: it brings up a lab of its own. G7: seconds of a transfer as cgctl
tells them (with its proof and its sync to disk) against `btrfs send | ssh | btrfs receive` by hand, of the same data
with the same cipher and a `sync -f` behind it; full and delta, alternating. G8: from Enter to the first write that the
new side acknowledges, by cgctl as a process and an initiator that logs in there.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cgctl.remote.direct.servers import CIPHERS
from tests.bench.measure import keep
from tests.e2e.cluster import POOL, Cluster
from tests.e2e.replicated import ALLOWED, HOME, Pair
from tests.lab import Lab
from tests.lab.client_namespace import entered
from tests.lab.instance import Instance

MIB = 1024 * 1024
ROUNDS = 5
DATA_MIB = 256
LEAST_SHARE = 0.9
LIMITS = {"planned": 10.0, "unplanned": 5.0}
RAW = """
parent=$1 snapshot=$2 address=$3
version=''
[ "$(cat /sys/fs/btrfs/features/send_stream_version)" -lt 2 ] || version='--proto 2 --compressed-data'
btrfs send -q $version ${parent:+-p "$parent"} "$snapshot" |
    ssh -F none -T -c "$4" -i /root/bench-key -o StrictHostKeyChecking=no -o LogLevel=ERROR "root@$address" \
        'btrfs receive -q /srv/pool/bench && sync -f /srv/pool/bench'
"""


def main() -> bool:
    """Measure and report."""
    lab = Lab(Instance.from_environment({"CGCTL_LAB": "benchrepl"}))
    lab.up()
    try:
        with entered(lab.client_namespace), tempfile.TemporaryDirectory() as directory:
            kept = throughput(Pair.build(Cluster(lab, Path(directory)), count=1, size="512M"), lab)
        lab.stor1.clean()
        lab.stor2.clean()
        with entered(lab.client_namespace), tempfile.TemporaryDirectory() as directory:
            return failovers(Pair.build(Cluster(lab, Path(directory)), count=8), Path(directory)) and kept
    finally:
        lab.down()


def throughput(pair: Pair, lab: Lab) -> bool:
    """G7."""
    alpha, beta = pair.host("alpha"), pair.host("beta")
    key = alpha.path("/root/bench-key")
    key.write_bytes(lab.identity_file.read_bytes())
    key.chmod(0o600)
    for host in (alpha, beta):
        host.run(["btrfs", "subvolume", "create", str(POOL / "bench")])
    seconds: dict[str, list[float]] = {name: [] for name in ("raw full", "cgctl full", "raw delta", "cgctl delta")}
    for number in range(ROUNDS):
        write(pair)
        pair.cluster.run("group-disable-replication", "db")
        pair.cluster.run("group-enable-replication", "db")
        seconds["cgctl full"].append(transfer_seconds(pair))
        seconds["raw full"].append(raw(pair, "", f"full-{number}"))
        write(pair)
        seconds["raw delta"].append(raw(pair, f"full-{number}", f"delta-{number}"))
        pair.sync()
        seconds["cgctl delta"].append(transfer_seconds(pair))
    return report_throughput({name: statistics.median(taken) for name, taken in seconds.items()})


def write(pair: Pair) -> None:
    """The same number of new bytes in each round, on disk before anybody measures."""
    with pair.disks("alpha")[0].open("r+b") as file:
        file.write(os.urandom(DATA_MIB * MIB))
        os.fsync(file.fileno())


def transfer_seconds(pair: Pair) -> float:
    """Of the last transfer."""
    (row,) = pair.cluster.run("group-replication-status", "db", "-f", "json").json
    assert row["path"] == "direct", row
    assert row["stream_bytes"] > DATA_MIB * MIB, row
    return float(row["seconds"])


def raw(pair: Pair, parent: str, name: str) -> float:
    """By hand, of what is live."""
    live, bench = POOL / f"live/cgctl-{pair.members.group_id}", POOL / "bench"
    pair.host("alpha").run(["btrfs", "subvolume", "snapshot", "-r", str(live), str(bench / name)])
    base = str(bench / parent) if parent else ""
    began = time.perf_counter()
    pair.host("alpha").script(RAW, base, str(bench / name), pair.host("beta").ip, CIPHERS)
    return time.perf_counter() - began


def report_throughput(medians: dict[str, float]) -> bool:
    """Print and keep the table."""
    load = os.getloadavg()[0]
    print(f"\nG7: {DATA_MIB} MiB of random data, median of {ROUNDS}, load {load:.1f}")
    shares = {}
    for word in ("full", "delta"):
        for who in ("raw", "cgctl"):
            took = medians[f"{who} {word}"]
            print(f"  {who + ' ' + word:<14} {took:8.2f} s {DATA_MIB / took:8.0f} MiB/s")
        shares[word] = medians[f"raw {word}"] / medians[f"cgctl {word}"]
        print(f"  {word:<14} {shares[word]:8.0%} of the pipe {'ok' if shares[word] >= LEAST_SHARE else 'MISSED'}")
    keep("G7: replication", {"medians_seconds": medians, "shares": shares, "load": load})
    return min(shares.values()) >= LEAST_SHARE


def failovers(pair: Pair, directory: Path) -> bool:
    """G8."""
    taken: dict[str, list[float]] = {"planned": [], "unplanned": []}
    for number in range(3):
        taken["planned"].append(until_written(pair, directory, "beta", number, ("--secondary-backend-id", "dr1")))
        until_written(pair, directory, "alpha", number, HOME)
        pair.sync()
        pair.host("alpha").cut()
        words = ("--secondary-backend-id", "dr1", "--source-is-down")
        taken["unplanned"].append(until_written(pair, directory, "beta", number, words))
        pair.host("alpha").join()
        pair.sync()
        pair.fail_over("alpha")
    load = os.getloadavg()[0]
    print(f"\nG8: failover of 8 members, until the first write is acknowledged, 3 each, load {load:.1f}")
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, took in medians.items():
        print(f"  {name:<10} {took:6.2f} s (limit {LIMITS[name]:.0f} s) {'ok' if took < LIMITS[name] else 'MISSED'}")
    keep("G8: failover", {"seconds": taken, "load": load})
    return all(took < LIMITS[name] for name, took in medians.items())


def until_written(pair: Pair, directory: Path, to: str, number: int, words: tuple[str, ...]) -> float:
    """Seconds from Enter."""
    first_round = 1 + 1000 * (10 * number + len(list(directory.iterdir())))
    return timed(lambda: _fail_over_and_write(pair, directory, to, first_round, words))


def _fail_over_and_write(pair: Pair, directory: Path, to: str, first_round: int, words: tuple[str, ...]) -> None:
    result = pair.cluster.cgctl_process(*ALLOWED, "db", *words)
    assert result.exit_code == 0, result.stderr
    with pair.writing(to, directory, first_round) as writer:
        writer.wait_for_rounds(1)


def timed(act: Callable[[], object]) -> float:
    """Its seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
