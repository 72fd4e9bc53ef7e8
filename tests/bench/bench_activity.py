"""What running as an activity costs: its bytes per second against the same pipe, or the same copy, run by hand.

On a memory file system, so that the pipe is as fast as it can be. The activity's own clock: from its start to its end.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from cgctl.remote.local import LocalRunner
from drivers.activities.place import ActivityPlace
from drivers.activities.values import Program
from drivers.backends.file.driver import FileDriver
from drivers.command import Command
from drivers.contract import Context, Volume
from tests.bench.measure import keep

MIB = 1024**2
SIZE_BYTES = 768 * MIB
ROUNDS = 5
LEAST = 0.9


def main() -> bool:
    """Whether the activity reaches 90 % of both."""
    directory = Path(tempfile.mkdtemp(prefix="cgctl-bench-", dir="/dev/shm"))
    try:
        return _compare(directory)
    finally:
        shutil.rmtree(directory)


def _compare(directory: Path) -> bool:
    source, raw = directory / "source", directory / "raw"
    subprocess.run(["sh", "-ec", 'head -c "$1" /dev/urandom >"$2"', "fill", str(SIZE_BYTES), str(source)], check=True)
    pool = directory / "pool"
    pool.mkdir()
    driver = FileDriver("bench", str(pool), LocalRunner())
    place = ActivityPlace(LocalRunner(), driver.activity_directory)
    context = Context("bench", str(uuid4()), datetime.now(UTC) + timedelta(hours=1))
    driver.claim_activities(context)

    def as_activity(make: Callable[[Volume], Program]) -> float:
        volume, key = Volume(str(uuid4()), SIZE_BYTES), str(uuid4())
        place.start(key, context.owner, make(volume))
        while not (report := place.poll([key])[key]).state.is_over:
            time.sleep(0.5)
        assert report.state == "succeeded", place.log(key)
        driver.delete_volume(context, volume)
        return report.seconds

    def by_hand(line: str) -> float:
        began = time.perf_counter()
        subprocess.run(["sh", "-ec", line, "raw", str(source), str(raw)], check=True)
        taken = time.perf_counter() - began
        raw.unlink()
        return taken

    def streamed(volume: Volume) -> Program:
        receive = driver.receive_program(context, volume, SIZE_BYTES).work
        return Program(Command(("sh", "-c", 'cat "$1" | { shift; "$@"; }', "w", str(source), *receive.argv)))

    pipe = 'cat "$1" | dd of="$2" bs=1M iflag=fullblock 2>/dev/null; sync "$2"'
    copy = 'cp --reflink=never --sparse=always "$1" "$2"; cmp "$1" "$2"; sync "$2"'
    pairs = {
        "pipe": (lambda: by_hand(pipe), lambda: as_activity(streamed)),
        "copy and compare": (
            lambda: by_hand(copy),
            lambda: as_activity(lambda volume: driver.copy_program(context, volume, str(source))),
        ),
    }
    results = {name: _ratio(name, *both) for name, both in pairs.items()}
    keep("activity throughput", results)
    return all(one["ratio"] >= LEAST for one in results.values())


def _ratio(name: str, by_hand: Callable[[], float], as_activity: Callable[[], float]) -> dict[str, float]:
    rounds = [(by_hand(), as_activity()) for _ in range(ROUNDS)]
    raw, own = (SIZE_BYTES / MIB / median(one[index] for one in rounds) for index in (0, 1))
    print(f"{name:<20} raw {raw:7.0f} MiB/s   activity {own:7.0f} MiB/s   {own / raw:5.2f} (at least {LEAST})")
    return {"raw_mib_per_second": round(raw), "activity_mib_per_second": round(own), "ratio": round(own / raw, 3)}
