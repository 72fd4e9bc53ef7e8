"""Copies of images from backend to backend, as the program of an activity.

Where both backends are pools of one server, its server copies and compares; else the bytes are carried by a process of
this machine, and the receiver counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgctl.errors import Refused
from cgctl.manager.environment import Environment, Passage
from drivers import contract
from drivers.activities.place import send_image
from drivers.activities.sequence import in_sequence
from drivers.activities.values import Program
from drivers.contract import Context, SourceForm


@dataclass(frozen=True)
class Copy:
    """path: a file or device on the source's server, to which nobody can write; volume: what it becomes."""

    path: str
    size_bytes: int
    volume: contract.Volume


def refuse_file_systems(env: Environment, word: str, *hosts: str) -> None:
    """Raise Refused where volumes are no disks: an image of a mounted file system is not what its clients have."""
    for one in hosts:
        if env.backends.get(one).driver.source_form is SourceForm.FILE_SYSTEM:
            hint = "let a client copy the files into a new volume"
            raise Refused(word, f"volumes of backend {one} are file systems, not disks that could be copied", hint)


def copying_host(env: Environment, source: str, destination: str) -> str | None:
    """The backend whose server does the work; None: this machine."""
    return destination if env.backends.share_server(source, destination) else None


def copy_program(
    env: Environment, context: Context, source: str, destination: str, copies: Sequence[Copy], label: str
) -> Program:
    """Copies from one backend to another, one after the other: all of them, or the undo of all."""
    driver = env.backends.get(destination).driver
    if copying_host(env, source, destination):
        programs = [
            (driver.copy_program(context, one.volume, one.path, is_stable=True), one.size_bytes) for one in copies
        ]
        return in_sequence(programs, label)
    passages = [
        Passage(
            source,
            send_image(one.path),
            destination,
            driver.receive_program(context, one.volume, one.size_bytes).work,
            one.size_bytes,
        )
        for one in copies
    ]
    return Program(env.backends.relay(passages), None, label)
