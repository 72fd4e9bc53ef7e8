"""Groups that move to another backend while they are in use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("replicated_groups", sa.Column("moving_to", sa.String(), nullable=True))
