"""What a process of this machine is told, as JSON: what it carries (relay), reads (reader), or does (errand)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cgctl.manager.environment import Passage
from cgctl.manager.readings import Answer, Reading, answer_told, told_answer
from drivers.command import Command


def relay_command(configuration: Path | None, passages: Sequence[Passage]) -> Command:
    """The command that runs it: this very Python with `cgctl.cli.relay`."""
    told = {
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
    return _own_process("relay", configuration, told)


def reader_command(configuration: Path | None, readings: Sequence[Reading], known: Sequence[Answer]) -> Command:
    """The same with `cgctl.cli.reader`."""
    told = {
        "readings": [{**asdict(one), "command": list(one.command.argv)} for one in readings],
        "known": [answer_told(one) for one in known],
    }
    return _own_process("reader", configuration, told)


def errand_command(configuration: Path | None, kind: str, plan: Mapping[str, Any]) -> Command:
    """The same with `cgctl.cli.errand`."""
    return _own_process("errand", configuration, {"kind": kind, "plan": dict(plan)})


def _own_process(name: str, configuration: Path | None, told: dict[str, Any]) -> Command:
    config = str(configuration) if configuration else None
    return Command((sys.executable, "-m", f"cgctl.cli.{name}"), json.dumps({"config": config, **told}), name)


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


def read_readings(text: str) -> tuple[str | None, list[Reading], list[Answer]]:
    """The configuration's file, what shall be read, and what is known already."""
    told = json.loads(text)
    readings = [Reading(**{**one, "command": Command(tuple(one["command"]), label="read")}) for one in told["readings"]]
    return told["config"], readings, [told_answer(one) for one in told["known"]]


def read_errand(text: str) -> tuple[str | None, str, dict[str, Any]]:
    """The configuration's file, and what shall be done."""
    told = json.loads(text)
    return told["config"], told["kind"], told["plan"]
