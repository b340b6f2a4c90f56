"""The design of a ring stays with the order that was drawn in the constructor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order", sa.Column("design", postgresql.JSONB()))


def downgrade() -> None:
    op.drop_column("order", "design")
