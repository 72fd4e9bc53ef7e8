"""The kinds of long work, by their word in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from cgctl.errors import ConfigurationError
from cgctl.manager.activities.work import LongWork
from cgctl.manager.environment import Environment

KINDS: Mapping[str, tuple[str, str]] = {
    "snapshot-replicate": ("cgctl.manager.snapshot_replication.work", "SnapshotReplication"),
    "migrate": ("cgctl.manager.relocation.work", "Relocation"),
    "group-migrate": ("cgctl.manager.relocation.work", "GroupRelocation"),
    "backup-create": ("cgctl.manager.backups.creation", "BackupCreation"),
    "group-backup-create": ("cgctl.manager.backups.creation", "GroupBackupCreation"),
    "backup-restore": ("cgctl.manager.backups.restoring", "Restoration"),
    "backup-verify": ("cgctl.manager.backups.verification", "Verification"),
    "group-verify-replica": ("cgctl.manager.replication.verify", "Verification"),
    "group-sync-replication": ("cgctl.manager.replication.errands", "SyncErrand"),
    "migrate-in-use": ("cgctl.manager.replication.lone", "LoneErrand"),
    "group-migrate-in-use": ("cgctl.manager.replication.errands", "MoveErrand"),
    "group-backup-restore": ("cgctl.manager.backups.restoring", "GroupRestoration"),
}
"""Module and class; imported when needed, since they use this room. The class is made of the environment alone."""


def long_work(env: Environment, kind: str) -> LongWork:
    """What settles an activity of this kind. Raises ConfigurationError for one that only a newer cgctl knows."""
    if kind not in KINDS:
        raise ConfigurationError("state", f"has an activity of the unknown kind {kind}", "use the newer cgctl")
    module, name = KINDS[kind]
    make: Callable[[Environment], LongWork] = getattr(import_module(module), name)
    return make(env)
