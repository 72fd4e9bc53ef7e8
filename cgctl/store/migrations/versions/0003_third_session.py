"""Drills that are kept; snapshots that are replicas of others; how points travel; backend activities."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _drills() -> None:
    op.add_column("drills", sa.Column("is_kept", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("drills", sa.Column("timeline", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("drills", sa.Column("connections", sa.JSON(), nullable=False, server_default="[]"))


def _group_snapshots() -> None:
    op.add_column("group_snapshots", sa.Column("replicates_id", sa.String(), nullable=True))


def _transfers() -> None:
    for column in ("path", "compression", "path_note"):
        op.add_column("replicas", sa.Column(column, sa.String(), nullable=True))
    op.create_table(
        "unsettled_points",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("group_id", "host", "point_id")),
        sa.PrimaryKeyConstraint("group_id", "host", "point_id"),
    )
    op.create_table(
        "transfers",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("stream_bytes", sa.BigInteger(), nullable=False),
        sa.Column("expected_bytes", sa.BigInteger(), nullable=True),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "host"),
    )


def _snapshots() -> None:
    op.add_column("snapshots", sa.Column("member_id", sa.String(), nullable=True))


def _activities() -> None:
    words = ("id", "operation_id", "kind", "state", "subject_kind", "subject_id", "source_ids", "made_ids", "directory")
    texts = (*words, "scope", "started_host", "started_user", "started_space", "started_tick")
    op.create_table(
        "activities",
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("subject_name", "host", "error")),
        sa.Column("started_pid", sa.Integer(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        *(sa.Column(name, sa.DateTime(), nullable=True) for name in ("began_at", "ended_at", "seen_at")),
        sa.ForeignKeyConstraint(["operation_id"], ["operations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("operation_id", "state", "subject_id"):
        op.create_index(op.f(f"ix_activities_{column}"), "activities", [column], unique=False)


def _backups() -> None:
    op.create_table(
        "backups",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "status", "repository", "compression")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("name", "description", "volume_id", "snapshot_id")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("group_id", "group_snapshot_id", "parent_id")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("group_type", "host", "availability_zone")),
        sa.Column("fail_reason", sa.String(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("size_bytes", "stored_bytes", "new_bytes")),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("members", "properties")),
        *(sa.Column(name, sa.DateTime(), nullable=False) for name in ("data_timestamp", "created_at")),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("name", "volume_id", "group_id"):
        op.create_index(op.f(f"ix_backups_{column}"), "backups", [column], unique=False)


def upgrade() -> None:
    _drills()
    _group_snapshots()
    _transfers()
    _snapshots()
    _activities()
    _backups()
