"""Drills that are kept, and their timeline; group snapshots that are replicas of others."""

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


def upgrade() -> None:
    _drills()
    _group_snapshots()
