"""Ratios against a named baseline, taken in the same run: alternating, the median of all rounds."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

OUT = Path(__file__).parent / "out"

Timed = Mapping[str, Callable[[], object]]


def process(*argv: str, environment: Mapping[str, str] | None = None) -> Callable[[], object]:
    """A whole process, with its output thrown away; a failing one is an error."""
    return lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)


def alternate(cases: Timed, rounds: int) -> dict[str, float]:
    """Median seconds of each case; one round without measuring first, to warm the caches."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, run in cases.items():
            began = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def report(title: str, medians: Mapping[str, float], ratios: Mapping[str, tuple[str, str, float]]) -> bool:
    """Print and keep a table. ratios: name -> (case, baseline, limit). Returns whether all limits are kept."""
    print(f"\n{title}")
    for name, seconds in medians.items():
        print(f"  {name:<34} {seconds * 1000:9.1f} ms")
    kept = True
    rows = {}
    for name, (case, baseline, limit) in ratios.items():
        ratio = medians[case] / medians[baseline]
        kept &= ratio <= limit
        rows[name] = {"ratio": round(ratio, 3), "limit": limit, "baseline": baseline}
        print(f"  {name:<34} {ratio:9.2f} x {baseline} (limit {limit}) {'ok' if ratio <= limit else 'MISSED'}")
    keep(title, {"medians_seconds": dict(medians), "ratios": rows})
    return kept


def keep(title: str, data: object) -> None:
    """Write a result as JSON beside the others."""
    OUT.mkdir(exist_ok=True)
    (OUT / f"{title.partition(':')[0].replace(' ', '_').lower()}.json").write_text(json.dumps(data, indent=2) + "\n")
