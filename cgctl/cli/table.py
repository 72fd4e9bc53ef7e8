"""All commands, by the section of `cgctl --help` they stand in. Nothing is imported until a command is called.

A command is a function decorated with `@command("name")` (cgctl/cli/command.py); its summary here is the first line of
its docstring. tests/cli/test_frame_table.py holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command is: module below cgctl.cli, function in it, and its line in `--help`."""

    module: str
    function: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "State and configuration": {
        "config-check": Entry("config", "config_check", "Check the configuration file; every problem at once."),
    },
}

COMMANDS: dict[str, Entry] = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
