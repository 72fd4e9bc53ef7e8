"""The loop devices below a directory: a pool's image, and the file system that holds the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run, wait_until


@dataclass(frozen=True)
class Loop:
    device: str
    backing_file: str

    def is_attached(self) -> bool:
        path = Path("/sys/block", Path(self.device).name, "loop/backing_file")
        try:
            return path.read_text().strip() == self.backing_file
        except OSError:
            return False


def below(directory: Path) -> list[Loop]:
    """The loop devices whose images lie below a directory."""
    columns = ["--raw", "--output", "NAME,BACK-FILE"]
    rows = run(["losetup", "--list", "--noheadings", *columns]).stdout.splitlines()
    loops = [Loop(*row.split(" ", 1)) for row in rows if " " in row]
    return [loop for loop in loops if loop.backing_file.startswith(f"{directory}/")]


def wait_until_free(loops: list[Loop]) -> None:
    """The kernel lets go of a dead host's mounts a while after its last process; then the loops are free."""
    wait_until(lambda: not any(loop.is_attached() for loop in loops), "the loop devices to be released", 60)


def detach(loops: list[Loop]) -> None:
    """Only for what a crash left; a loop device made by mount goes with its mount."""
    for loop in loops:
        if loop.is_attached():
            run(["losetup", "--detach", loop.device], check=False)
