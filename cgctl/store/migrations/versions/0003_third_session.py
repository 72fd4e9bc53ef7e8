"""Drills that are kept, and their timeline; group snapshots that are replicas of others; how points travel."""

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


def upgrade() -> None:
    _drills()
    _group_snapshots()
    _transfers()
