"""The table of backups; apart from the others, since a list of volumes need not pay for it (G5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, SQLModel

from cgctl.model.tables import Json, UtcDateTime, new_id, utc_now


class Backup(SQLModel, table=True):
    """A backup of a volume or of a snapshot, or of a whole group (group_id) at one point in time, in a repository.

    It outlives what it is of. members: a dictionary for each image: `id` (the volume's then), `name`, `size_bytes`,
    `volume_type` (a name), `description`, `metadata`; the first says what the `group` was.
    new_bytes: what it added to the repository. host: the backend that it is of. kept_on: the machine whose directory
    the repository is; None where it is a configured server's, and of old rows.
    """

    __tablename__ = "backups"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str | None = Field(default=None, index=True)
    description: str | None = None
    status: str
    repository: str
    size_bytes: int = Field(sa_type=BigInteger)
    volume_id: str | None = Field(default=None, index=True)
    snapshot_id: str | None = None
    group_id: str | None = Field(default=None, index=True)
    group_snapshot_id: str | None = None
    parent_id: str | None = None
    group_type: str | None = None
    compression: str = "none"
    members: list[Json] = Field(default_factory=list, sa_type=JSON)
    chunk_count: int = 0
    stored_bytes: int = Field(default=0, sa_type=BigInteger)
    new_bytes: int = Field(default=0, sa_type=BigInteger)
    host: str | None = None
    kept_on: str | None = None
    availability_zone: str | None = None
    properties: Json = Field(default_factory=dict, sa_type=JSON)
    fail_reason: str | None = None
    data_timestamp: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
