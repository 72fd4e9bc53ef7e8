"""G2: the longest time that a member's write waits during a group snapshot, for 1, 8 and 64 members.

`python -m tests.bench.bench_hold`, as root: it brings up a lab of its own. An ordered writer writes over iSCSI; spans
with a group snapshot by cgctl alternate with spans of the same length without. Limit for btrfs: the median of the
longest waits is less than 100 ms over the baseline's. cgctl itself runs on the same cores as server and writer.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.measure import keep
from tests.e2e.cluster import Cluster, Members
from tests.e2e.under_load import Taken, baseline_stalls, spread, take_group_snapshots, writing
from tests.e2e.writers import Writer
from tests.lab import Lab
from tests.lab.client_namespace import entered
from tests.lab.instance import Instance

MEMBER_COUNTS = (1, 8, 64)
ROUNDS = 20
LIMIT_MS = 100.0


@dataclass(frozen=True)
class Row:
    """All in milliseconds."""

    members: int
    hold: dict[str, float]
    stall: dict[str, float]
    baseline: dict[str, float]
    command: dict[str, float]
    torn: int

    @property
    def over_baseline(self) -> float:
        return self.stall["median_ms"] - self.baseline["median_ms"]


def main() -> bool:
    """Measure and report."""
    lab = Lab(Instance.from_environment({"CGCTL_LAB": "benchhold"}))
    lab.up()
    try:
        with entered(lab.client_namespace), tempfile.TemporaryDirectory() as directory:
            cluster = Cluster(lab, Path(directory))
            cluster.make_types()
            return report([measure(cluster, count, Path(directory)) for count in MEMBER_COUNTS])
    finally:
        lab.down()


def measure(cluster: Cluster, count: int, directory: Path) -> Row:
    """One size of group."""
    members = cluster.group(f"bench-{count}", count, size="2M")
    with writing(members, cluster.attach_all(members), directory) as writer:
        writer.wait_for_rounds(5)
        taken, baseline = alternate(cluster, members, writer)
    return Row(
        count,
        spread([one.hold_seconds for one in taken]),
        spread([one.stall_seconds for one in taken]),
        spread(baseline),
        spread([one.command_seconds for one in taken]),
        sum(one.is_torn for one in taken),
    )


def alternate(cluster: Cluster, members: Members, writer: Writer) -> tuple[list[Taken], list[float]]:
    """Snapshots, and the longest waits of spans without one."""
    taken: list[Taken] = []
    baseline: list[float] = []
    for _ in range(ROUNDS):
        taken += take_group_snapshots(cluster, members, writer, 1)
        baseline += baseline_stalls(writer, 1, taken[-1].command_seconds)
    return taken, baseline


def report(rows: list[Row]) -> bool:
    """Print and keep the table. Returns whether the limit is kept for every size."""
    print(f"\nG2: hold, {ROUNDS} group snapshots each (ms: median / max)")
    print(f"  {'members':>7} {'hold':>14} {'longest write':>14} {'without':>14} {'command':>16}  over baseline")
    for row in rows:
        cells = [f"{one['median_ms']:.1f} / {one['max_ms']:.1f}" for one in (row.hold, row.stall, row.baseline)]
        command = f"{row.command['median_ms']:.0f} / {row.command['max_ms']:.0f}"
        verdict = "ok" if row.over_baseline < LIMIT_MS and not row.torn else "MISSED"
        columns = f"{row.members:>7} {cells[0]:>14} {cells[1]:>14} {cells[2]:>14} {command:>16}"
        print(f"  {columns}  {row.over_baseline:.1f} {verdict}")
    keep("G2: hold", {"rows": [asdict(row) for row in rows], "limit_ms": LIMIT_MS})
    return all(row.over_baseline < LIMIT_MS and not row.torn for row in rows)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
