"""What was asked for apart from the command's own words: the options that every command takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOCK_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Invocation:
    """One run of cgctl.

    config, state: as given on the command line, None where they were not. command_line: the words after `cgctl`, with
    passwords of URLs masked, for the journal. assume_yes: `--yes`.
    """

    config: str | None = None
    state: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    dry_run: bool = False
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS
    assume_yes: bool = False
    command_line: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: Mapping[str, Any], own: Mapping[str, Any], command_line: list[str]) -> Invocation:
        """Join the options before the command's name with those after it; the later one counts."""

        def value(name: str) -> Any:
            given = own.get(name)
            return root.get(name) if given is None or given is False else given  # 0 is given

        timeout = value("lock_timeout")
        return cls(
            config=value("config"),
            state=value("state"),
            quiet=bool(value("quiet")),
            verbose=bool(value("verbose")),
            debug=bool(value("debug")),
            dry_run=bool(value("dry_run")),
            lock_timeout_seconds=LOCK_TIMEOUT_SECONDS if timeout is None else timeout,
            assume_yes=bool(value("yes")),
            command_line=command_line,
        )
