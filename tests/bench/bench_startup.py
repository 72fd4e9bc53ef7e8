"""G5: start-up. `python -m tests.bench.bench_startup`.

`--help`, `--version` and completion against `import typer` (limit 1.5); a list and a show on 1,000 groups with 10,000
volumes against `import sqlmodel` (limit 1.25).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from cgctl.model.tables import Group, GroupType, GroupVolumeType, Volume, VolumeType
from cgctl.store.database import Store
from tests.bench.measure import alternate, process, report

GROUPS = 1_000
VOLUMES_PER_GROUP = 10
ROUNDS = 9


def fill(url: str) -> None:
    """A state with many groups."""
    store = Store(url)
    with store.write() as session:
        group_type, volume_type = GroupType(name="cg"), VolumeType(name="gold")
        session.add_all([group_type, volume_type])
        session.flush()
        groups = [
            Group(name=f"group-{number:04}", status="available", host="alpha", group_type_id=group_type.id)
            for number in range(GROUPS)
        ]
        session.add_all(groups)
        session.flush()
        session.add_all(GroupVolumeType(group_id=one.id, volume_type_id=volume_type.id) for one in groups)
        session.add_all(
            Volume(
                name=f"{one.name}-{number}",
                status="available",
                size_bytes=1 << 30,
                volume_type_id=volume_type.id,
                group_id=one.id,
                host="alpha",
            )
            for one in groups
            for number in range(VOLUMES_PER_GROUP)
        )
    store.close()


def main() -> bool:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'state.db'}"
        fill(url)
        python, environment = sys.executable, {**os.environ, "CGCTL_STATE": url}

        def completing(words: str) -> dict[str, str]:
            return {**environment, "_CGCTL_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": words}

        def cgctl(*words: str) -> tuple[str, ...]:
            return (python, "-m", "cgctl", *words)

        medians = alternate(
            {
                "import typer": process(python, "-c", "import typer"),
                "import sqlmodel": process(python, "-c", "import sqlmodel"),
                "--help": process(*cgctl("--help"), environment=environment),
                "--version": process(*cgctl("--version"), environment=environment),
                "COMMAND --help": process(*cgctl("group-create", "--help"), environment=environment),
                "completion": process(*cgctl(), environment=completing("cgctl group-")),
                "completion of options": process(*cgctl(), environment=completing("cgctl group-create --na")),
                "completion of names": process(*cgctl(), environment=completing("cgctl group-show group-05")),
                "group-show": process(*cgctl("group-show", "group-0500"), environment=environment),
                "group-list": process(*cgctl("group-list"), environment=environment),
                "group-list --limit 20": process(*cgctl("group-list", "--limit", "20"), environment=environment),
                "list --group-id": process(*cgctl("list", "--group-id", "group-0500"), environment=environment),
                "list (10,000 volumes)": process(*cgctl("list"), environment=environment),
            },
            ROUNDS,
        )
    quick = ("--help", "--version", "COMMAND --help", "completion", "completion of options", "completion of names")
    against_typer = {name: (name, "import typer", 1.5) for name in quick}
    reads = ("group-show", "group-list", "group-list --limit 20", "list --group-id", "list (10,000 volumes)")
    return report("G5: start-up", medians, against_typer | {name: (name, "import sqlmodel", 1.25) for name in reads})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
