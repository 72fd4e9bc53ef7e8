"""The state, as SQLModel tables. Ids are UUIDs as text; sizes are bytes; times are aware and UTC.

Migrations (`cgctl.store.migrations`) make these tables; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, BigInteger, DateTime, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel


def new_id() -> str:
    """A fresh object id."""
    return str(uuid4())


def utc_now() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times; SQLite would hand them back naive."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value else None


Json = dict[str, Any]


class Setting(SQLModel, table=True):
    """What the state store knows of itself: `owner` is its id, the mark on every pool."""

    __tablename__ = "settings"
    key: str = Field(primary_key=True)
    value: str


class VolumeType(SQLModel, table=True):
    """A kind of volume; extra_specs say what its backend must be capable of."""

    __tablename__ = "volume_types"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    description: str | None = None
    is_public: bool = True
    extra_specs: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class GroupType(SQLModel, table=True):
    """A kind of group; group_specs say what its backend must be capable of."""

    __tablename__ = "group_types"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    description: str | None = None
    is_public: bool = True
    group_specs: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Group(SQLModel, table=True):
    """A consistency group; host is its backend's id. `properties` holds its metadata (quiesce hooks among them)."""

    __tablename__ = "groups"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str | None = Field(default=None, index=True)
    description: str | None = None
    status: str
    availability_zone: str | None = None
    host: str | None = None
    group_type_id: str = Field(foreign_key="group_types.id")
    group_snapshot_id: str | None = None
    source_group_id: str | None = None
    replication_status: str = "disabled"
    properties: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GroupVolumeType(SQLModel, table=True):
    """Which volume types a group takes."""

    __tablename__ = "group_volume_types"
    group_id: str = Field(foreign_key="groups.id", primary_key=True)
    volume_type_id: str = Field(foreign_key="volume_types.id", primary_key=True)


class Volume(SQLModel, table=True):
    """A volume, alone or as a member of a group."""

    __tablename__ = "volumes"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str | None = Field(default=None, index=True)
    description: str | None = None
    status: str
    size_bytes: int = Field(sa_type=BigInteger)
    volume_type_id: str | None = Field(default=None, foreign_key="volume_types.id")
    group_id: str | None = Field(default=None, foreign_key="groups.id", index=True)
    snapshot_id: str | None = None
    source_volid: str | None = None
    replication_status: str = "disabled"
    migration_status: str | None = None
    host: str | None = None
    availability_zone: str | None = None
    properties: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GroupSnapshot(SQLModel, table=True):
    """A snapshot of all members of a group at one point in time; hold is the driver's receipt.

    replicates_id: of the group snapshot that this one carries to another backend; that one may be gone.
    """

    __tablename__ = "group_snapshots"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str | None = Field(default=None, index=True)
    description: str | None = None
    status: str
    group_id: str = Field(foreign_key="groups.id", index=True)
    group_type_id: str = Field(foreign_key="group_types.id")
    host: str | None = None
    hold: Json | None = Field(default=None, sa_type=JSON)
    replicates_id: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Snapshot(SQLModel, table=True):
    """A snapshot of one volume; group_id is the group that the volume was in when it was made.

    member_id: by which its backend knows the volume, where that is another id: of one that was replicated.
    """

    __tablename__ = "snapshots"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str | None = Field(default=None, index=True)
    description: str | None = None
    status: str
    volume_id: str = Field(foreign_key="volumes.id", index=True)
    size_bytes: int = Field(sa_type=BigInteger)
    group_snapshot_id: str | None = Field(default=None, foreign_key="group_snapshots.id", index=True)
    member_id: str | None = None
    group_id: str | None = None
    host: str | None = None
    properties: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Attachment(SQLModel, table=True):
    """One initiator's access to one volume. The secret never leaves this table but to the server and, once, to the
    operator."""

    __tablename__ = "attachments"
    id: str = Field(default_factory=new_id, primary_key=True)
    volume_id: str = Field(foreign_key="volumes.id", index=True)
    status: str
    initiator: str | None = None
    ip: str | None = None
    client: str | None = None
    username: str | None = None
    secret: str | None = None
    connection: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Operation(SQLModel, table=True):
    """The journal: who does what to which object, and what settles it when he dies.

    holder_*: the process, so that its death can be seen. plan: what `cgctl.manager.recover` needs.
    """

    __tablename__ = "operations"
    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    state: str = Field(index=True)
    subject_kind: str
    subject_id: str = Field(index=True)
    subject_name: str | None = None
    command_line: str
    holder_host: str
    holder_space: str
    holder_pid: int
    holder_started: str
    lease_until: datetime = Field(sa_type=UtcDateTime)
    plan: Json = Field(default_factory=dict, sa_type=JSON)
    error: str | None = None
    started_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Lock(SQLModel, table=True):
    """Held by an operation that is not over; the key is the id of a group, or of a volume without one."""

    __tablename__ = "locks"
    key: str = Field(primary_key=True)
    operation_id: str = Field(foreign_key="operations.id", index=True)


class Event(SQLModel, table=True):
    """What happened to an object, for `history`."""

    __tablename__ = "events"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    operation_id: str | None = Field(default=None, index=True)
    level: str = "info"
    subject_kind: str
    subject_id: str = Field(index=True)
    subject_name: str | None = None
    kind: str
    message: str


class BackendState(SQLModel, table=True):
    """What operators have said of a backend (none: nothing). frozen_at: since when nothing may change it."""

    __tablename__ = "backends"
    id: str = Field(primary_key=True)
    frozen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Message(SQLModel, table=True):
    """A failure, for whoever looks later: which object, on which backend, why, and what to do. Goes at `expires_at`."""

    __tablename__ = "messages"
    id: str = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    level: str = "ERROR"
    event: str
    operation_id: str | None = Field(default=None, index=True)
    resource_kind: str
    resource_id: str = Field(index=True)
    resource_name: str | None = None
    host: str | None = None
    reason: str
    hint: str | None = None


__all__ = [
    "Attachment",
    "BackendState",
    "Event",
    "Group",
    "GroupSnapshot",
    "GroupType",
    "GroupVolumeType",
    "Lock",
    "Message",
    "Operation",
    "Setting",
    "Snapshot",
    "Volume",
    "VolumeType",
]
