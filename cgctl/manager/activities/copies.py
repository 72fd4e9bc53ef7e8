"""Copies of images from backend to backend, as the program of an activity.

Where both backends are pools of one server, its server copies and compares; else the bytes are carried by a process of
this machine, and the receiver counts them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cgctl.errors import Refused
from cgctl.failures import explain
from cgctl.manager.environment import Environment, Passage
from cgctl.model.tables import new_id
from drivers import contract
from drivers.activities.place import send_image
from drivers.activities.sequence import in_sequence
from drivers.activities.values import Program
from drivers.contract import Context, ObjectKind, SourceForm
from drivers.errors import DriverError, PoolUnmarked


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


def refuse_what_stands_there(env: Environment, word: str, host: str, ids: Collection[str]) -> None:
    """Raise Refused where a backend has a group or volume of one of these ids: left there by a failover, or back since
    its server was restored. A copy that finds it would take it for itself, and the undo of one would remove it.

    Before the intent: what is settled after a kill takes whatever stands at the destination for its own.
    """
    try:
        objects = env.backends.get(host).driver.list_objects(env.context(new_id()))
    except PoolUnmarked:
        return
    except DriverError as error:
        raise explain(error, word) from error
    kinds = ObjectKind.GROUP, ObjectKind.VOLUME
    found = [one for one in objects if one.kind in kinds and one.id in ids and one.complete]
    if found:
        reason = f"backend {host} has {found[0].kind} {found[0].id} already, of an earlier time; it is not overwritten"
        hint = f"does another command move it? cgctl activity-list; else look at it on {env.backends.server(host)}"
        raise Refused(word, reason, hint)


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
