"""The loop devices below a directory: a pool's image, and the file system that holds the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run, wait_until


@dataclass(frozen=True)
class Loop:
    """One attachment of a loop device.

    The path of the backing file changes when its mount namespace dies, long before the device is free: the
    disk sequence number (Linux 5.15) tells this attachment from a later one.
    """

    device: str
    backing_file: str
    sequence: str

    def is_attached(self) -> bool:
        return (_sysfs(self.device) / "loop").exists() and _sequence(self.device) == self.sequence


def _sysfs(device: str) -> Path:
    return Path("/sys/block", Path(device).name)


def _sequence(device: str) -> str:
    return (_sysfs(device) / "diskseq").read_text().strip()


def below(directory: Path) -> list[Loop]:
    """The loop devices whose images lie below a directory."""
    columns = ["--raw", "--output", "NAME,BACK-FILE"]
    rows = run(["losetup", "--list", "--noheadings", *columns]).stdout.splitlines()
    pairs = [row.split(" ", 1) for row in rows if f" {directory}/" in row]
    return [Loop(device, backing_file, _sequence(device)) for device, backing_file in pairs]


def wait_until_free(loops: list[Loop]) -> None:
    """The kernel lets go of a dead host's mounts a while after its last process; then the loops are free."""
    wait_until(lambda: not any(loop.is_attached() for loop in loops), "the loop devices to be released", 60)


def detach(loops: list[Loop]) -> None:
    """Only for what a crash left; a loop device made by mount goes with its mount."""
    for loop in loops:
        if loop.is_attached():
            run(["losetup", "--detach", loop.device], check=False)
