"""`python -m cgctl`."""

from __future__ import annotations

from cgctl.cli.app import entry

if __name__ == "__main__":
    entry()
