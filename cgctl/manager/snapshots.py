"""Snapshots of one volume."""

from __future__ import annotations

from cgctl.manager import creation, deletion, given_up
from cgctl.manager.creation import Made
from cgctl.manager.environment import Environment
from cgctl.manager.objects import lock_key, snapshot_object
from cgctl.manager.operation import Intent
from cgctl.manager.quiesce import require_quiet
from cgctl.manager.removal import Doomed
from cgctl.manager.rules.snapshot import check_creation, check_deletion
from cgctl.manager.rules.status import called
from cgctl.model.names import checked_text
from cgctl.model.states import SnapshotStatus
from cgctl.model.tables import Snapshot, Volume
from cgctl.store.queries import find
from drivers.contract import Context


def create_snapshot(
    env: Environment,
    volume: str,
    name: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Snapshot:
    """Snapshot one volume at one point in time, attached or not where the driver can."""
    checked_text("snapshot name", name)
    checked_text("snapshot description", description)

    def prepare(intent: Intent) -> Doomed:
        source = find(intent.session, Volume, volume)
        intent.lock(lock_key(source))
        _check_source(env, source)
        row = Snapshot(
            name=name,
            description=description,
            status=SnapshotStatus.CREATING,
            volume_id=source.id,
            size_bytes=source.size_bytes,
            group_id=source.group_id,
            host=source.host,
            properties=metadata or {},
        )
        intent.add(row)
        return Doomed(row)

    def call(context: Context, new: Doomed) -> Made:
        assert isinstance(new.row, Snapshot)
        driver = env.backends.get(new.row.host or "").driver
        return Made((driver.create_snapshot(context, snapshot_object(new.row)), None))

    made = creation.create(env, "snapshot-create", "snapshot", prepare, call).row
    assert isinstance(made, Snapshot)
    return made


def _check_source(env: Environment, source: Volume) -> None:
    check_creation(source)
    require_quiet(env.backends.get(source.host or "").driver, "create_snapshot", called("volume", source), [source])


def delete_snapshot(env: Environment, reference: str, *, backend_is_gone: bool = False) -> None:
    """Delete a snapshot that is no member of a group snapshot.

    backend_is_gone: for good, the operator says: then it is forgotten.
    """

    def select_snapshot(intent: Intent) -> Doomed:
        row = find(intent.session, Snapshot, reference)
        intent.lock(row.group_id or row.volume_id)
        check_deletion(row)
        return Doomed(row)

    if backend_is_gone:
        given_up.take_word(env, "snapshot-delete", Snapshot, reference)
    deletion.delete(env, "snapshot-delete", "snapshot", select_snapshot, is_given_up=backend_is_gone)
