"""An order knows where the piece is to be sent; `address_version` counts how often it was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order", sa.Column("address", postgresql.JSONB()))
    op.add_column(
        "order", sa.Column("address_version", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("order", "address_version")
    op.drop_column("order", "address")
