"""`python -m cgctl`."""

from __future__ import annotations

import sys

from cgctl.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
