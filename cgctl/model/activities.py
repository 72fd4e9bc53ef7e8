"""Backend activities, as a table: the handle of each, and what was last seen of it. The truth is on its server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from cgctl.model.tables import UtcDateTime, new_id, utc_now


class Activity(SQLModel, table=True):
    """Long work on a server. operation_id: the journal row that it ends, and that says what follows.

    host: the backend whose server it runs on; None: on the machine `started_host`. directory: where its files are.
    state: the words of `drivers.activities.values.ActivityState`. source_ids: what it reads, and nobody may delete;
    made_ids: what it makes. scope: who may use the handle (seed 004); started_*: who that was.
    """

    __tablename__ = "activities"
    id: str = Field(default_factory=new_id, primary_key=True)
    operation_id: str = Field(foreign_key="operations.id", index=True)
    kind: str
    state: str = Field(index=True)
    subject_kind: str
    subject_id: str = Field(index=True)
    subject_name: str | None = None
    source_ids: str = ""
    made_ids: str = ""
    host: str | None = None
    directory: str
    scope: str
    started_host: str
    started_user: str
    started_space: str
    started_pid: int
    started_tick: str
    done_bytes: int = Field(default=0, sa_type=BigInteger)
    total_bytes: int = Field(default=0, sa_type=BigInteger)
    exit_status: int | None = None
    error: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    began_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
