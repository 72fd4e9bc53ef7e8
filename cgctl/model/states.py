"""The states that are stored: Cinder's own words (reference/cinder-groups.md, B.1)."""

from __future__ import annotations

from enum import StrEnum


class GroupStatus(StrEnum):
    """A group's life."""

    CREATING = "creating"
    AVAILABLE = "available"
    UPDATING = "updating"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class GroupSnapshotStatus(StrEnum):
    """A group snapshot's life."""

    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class SnapshotStatus(StrEnum):
    """A snapshot's life, alone or as a member of a group snapshot."""

    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    DELETED = "deleted"
    MANAGING = "managing"
    UNMANAGING = "unmanaging"
    RESTORING = "restoring"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_MANAGING = "error_managing"


class VolumeStatus(StrEnum):
    """A volume's life; `in-use` while it has an attachment."""

    CREATING = "creating"
    AVAILABLE = "available"
    IN_USE = "in-use"
    ATTACHING = "attaching"
    DETACHING = "detaching"
    EXTENDING = "extending"
    REVERTING = "reverting"
    RESTORING_BACKUP = "restoring-backup"
    MANAGING = "managing"
    UNMANAGING = "unmanaging"
    MAINTENANCE = "maintenance"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_EXTENDING = "error_extending"
    ERROR_MANAGING = "error_managing"


class MigrationStatus(StrEnum):
    """Where a volume is on its way to another backend, and how the last one ended."""

    MIGRATING = "migrating"
    SUCCESS = "success"
    ERROR = "error"


class BackupStatus(StrEnum):
    """A backup's life; `restoring` while a volume or group is made of it."""

    CREATING = "creating"
    AVAILABLE = "available"
    RESTORING = "restoring"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class AttachmentStatus(StrEnum):
    """Cinder's attach_status, as far as attachments have a life here."""

    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    ERROR_ATTACHING = "error_attaching"
    ERROR_DETACHING = "error_detaching"


class ReplicationStatus(StrEnum):
    """Replication of a group or of its member; `failover-error` of a member that a failover has left behind."""

    DISABLED = "disabled"
    ENABLING = "enabling"
    ENABLED = "enabled"
    DISABLING = "disabling"
    FAILING_OVER = "failing-over"
    FAILED_OVER = "failed-over"
    FAILOVER_ERROR = "failover-error"
    ERROR = "error"


class OperationState(StrEnum):
    """A journal row: running, handed over to an activity on a server, ended well, refused or failed by a server, left
    behind, or put right afterwards."""

    RUNNING = "running"
    DETACHED = "detached"
    DONE = "done"
    FAILED = "failed"
    UNSETTLED = "unsettled"
    SETTLED = "settled"


_OF_OBJECTS = ("creating", "updating", "deleting", "attaching", "detaching", "extending", "reverting")
_OF_DATA = ("restoring", "restoring-backup", "managing", "unmanaging")
_OF_REPLICATION = ("enabling", "disabling", "failing-over")
TRANSITIONAL = frozenset({*_OF_OBJECTS, *_OF_DATA, *_OF_REPLICATION})
"""No object may be left in one of these when its operation has ended."""
