"""All benchmarks, one after another: `python -m tests.bench [NAME…]`. Those of the lab need root."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; exit code 1 when one misses a figure."""
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("bench_*.py"))
    results = [import_module(f"tests.bench.{name}").main() for name in names or known]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
