"""What end-to-end tests measured, without asserting it: one line of JSON each in tests/bench/out/e2e.jsonl."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "bench/out"


def record(name: str, **values: Any) -> None:
    """Keep what was measured under a name; the keys carry the units."""
    OUT.mkdir(exist_ok=True)
    line = json.dumps({"name": name, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **values})
    with (OUT / "e2e.jsonl").open("a") as file:
        file.write(line + "\n")
