"""Backups: the first backup of an image, and its restore, against the raw pipe that an operator would write by hand.

The raw pipe is `cat image | sh -c 'cat > copy && sync copy'` on one machine, which no link slows down: the worst case
for a format that proves every chunk by its sha256. Data that cannot be compressed, chunks kept as they are.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from cgctl.remote.local import LocalRunner
from drivers.backups.repository import Repository, Source, send
from tests.bench.measure import alternate, report

SIZE_MIB = 256
ROUNDS = 2
LIMIT = 10.0
"""Seconds over the raw pipe's. sha256 by perl makes 340 MiB/s of a core, a pipe in memory many times that; over SSH the
link is what takes the time, and the ratio is near 1."""


def piped(sender: Sequence[str], receiver: Sequence[str]) -> None:
    with subprocess.Popen(sender, stdout=subprocess.PIPE) as one:
        subprocess.run(receiver, stdin=one.stdout, check=True)
    assert one.returncode == 0


def main() -> bool:
    """Whether all limits are kept."""
    with TemporaryDirectory(dir="/dev/shm") as directory:
        return measured(Path(directory))


def measured(root: Path) -> bool:
    image, copy = root / "image", root / "copy"
    argv = ("dd", "if=/dev/urandom", f"of={image}", "bs=1M", f"count={SIZE_MIB}", "status=none")
    subprocess.run(argv, check=True)
    (root / "vault").mkdir()
    repository = Repository(LocalRunner(), str(root / "vault"))
    source = Source(str(uuid4()), SIZE_MIB * 1024**2, str(image))
    raw, kept = ("sh", "-c", f"cat > {copy} && sync {copy}"), [str(uuid4())]

    def back_up() -> None:
        repository.delete(kept[0])
        repository.begin(kept[0], None, {}, fresh=True)
        piped(send("", "none", [source]).argv, repository.store(kept[0], "none").argv)

    cases = {
        "raw pipe": lambda: piped(("cat", str(image)), raw),
        "backup": back_up,
        "restore": lambda: piped(repository.read(kept[0], source.member_id).argv, raw),
    }
    medians = alternate(cases, ROUNDS)
    return report(
        f"backup of {SIZE_MIB} MiB on one machine",
        medians,
        {name: (name, "raw pipe", LIMIT) for name in ("backup", "restore")},
    )


if __name__ == "__main__":
    main()
