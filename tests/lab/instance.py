"""Which lab: several run side by side on one machine, told apart by name and directory."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9]{0,30}")


@dataclass(frozen=True)
class Instance:
    """Name (prefix of every network namespace) and directory (everything else) of one lab."""

    name: str
    directory: Path

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"CGCTL_LAB must match {NAME.pattern}: {self.name!r}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Instance:
        """CGCTL_LAB (default `lab`), CGCTL_LAB_DIR; each worker of pytest-xdist gets a lab of its own."""
        worker = environ.get("PYTEST_XDIST_WORKER", "")
        name = environ.get("CGCTL_LAB", "lab") + worker
        default = Path(tempfile.gettempdir()) / f"cgctl-lab-{name}"
        given = environ.get("CGCTL_LAB_DIR")
        return cls(name, Path(given).resolve() / worker if given else default)

    def namespace(self, short_name: str) -> str:
        return f"{self.name}-{short_name}"

    def namespace_file(self, short_name: str) -> Path:
        return Path("/run/netns", self.namespace(short_name))
