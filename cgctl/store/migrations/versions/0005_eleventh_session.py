"""Backups in a directory of one of several machines that share a state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("backups", sa.Column("kept_on", sa.String(), nullable=True))
