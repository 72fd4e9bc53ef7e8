"""Messages; backends that are frozen; replication of groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=True),
        sa.Column("resource_kind", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("resource_name", sa.String(), nullable=True),
        sa.Column("host", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("created_at", "operation_id", "resource_id"):
        op.create_index(op.f(f"ix_messages_{column}"), "messages", [column], unique=False)


def _backends() -> None:
    op.create_table(
        "backends",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _replicated_groups() -> None:
    op.create_table(
        "replicated_groups",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("generation_id", sa.String(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("enabled_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"]),
        sa.PrimaryKeyConstraint("group_id"),
    )


def _replicas() -> None:
    op.create_table(
        "replicas",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("point_id", sa.String(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(), nullable=True),
        sa.Column("completed_at", sa.DateTime(), nullable=True),
        sa.Column("stream_bytes", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("is_full", sa.Boolean(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"]),
        sa.PrimaryKeyConstraint("group_id", "host"),
    )


def _generations() -> None:
    op.create_table(
        "generations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("point_id", sa.String(), nullable=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("is_planned", sa.Boolean(), nullable=False),
        sa.Column("loss_seconds", sa.Float(), nullable=False),
        sa.Column("lost_since", sa.DateTime(), nullable=True),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_generations_group_id"), "generations", ["group_id"], unique=False)


def _drills() -> None:
    op.create_table(
        "drills",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("check_command", sa.String(), nullable=True),
        sa.Column("point_id", sa.String(), nullable=True),
        sa.Column("taken_at", sa.DateTime(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("rto_seconds", sa.Float(), nullable=True),
        sa.Column("rpo_seconds", sa.Float(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("log", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_drills_group_id"), "drills", ["group_id"], unique=False)


def _volumes() -> None:
    op.add_column("volumes", sa.Column("migration_status", sa.String(), nullable=True))


def upgrade() -> None:
    _backends()
    _messages()
    _replicated_groups()
    _replicas()
    _generations()
    _drills()
    _volumes()
