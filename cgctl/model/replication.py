"""Replicated groups, as tables. What servers hold is observed; here is what cgctl wants, and what it remembers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, SQLModel

from cgctl.model.tables import UtcDateTime, new_id, utc_now


class Replicated(SQLModel, table=True):
    """A group whose replication is enabled. origin: the backend that `default` means; generation_id: what serves now.

    last_sequence: of the newest recovery point that was begun. moving_to: the backend that `group-migrate` brings it to
    while it is in use; it is replicated only for that, and only there.
    """

    __tablename__ = "replicated_groups"
    group_id: str = Field(foreign_key="groups.id", primary_key=True)
    origin: str
    generation_id: str
    last_sequence: int = 0
    moving_to: str | None = None
    enabled_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Replica(SQLModel, table=True):
    """A backend that holds, or shall hold, the group's recovery points: its newest complete one, and what it cost.

    error: why the last try did not bring a newer one. path, compression: how it came; path_note: why not directly.
    """

    __tablename__ = "replicas"
    group_id: str = Field(foreign_key="groups.id", primary_key=True)
    host: str = Field(primary_key=True)
    point_id: str | None = None
    sequence: int | None = None
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stream_bytes: int | None = Field(default=None, sa_type=BigInteger)
    seconds: float | None = None
    is_full: bool | None = None
    error: str | None = None
    path: str | None = None
    compression: str | None = None
    path_note: str | None = None


class UnsettledPoint(SQLModel, table=True):
    """A recovery point of which a server may hold something that nobody needs: it did not answer when it was given up.

    No note on the server need tell of it, so it is removed by its id once the server answers again.
    """

    __tablename__ = "unsettled_points"
    group_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    point_id: str = Field(primary_key=True)


class Transfer(SQLModel, table=True):
    """A transfer that runs, as the process that watches it sees it; the row of a process that died means nothing."""

    __tablename__ = "transfers"
    group_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    operation_id: str
    stream_bytes: int = Field(default=0, sa_type=BigInteger)
    expected_bytes: int | None = Field(default=None, sa_type=BigInteger)
    began_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Drill(SQLModel, table=True):
    """One test of a failover. verdict: running, passed, failed. rpo_seconds: the age of the point when it began.

    is_kept: its clone is still there. timeline: what was done when, `{"at", "what"}`. connections: how the members of
    the clone are reached, without the secret.
    """

    __tablename__ = "drills"
    id: str = Field(default_factory=new_id, primary_key=True)
    group_id: str = Field(index=True)
    group_name: str | None = None
    host: str
    check_command: str | None = None
    point_id: str | None = None
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    verdict: str = "running"
    reason: str | None = None
    log: str = ""
    is_kept: bool = False
    timeline: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    connections: list[dict[str, object]] = Field(default_factory=list, sa_type=JSON)


class GroupGeneration(SQLModel, table=True):
    """What one promotion began. loss_seconds: how much of the generation before it was not replicated, 0 if nothing."""

    __tablename__ = "generations"
    id: str = Field(default_factory=new_id, primary_key=True)
    group_id: str = Field(foreign_key="groups.id", index=True)
    parent_id: str | None = None
    point_id: str | None = None
    host: str
    reason: str
    is_planned: bool = True
    loss_seconds: float = 0.0
    lost_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    began_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
