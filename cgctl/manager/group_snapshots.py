"""Group snapshots: all members at one point in time, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cgctl.manager import creation, deletion, given_up, removal
from cgctl.manager.between_hooks import take_between_hooks
from cgctl.manager.creation import Made
from cgctl.manager.dependents import clones_underway
from cgctl.manager.environment import Environment
from cgctl.manager.objects import snapshot_objects
from cgctl.manager.operation import Intent
from cgctl.manager.quiesce import bounded, hooks_of, quiesced_by, require_quiet
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.group_snapshot import check_creation, check_deletion
from cgctl.manager.rules.status import called
from cgctl.model.names import checked_text
from cgctl.model.states import GroupSnapshotStatus, SnapshotStatus
from cgctl.model.tables import Group, GroupSnapshot, Snapshot, Volume
from cgctl.store.queries import find, members
from drivers import contract
from drivers.contract import Context

METHOD = "create_cgsnapshot"


def create_group_snapshot(
    env: Environment, group: str, name: str | None = None, description: str | None = None
) -> GroupSnapshot:
    """Snapshot every member of a group at one point in time (B.6)."""
    checked_text("group snapshot name", name)
    checked_text("group snapshot description", description)

    def prepare(intent: Intent) -> Doomed:
        source = find(intent.session, Group, group)
        intent.lock(source.id)
        volumes = members(intent.session, source.id)
        _check_group(env, source, volumes)
        return new_rows(intent, source, volumes, name, description)

    def call(context: Context, new: Doomed) -> Made:
        return _take(env, context, new)

    made = creation.create(env, "group-snapshot-create", "group snapshot", prepare, call).row
    assert isinstance(made, GroupSnapshot)
    return made


def _check_group(env: Environment, group: Group, volumes: list[Volume]) -> None:
    check_creation(group, volumes)
    word = called("group", group)
    require_quiet(env.backends.get(group.host or "").driver, METHOD, word, volumes, hooks_of(env, group))


def new_rows(
    intent: Intent, group: Group, volumes: Sequence[Volume], name: str | None, description: str | None = None
) -> Doomed:
    """A group snapshot and its members, in `creating`."""
    row = GroupSnapshot(
        name=name,
        description=description,
        status=GroupSnapshotStatus.CREATING,
        group_id=group.id,
        group_type_id=group.group_type_id,
        host=group.host,
    )
    intent.add(row)
    snapshots = [
        Snapshot(
            name=name,
            description=description,
            status=SnapshotStatus.CREATING,
            volume_id=volume.id,
            size_bytes=volume.size_bytes,
            group_snapshot_id=row.id,
            group_id=group.id,
            host=group.host,
        )
        for volume in volumes
    ]
    intent.add(*snapshots)
    return Doomed(row, snapshots=snapshots)


def _take(env: Environment, context: Context, new: Doomed) -> Made:
    assert isinstance(new.row, GroupSnapshot)
    driver = env.backends.get(new.row.host or "").driver
    on_server = contract.GroupSnapshot(new.row.id, new.row.group_id)
    snapshots = snapshot_objects(new.snapshots)
    with env.store.read() as session:
        group = session.get_one(Group, new.row.group_id)

    hooks = hooks_of(env, group)
    held = bounded(env, driver, METHOD, context, hooks)
    if hooks:  # no application is held for a server that cannot be reached, nor while it is being connected
        driver.get_volume_stats(context)

    def take() -> contract.Updates:
        model_update, members = driver.create_cgsnapshot(held, on_server, snapshots)
        quiet = quiesced_by(driver, METHOD, hooks)
        if model_update and "hold" in model_update and quiet:
            model_update["hold"]["quiesced_by"] = quiet
        return model_update, members

    def remove() -> None:
        driver.delete_cgsnapshot(context, on_server, snapshots)

    return take_between_hooks(env, context, group, take, remove)


def delete_group_snapshot(env: Environment, reference: str, *, backend_is_gone: bool = False) -> None:
    """Delete a group snapshot with all its member snapshots (B.7).

    backend_is_gone: for good, the operator says: then it is forgotten.
    """

    def select_snapshot(intent: Intent) -> Doomed:
        row = find(intent.session, GroupSnapshot, reference)
        intent.lock(row.group_id)
        check_deletion(row, clones_underway(intent.session, row))
        return removal.doomed(intent.session, row)

    if backend_is_gone:
        given_up.take_word(env, "group-snapshot-delete", GroupSnapshot, reference)
    deletion.delete(env, "group-snapshot-delete", "group snapshot", select_snapshot, is_given_up=backend_is_gone)
