"""What a relay of this machine is told: from which backend to which, by which commands. JSON on its standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cgctl.manager.environment import Passage
from drivers.command import Command


def relay_command(configuration: Path | None, passages: Sequence[Passage]) -> Command:
    """The command that runs it: this very Python with `cgctl.cli.relay`."""
    told = {
        "config": str(configuration) if configuration else None,
        "passages": [
            {
                "source": one.source,
                "send": list(one.send.argv),
                "destination": one.destination,
                "receive": list(one.receive.argv),
                "stream_bytes": one.stream_bytes,
            }
            for one in passages
        ],
    }
    return Command((sys.executable, "-m", "cgctl.cli.relay"), json.dumps(told), "relay")


def read_passages(text: str) -> tuple[str | None, list[Passage]]:
    """The configuration's file, and what shall pass."""
    told = json.loads(text)
    return told["config"], [
        Passage(
            one["source"],
            Command(tuple(one["send"]), label="send"),
            one["destination"],
            Command(tuple(one["receive"]), label="receive"),
            one["stream_bytes"],
        )
        for one in told["passages"]
    ]
