"""`migrate` of a volume in use: it moves as the only member of a group that is made for the way, and gone afterwards.

Decided 2026-11-22: what replicates, fences and cuts over is a group, so one volume is a group of one; it needs a volume
type, as every member does. The group is called `migrate-<volume>` and says in its metadata whom it carries: that is how
the same command goes on, and how an operator who looks meanwhile knows what it is. A refusal that comes only then puts
the volume back.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import select

from cgctl.errors import CgctlError, DryRun, Refused
from cgctl.manager.activities.launch import launch
from cgctl.manager.activities.work import Intended, Plan
from cgctl.manager.dependents import attached_ones, has_snapshots
from cgctl.manager.environment import Environment
from cgctl.manager.groups import create_group, delete_group
from cgctl.manager.membership import Changes, update_group
from cgctl.manager.objects import lock_key, shown
from cgctl.manager.operation import Intent, wait_until_free
from cgctl.manager.replication import migration
from cgctl.manager.replication.errands import MoveErrand
from cgctl.manager.replication.members import ReplicatedGroup, load_any
from cgctl.manager.rules.volume import check_migration
from cgctl.model.activities import Activity
from cgctl.model.names import CARRIES, MAX_TEXT
from cgctl.model.tables import Volume, VolumeType
from cgctl.store.queries import attachments_of, find, group_with, members
from drivers.contract import Context

KIND = "migrate-in-use"


def is_moved_in_use(env: Environment, reference: str, *, allow_attached_volume: bool) -> bool:
    """Whether such a move has begun, or somebody is attached and may be. Raises Refused for one that may not go on."""
    with env.store.read() as session:
        volume = find(session, Volume, reference)
        is_attached = bool(attached_ones(session, [volume]))
    has_begun = _carrier(env, volume.id) is not None
    if has_begun and not allow_attached_volume:
        raise Refused(f"volume {shown(volume)}", "is on its way, in use", "add --allow-attached-volume to go on")
    return has_begun or (allow_attached_volume and is_attached)


def migrate_in_use(env: Environment, reference: str, host: str) -> None:
    """Move a volume while it is used; again, go on. Raises Refused with the volume as it was."""
    go_on(env, {"group_id": _board(env, reference, host), "host": host})


def begin(env: Environment, reference: str, host: str) -> Activity:
    """Left running, on its way."""
    return launch(env, LoneErrand(env, _board(env, reference, host)), detach=True)


def alight(env: Environment, group_id: str) -> None:
    """The volume alone again, and no group."""
    with env.store.read() as session:
        ids = [one.id for one in members(session, group_id)]
    if ids:
        update_group(env, group_id, Changes(remove=ids))
    delete_group(env, group_id, delete_volumes=False)


@dataclass(frozen=True)
class LoneErrand(MoveErrand):
    """The long work of a volume's own move; reference: its group."""

    kind: str = KIND

    def intend(self, intent: Intent) -> Intended:
        intended = super().intend(intent)
        volume = members(intent.session, str(intended.plan["group_id"]))[0]
        intent.about("volume", volume.id, volume.name)
        return intended

    def put_right(self, context: Context, plan: Plan) -> None:
        super().put_right(context, plan)
        if not self._group(plan).moving_to:
            alight(self.env, plan["group_id"])


def go_on(env: Environment, plan: Plan) -> None:
    """From wherever it is to its end."""
    migration.go_on(env, plan["group_id"], plan["host"])
    alight(env, plan["group_id"])


def _board(env: Environment, reference: str, host: str) -> str:
    """The volume's group, on its way."""
    volume, carrier = _checked(env, reference, host)
    if carrier is None and env.dry_run:
        here, there = env.backends.server(volume.host or ""), env.backends.server(host)
        raise DryRun([f"{here}: replicate volume {shown(volume)} to {there}, then fail it over and remove it here"])
    if carrier is None:
        made = create_group(
            env,
            None,
            [str(volume.volume_type_id)],
            f"migrate-{volume.name or volume.id}"[:MAX_TEXT],
            metadata={CARRIES: volume.id},
            consistency_group=True,
            host=volume.host,
        )
        carrier = made.id
    try:
        if volume.group_id != carrier:
            update_group(env, carrier, Changes(add=[volume.id]))
        if _read(env, carrier).active != host:
            migration.depart(env, carrier, host)
    except CgctlError:
        if _read(env, carrier).moving_to is None:
            alight(env, carrier)
        raise
    return carrier


def _checked(env: Environment, reference: str, host: str) -> tuple[Volume, str | None]:
    """The volume, and the group that carries it already. Raises Refused where none could."""
    env.backends.get(host)  # raises when it is not configured
    with env.store.read() as session:
        volume = find(session, Volume, reference)
    wait_until_free(env, lock_key(volume), *filter(None, [_carrier(env, volume.id)]))
    carrier = _carrier(env, volume.id)
    with env.store.read() as session:
        volume = find(session, Volume, volume.id)
        if carrier is None:
            check_migration(volume, host, has_snapshots=has_snapshots(session, volume), in_use=True)
        attachments = attachments_of(session, [volume.id])
    word = f"volume {shown(volume)}"
    if carrier is None and volume.volume_type_id is None:
        reason = "has no volume type: in use it moves as the member of a group, and members have one"
        raise Refused(word, reason, _give_type(env, volume))
    if carrier is None and env.backends.share_server(volume.host or "", host):
        raise migration.on_same_server(word, "migrate", volume.id, host, attachments)
    return volume, carrier


def _give_type(env: Environment, volume: Volume) -> str:
    """One that asks for nothing, so that the volume stays what it is."""
    with env.store.read() as session:
        types = session.exec(select(VolumeType).order_by(VolumeType.name)).all()
    found = next((one.name for one in types if not one.extra_specs), None)
    retype = f"cgctl retype {volume.id} {found or 'migrates'}"
    return retype if found else f"cgctl type-create migrates; {retype}"


def _carrier(env: Environment, volume_id: str) -> str | None:
    with env.store.read() as session:
        return group_with(session, CARRIES, volume_id)


def _read(env: Environment, group_id: str) -> ReplicatedGroup:
    with env.store.read() as session:
        return load_any(session, group_id)
