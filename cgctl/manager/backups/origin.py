"""What a backup is made of: a hidden clone on the source's backend. It has no row; the journal's plan knows its ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cgctl.errors import CgctlError, Refused, ServerFailure
from cgctl.manager import group_source, removal
from cgctl.manager.environment import Environment
from cgctl.manager.forms import DISK, form_of
from cgctl.manager.objects import shown, snapshot_object, volume_object
from cgctl.manager.placement import volume_types_of
from cgctl.manager.quiesce import HOOK_KEYS
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.volume import check_source
from cgctl.manager.updates import read_updates
from cgctl.model.names import CARRIES
from cgctl.model.tables import Group, Snapshot, Volume, VolumeType, new_id
from cgctl.store.queries import find, get
from drivers import contract
from drivers.backups.repository import Source
from drivers.contract import Context
from drivers.errors import PoolUnmarked

FORM = "form"
"""The key of a member in the manifest: `disk`, or `file system`. See drivers/backups."""
GROUP = "group"
"""The key of a group's first member: what a restore has to know of the group."""
HOOKS = frozenset(HOOK_KEYS)
NOT_IN_BACKUPS = {*HOOKS, CARRIES}
"""Keys of a group's metadata. Hooks are commands of this machine: no repository may say what is run here, nor be told
of a password in them. The other says whom the group carries now."""


@dataclass(frozen=True)
class Image:
    """A member of a backup: the volume's id (that is its name in the repository), and its hidden clone's."""

    member_id: str
    clone_id: str
    size_bytes: int


@dataclass(frozen=True)
class Origin:
    """Ids of what is backed up, and of its clone; one of volume_id and group_id is set."""

    host: str
    images: Sequence[Image]
    volume_id: str | None = None
    snapshot_id: str | None = None
    group_id: str | None = None
    group_snapshot_id: str | None = None
    clone_group_id: str | None = None

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Origin:
        """From the journal."""
        return cls(**{**plan, "images": [Image(**one) for one in plan["images"]]})

    @property
    def size_bytes(self) -> int:
        return sum(one.size_bytes for one in self.images)

    @property
    def method(self) -> str:
        """The driver's method that reads the source."""
        if self.group_id:
            return group_source.METHOD
        return "create_volume_from_snapshot" if self.snapshot_id else "create_cloned_volume"

    def clones(self) -> list[Volume]:
        """The hidden volumes, as rows that are in no state."""
        return [
            Volume(id=one.clone_id, status="", size_bytes=one.size_bytes, group_id=self.clone_group_id, host=self.host)
            for one in self.images
        ]

    def hidden_ids(self) -> set[str]:
        """Of what is on the server."""
        return {*(one.clone_id for one in self.images), *filter(None, [self.clone_group_id])}

    def doomed(self) -> Doomed:
        """All of it, as what is made and removed."""
        clones = self.clones()
        if self.clone_group_id is None:
            return Doomed(clones[0])
        return Doomed(Group(id=self.clone_group_id, status="", group_type_id="", host=self.host), volumes=clones)

    def sources(self, driver: contract.Driver) -> list[Source]:
        """Where the clone's data are on the server."""
        pairs = zip(self.images, self.clones(), strict=True)
        return [
            Source(image.member_id, image.size_bytes, driver.images.volume_source(volume_object(clone)))
            for image, clone in pairs
        ]


def of_volume(session: Session, reference: str, snapshot: str | None) -> tuple[Origin, Volume]:
    """A volume as it is now, or one of its snapshots. Raises NotFound, Refused."""
    row = find(session, Volume, reference)
    word = f"backup of volume {shown(row)}"
    if snapshot is None:
        check_source(word, row)
        image = Image(row.id, new_id(), row.size_bytes)
        return Origin(str(row.host), [image], volume_id=row.id), row
    taken = find(session, Snapshot, snapshot)
    if taken.volume_id != row.id:
        raise Refused(
            f"snapshot {shown(taken)}",
            f"is not one of volume {shown(row)}",
            f"cgctl snapshot-list --volume-id {row.id}",
        )
    check_source(word, taken)
    image = Image(row.id, new_id(), taken.size_bytes)
    return Origin(str(taken.host), [image], volume_id=row.id, snapshot_id=taken.id), row


def of_group(
    env: Environment, session: Session, group: str, group_snapshot: str | None
) -> tuple[Origin, group_source.Source]:
    """A group as it is now, or one of its group snapshots. Raises NotFound, Refused."""
    source = group_source.find_source(
        session, group_snapshot, None if group_snapshot else group, consistency_group=False
    )
    word = f"backup of group {shown(source.group)}"
    if group_snapshot and group_source.find_source(session, None, group, consistency_group=False).group != source.group:
        raise Refused(word, f"group snapshot {group_snapshot} is of another group", "cgctl group-snapshot-list")
    group_source.check_quiet(env, word, source)
    parts: Sequence[Snapshot | Volume] = source.snapshots or source.volumes
    images = [Image(volume.id, new_id(), part.size_bytes) for volume, part in zip(source.volumes, parts, strict=True)]
    taken = source.group_snapshot.id if source.group_snapshot else None
    return Origin(source.host, images, None, None, source.group.id, taken, new_id()), source


def describe(
    env: Environment, session: Session, volumes: Sequence[Volume], origin: Origin, group: Group | None
) -> list[dict[str, Any]]:
    """What a restore has to know of each member, and of the group, as the backup's row and its manifest keep it."""
    form = form_of(env, origin.host)
    types = {row.id: get(session, VolumeType, row.volume_type_id).name for row in volumes if row.volume_type_id}
    members: list[dict[str, Any]] = [
        {
            "id": image.member_id,
            "name": row.name,
            "description": row.description,
            "size_bytes": image.size_bytes,
            "volume_type": types.get(row.id),
            "metadata": dict(row.properties),
            FORM: form,
        }
        for row, image in zip(volumes, origin.images, strict=True)
    ]
    if group:
        members[0][GROUP] = {
            "description": group.description,
            "metadata": {key: value for key, value in group.properties.items() if key not in NOT_IN_BACKUPS},
            "left_out": sorted(HOOKS.intersection(group.properties)),
            "volume_types": [one.name for one in volume_types_of(session, group.id)],
        }
    return members


def told_form(members: Sequence[Mapping[str, Any]]) -> str:
    """What the images of a backup are; before it was told, there were none but of disks."""
    return next((str(one[FORM]) for one in members if one.get(FORM)), DISK)


def clone(env: Environment, context: Context, origin: Origin) -> None:
    """Make the hidden clone, of images: one point in time. Raises DriverErrors, CgctlErrors."""
    driver = env.backends.get(origin.host).driver.images
    if origin.group_id:
        _clone_group(env, context, origin)
        return
    with env.store.read() as session:
        source = session.get_one(Volume, origin.volume_id)
        taken = session.get_one(Snapshot, origin.snapshot_id) if origin.snapshot_id else None
    hidden = volume_object(origin.clones()[0])
    if taken:
        driver.create_volume_from_snapshot(context, hidden, snapshot_object(taken))
    else:
        driver.create_cloned_volume(context, hidden, volume_object(source))


def _clone_group(env: Environment, context: Context, origin: Origin) -> None:
    with env.store.read() as session:
        group = None if origin.group_snapshot_id else origin.group_id
        source = group_source.find_source(session, origin.group_snapshot_id, group, consistency_group=False)
    new = origin.doomed()
    made = group_source.clone(env, context, source, new, as_images=True)
    reading = read_updates(new.member_ids, *made.updates, "available")
    if reading.failed:
        raise ServerFailure(f"group {shown(source.group)}", reading.reason or "could not be cloned", None)
    if made.complaint:
        env.warn(f"{made.complaint.subject}: {made.complaint.reason}")


def remove(env: Environment, context: Context, origin: Origin) -> CgctlError | None:
    """Remove the hidden clone. Not there is fine. Raises DriverErrors; returns what is left of a partial deletion."""
    try:
        reading = removal.remove_from_server(env, context, origin.doomed())
    except PoolUnmarked:  # the state has what was backed up there: the pool is not mounted
        if removal.others_in_pool(env, origin.host, {one.clone_id for one in origin.images}):
            raise
        return None
    if not reading.failed:
        return None
    return ServerFailure("hidden clone", reading.reason or "could not be removed", "cgctl recover")
