"""Copies of images from backend to backend, as the program of an activity.

Where both backends are pools of one server, its server copies and compares; else the bytes are carried by a process of
this machine, and the receiver counts them. A volume that is a file system is read by an image of it (`Driver.images`).
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


@dataclass(frozen=True)
class Original:
    """A volume that nobody has, and the image by which it is read: its own id where it is read as it is."""

    volume: contract.Volume
    image_id: str

    @classmethod
    def of(cls, driver: contract.Driver, volume_id: str, size_bytes: int) -> Original:
        """With a new id where volumes are file systems."""
        is_mounted = driver.source_form is SourceForm.FILE_SYSTEM
        return cls(contract.Volume(volume_id, size_bytes), new_id() if is_mounted else volume_id)

    @property
    def image(self) -> contract.Volume | None:
        if self.image_id == self.volume.id:
            return None
        return contract.Volume(self.image_id, self.volume.size_bytes)

    def begin(self, driver: contract.Driver, context: Context) -> str:
        """Where its bytes are."""
        if self.image is None:
            return driver.volume_source(self.volume)
        driver.images.create_cloned_volume(context, self.image, self.volume)
        return driver.images.volume_source(self.image)

    def end(self, driver: contract.Driver, context: Context) -> None:
        """Nothing of it is left; again is fine."""
        if self.image:
            driver.delete_volume(context, self.image)


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
    env: Environment,
    context: Context,
    source: str,
    destination: str,
    copies: Sequence[Copy],
    label: str,
    *,
    as_images: bool = False,
) -> Program:
    """Copies from one backend to another, one after the other: all of them, or the undo of all. as_images: nobody shall
    be offered what they become."""
    driver = env.backends.get(destination).driver
    driver = driver.images if as_images else driver
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
